import { rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { copyPackages } from './copy';
import { licencesOf, mustBeForProduction, packagesOf } from './packages';
import { classNames, resolution, typeormDriver, typescript } from './plugins';
import { parsedProtos } from './protos';
import { filesUnder, mainOf, root } from './workspace';

export interface Bundle {
  readonly main: string;
  readonly bytes: number;
  /** Packages that stand beside the bundle, in its own node_modules. */
  readonly copied: readonly string[];
}

/**
 * Worker threads need a file of their own. An app takes those beside its main.ts; the app that
 * composes all the others also takes those of the libs.
 */
function workersOf(app: string): string[] {
  const own = filesUnder(join(root, 'apps', app, 'src'), '.worker.ts');
  return app === 'gateway' ? [...own, ...filesUnder(join(root, 'libs'), '.worker.ts')] : own;
}

/** Bundles an app into dist/apps/APP: a folder that runs wherever it is copied to. */
export function bundle(app: string): Promise<Bundle> {
  const entries = [mainOf(app), ...workersOf(app)];
  return bundleInto(
    join(root, 'dist/apps', app),
    entries.map((file) => ({ in: file, out: basename(file, '.ts') })),
  );
}

/** Bundles entries into a folder that is emptied first. One of them becomes main.js. */
export async function bundleInto(
  outdir: string,
  entryPoints: readonly { in: string; out: string }[],
): Promise<Bundle> {
  rmSync(outdir, { recursive: true, force: true });
  const external = new Map<string, string>();
  const { metafile } = await build({
    entryPoints: [...entryPoints],
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    sourcemap: 'linked',
    metafile: true,
    legalComments: 'none',
    logLevel: 'warning',
    absWorkingDir: root,
    plugins: [parsedProtos(), resolution(external), typeormDriver(), classNames(), typescript()],
  });
  const copied = copyPackages(external, outdir);
  const packages = packagesOf([
    ...Object.keys(metafile.inputs),
    ...copied.map((name) => `node_modules/${name}/package.json`),
  ]);
  mustBeForProduction(packages);
  writeFileSync(join(outdir, 'LICENSES.txt'), licencesOf(packages));
  const bytes = Object.entries(metafile.outputs)
    .filter(([file]) => file.endsWith('.js'))
    .reduce((sum, [, output]) => sum + output.bytes, 0);
  return { main: join(outdir, 'main.js'), bytes, copied };
}
