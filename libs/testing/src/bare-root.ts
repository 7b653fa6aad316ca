import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** A folder to live in as if it were the whole machine. */
export interface BareRoot {
  readonly folder: string;
  /** Runs the program in there: as nobody, or without root's rights here as who it is. */
  readonly command: readonly string[];
  remove(): void;
}

/** What the program is linked with, as ldd names it: absolute paths. */
export function librariesOf(program: string): string[] {
  const listed = execFileSync('ldd', [program], { encoding: 'utf8' });
  return [...listed.matchAll(/(?:=> |^\t)(\/\S+)/gm)].map(([, path = '']) => path);
}

/** A root with the program and its libraries in it, and nothing else: no Node, no shell, no /proc, no /tmp. */
export function createBareRoot(program: string): BareRoot {
  const folder = mkdtempSync(join(tmpdir(), 'derailed-root-'));
  chmodSync(folder, 0o755);
  for (const library of librariesOf(program)) {
    mkdirSync(join(folder, dirname(library)), { recursive: true });
    copyFileSync(library, join(folder, library));
  }
  copyFileSync(program, join(folder, basename(program)));
  const enter =
    process.getuid?.() === 0
      ? ['chroot', '--userspec=65534:65534', folder]
      : ['unshare', '--map-root-user', 'chroot', folder];
  return {
    folder,
    command: [...enter, `/${basename(program)}`],
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
