import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, relative, sep } from 'node:path';
import { transform } from '@swc/core';
import type { Plugin } from 'esbuild';
import { swcOptions } from '../../../swc.config.cjs';
import { forDevelopment, packagesOf } from './packages';
import { aliases, root } from './workspace';

/**
 * Packages that cannot stand in a bundle, because they load wasm and data files that lie beside
 * them. They are copied instead, see copy.ts.
 */
export const unbundled: ReadonlySet<string> = new Set([
  '@electric-sql/pglite',
  '@electric-sql/pglite-socket',
]);

export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/**
 * Statements that give the classes of a file the names that they have in its text: esbuild renames a
 * class that speaks of itself to _Name. (Its own keepNames would do the same for every closure on the
 * hot path.) A class with a static member called name keeps that.
 */
function keptNames(code: string): string {
  if (/^\s+static (?:get )?name\b/m.test(code)) return '';
  const classes = code.matchAll(/^(?:export )?(?:default )?(?:let \w+ = (?:\w+ = )?)?class (\w+)/gm);
  return [...new Set([...classes].map((match) => match[1] ?? ''))]
    .map((name) => `Object.defineProperty(${name}, "name", { value: "${name}", configurable: true });`)
    .join(' ');
}

/** The same for packages whose class names stand in logs. */
export function classNames(): Plugin {
  return {
    name: 'class-names',
    setup(build) {
      build.onLoad({ filter: /[\\/]node_modules[\\/](@nestjs|typeorm)[\\/].*\.js$/ }, async ({ path }) => {
        const code = await readFile(path, 'utf8');
        return { contents: `${code}\n${keptNames(code)}\n`, loader: 'js' };
      });
    },
  };
}

/**
 * TypeScript through swc: esbuild alone drops the decorator metadata that Nest and TypeORM need.
 */
export function typescript(): Plugin {
  return {
    name: 'typescript',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const { code } = await transform(await readFile(path, 'utf8'), {
          ...swcOptions('es6'),
          filename: path,
        });
        const at = code.lastIndexOf('\n//# sourceMappingURL=');
        const end = at < 0 ? code.length : at;
        return {
          contents: `${code.slice(0, end)}\n${keptNames(code)}${code.slice(end)}`,
          loader: 'js',
          resolveDir: dirname(path),
        };
      });
    },
  };
}

/**
 * Where an import leads:
 * - an alias of the workspace to its index;
 * - a package always to what `require` would give, so that no package is in the bundle twice, once as
 *   CommonJS and once as ESM (two copies of TypeORM do not know each other's entities);
 * - an optional peer that is not installed, or only for development, stays a `require`, which throws at run
 *   time as its caller expects. Only packages may leave such gaps, our own imports must resolve.
 */
export function resolution(external: Map<string, string>): Plugin {
  const known = aliases();
  const development = forDevelopment();
  const isForDevelopment = (file: string): boolean =>
    packagesOf([relative(root, file)]).some((folder) => development.has(folder));
  return {
    name: 'resolution',
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, async (args) => {
        if (args.pluginData === 'resolving' || args.kind === 'entry-point') return undefined;
        const alias = known.get(args.path);
        if (alias !== undefined) return { path: alias };
        if (isBuiltin(args.path)) return { path: args.path, external: true };
        const name = packageOf(args.path);
        if (unbundled.has(name)) {
          external.set(name, args.resolveDir);
          return { path: args.path, external: true };
        }
        const { importer, resolveDir } = args;
        const kind = args.kind === 'dynamic-import' ? 'dynamic-import' : 'require-call';
        const found = await build.resolve(args.path, { importer, resolveDir, kind, pluginData: 'resolving' });
        const fromPackage = importer.includes(`${sep}node_modules${sep}`);
        const installed = found.errors.length === 0 && !(fromPackage && isForDevelopment(found.path));
        if (installed) return found;
        if (fromPackage) return { path: args.path, external: true };
        return { errors: found.errors };
      });
    },
  };
}

/**
 * TypeORM loads drivers by a name that it computes, which leaves them out of a bundle. The one driver
 * that is used here becomes a plain require.
 */
export function typeormDriver(): Plugin {
  return {
    name: 'typeorm-driver',
    setup(build) {
      build.onLoad({ filter: /[\\/]typeorm[\\/]platform[\\/]PlatformTools\.js$/ }, async ({ path }) => {
        const contents = await readFile(path, 'utf8');
        const changed = contents.replace(
          'return require(name);',
          'return name === "pg" ? require("pg") : require(name);',
        );
        if (changed === contents)
          return { errors: [{ text: 'TypeORM loads its drivers in a new way: see typeormDriver()' }] };
        return { contents: changed, loader: 'js' };
      });
    },
  };
}
