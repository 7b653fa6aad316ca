import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './workspace';

interface Lockfile {
  packages: Record<string, { dev?: boolean; version?: string; license?: string } | undefined>;
}

const lockfile = (): Lockfile =>
  JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile;

/** Folders of packages (`node_modules/pg`) that these files, given from the root of the workspace, belong to. */
export function packagesOf(files: readonly string[]): string[] {
  const folders = files.map((file) => /^((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]);
  return [...new Set(folders)].filter((folder) => folder !== undefined).sort();
}

/** Folders of the packages that are installed for development only. */
export function forDevelopment(): ReadonlySet<string> {
  return new Set(
    Object.entries(lockfile().packages).flatMap(([folder, entry]) => (entry?.dev ? [folder] : [])),
  );
}

/** @throws Error when one is there for development only: what is shipped has what is declared, and no more. */
export function mustBeForProduction(folders: readonly string[]): void {
  const development = forDevelopment();
  const wrong = folders.filter((folder) => development.has(folder));
  if (wrong.length > 0) throw new Error(`would be shipped, and is for development only: ${wrong.join(', ')}`);
}

/** The licences of the packages as one text; what is shipped has to carry them. */
export function licencesOf(folders: readonly string[]): string {
  const { packages } = lockfile();
  const texts = new Map<string, string>();
  for (const folder of folders) {
    const { version, license = 'see the text' } = packages[folder] ?? {};
    // Copies of one version, and folders inside a package that have a manifest of their own.
    if (version === undefined) continue;
    const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const files = readdirSync(join(root, folder)).filter((file) =>
      /^(licen[cs]e|copying|notice)(\.(md|txt))?$/i.test(file),
    );
    const contents = files.map((file) => readFileSync(join(root, folder, file), 'utf8').trim());
    texts.set(`${name} ${version}`, [`==== ${name} ${version} (${license})`, ...contents].join('\n\n'));
  }
  return `${[...texts.values()].join('\n\n\n')}\n`;
}
