import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bundle, bundleInto } from './bundle';
import { root } from './workspace';

/**
 * Writes what an image holds: a folder per app, one for `migrate`, and the licence. Without source maps, which are
 * larger than the programs.
 */
async function image(target: string | undefined): Promise<void> {
  if (target === undefined) throw new Error('usage: image.ts FOLDER');
  const out = resolve(target);
  if (existsSync(out) && readdirSync(out).length > 0) throw new Error(`${out} is not empty`);
  mkdirSync(out, { recursive: true });
  const apps = readdirSync(join(root, 'apps'));
  for (const app of apps) {
    await bundle(app);
    cpSync(join(root, 'dist/apps', app), join(out, app), {
      recursive: true,
      filter: (file) => !file.endsWith('.map'),
    });
  }
  const migrate = join(root, 'libs/platform/persistence/src/cli/migrate.ts');
  const scratch = join(root, 'dist/migrate');
  await bundleInto(scratch, [{ in: migrate, out: 'main' }]);
  cpSync(scratch, join(out, 'migrate'), { recursive: true, filter: (file) => !file.endsWith('.map') });
  cpSync(join(root, 'LICENSE'), join(out, 'LICENSE'));
  console.log(`${out}: ${[...apps, 'migrate'].join(', ')}`);
}

image(process.argv[2]).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
