import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(__dirname, '../../..');

interface BaseConfig {
  compilerOptions: { paths: Record<string, [string]> };
}

/** Absolute file of each alias, as tsconfig.base.json says. */
export function aliases(): Map<string, string> {
  const config = JSON.parse(readFileSync(join(root, 'tsconfig.base.json'), 'utf8')) as BaseConfig;
  return new Map(
    Object.entries(config.compilerOptions.paths).map(([alias, [file]]) => [alias, join(root, file)]),
  );
}

export function mainOf(app: string): string {
  const file = join(root, 'apps', app, 'src/main.ts');
  if (!existsSync(file)) throw new Error(`there is no app "${app}": ${file} does not exist`);
  return file;
}

/** All files that end with `suffix` under `dir`. */
export function filesUnder(dir: string, suffix: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.name !== 'node_modules')
    .flatMap((entry) => {
      const file = join(dir, entry.name);
      if (entry.isDirectory()) return filesUnder(file, suffix);
      return entry.name.endsWith(suffix) ? [file] : [];
    });
}
