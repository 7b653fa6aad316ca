import { relative } from 'node:path';
import { bundle } from './bundle';
import { root } from './workspace';

async function main(apps: readonly string[]): Promise<void> {
  if (apps.length === 0) throw new Error('usage: main.ts APP...');
  for (const app of apps) {
    const { main: file, bytes, copied } = await bundle(app);
    const beside = copied.length > 0 ? `, beside it: ${copied.join(', ')}` : '';
    console.log(`${relative(root, file)}  ${(bytes / 1e6).toFixed(1)} MB${beside}`);
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
