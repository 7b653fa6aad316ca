import { cpSync, existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

interface Manifest {
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** The folder of `name` as Node finds it from `from`, or undefined. */
function folderOf(name: string, from: string): string | undefined {
  for (let dir = from; ; dir = dirname(dir)) {
    const candidate = join(dir, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (dir === dirname(dir)) return undefined;
  }
}

/** What no one needs at run time: types, source maps, sources and tests of the package. */
function isLeftOut(file: string): boolean {
  const top = file.split(sep)[0] ?? '';
  return ['node_modules', 'src', 'tests', 'examples'].includes(top) || /\.(map|d\.[cm]?ts)$/.test(file);
}

/**
 * Copies packages with all that they depend on into `target`/node_modules, flat. Peers are not
 * followed: those of pglite-socket are extensions that its command line alone loads.
 */
export function copyPackages(packages: ReadonlyMap<string, string>, target: string): string[] {
  const copied = new Map<string, string>();
  const open = [...packages];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [name, from] = next;
    const folder = folderOf(name, from);
    if (folder === undefined) throw new Error(`${name}, needed from ${from}, is not installed`);
    const before = copied.get(name);
    if (before === folder) continue;
    if (before !== undefined)
      throw new Error(`two versions of ${name} would be copied: ${before} and ${folder}`);
    copied.set(name, folder);
    cpSync(folder, join(target, 'node_modules', name), {
      recursive: true,
      dereference: true,
      filter: (file) => !isLeftOut(relative(folder, file)),
    });
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
    for (const dependency of Object.keys(manifest.dependencies ?? {})) open.push([dependency, folder]);
  }
  return [...copied.keys()].sort();
}
