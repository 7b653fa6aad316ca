import { relative } from 'node:path';
import { startApp } from '@derailed/testing';
import { makeBinary } from './binary';
import { root } from './workspace';

const starts = 5;

/** Milliseconds from nothing to "is ready", the median of some starts. */
async function startTime(command: readonly string[] | undefined): Promise<number> {
  const times: number[] = [];
  for (let start = 0; start < starts; start++) {
    const before = performance.now();
    // The role that waits for nothing outside: what is measured is the program.
    const app = await startApp('gateway', {
      ...(command && { command }),
      args: ['--roles', 'presence-node'],
    });
    times.push(performance.now() - before);
    await app.stop();
  }
  return Math.round(times.sort((one, other) => one - other)[Math.floor(starts / 2)] ?? 0);
}

/** Makes the single binary of an app and says how large it is and how fast it starts. */
async function main(app: string | undefined): Promise<void> {
  if (app === undefined) throw new Error('usage: binary-main.ts APP');
  const { file, bytes } = makeBinary(app);
  const [alone, onNode] = [await startTime([file]), await startTime(undefined)];
  console.log(
    `${relative(root, file)}  ${(bytes / 1e6).toFixed(1)} MB, ready after ${alone} ms (node main.js: ${onNode} ms)`,
  );
}

main(process.argv[2]).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
