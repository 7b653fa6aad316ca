import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './exec';

/** Files below `dir` with that ending, as paths from the root of the workspace, sorted. */
export function filesUnder(dir: string, ending: string): string[] {
  if (!existsSync(join(root, dir))) return [];
  return readdirSync(join(root, dir), { withFileTypes: true })
    .filter((entry) => entry.name !== 'node_modules' && entry.name !== 'dist')
    .flatMap((entry) => {
      const file = `${dir}/${entry.name}`;
      if (entry.isDirectory()) return filesUnder(file, ending);
      return entry.name.endsWith(ending) ? [file] : [];
    })
    .sort();
}
