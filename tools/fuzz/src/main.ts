import { parseArgs } from 'node:util';
import { run } from './run';

const usage = `Usage: npm run fuzz [-- OPTION...]

  --frames N  frames to generate (1,000,000)
  --seed S    where generation begins (now, in seconds); the same seed makes the same frames
`;

/** Heap that may be left over when all connections are gone; what a leak of 20 bytes a frame would exceed. */
const growthLimitMb = 16;

/** Megabytes in use after a collection. Needs --expose-gc. */
function heapMb(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1024 ** 2;
}

function main(): void {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { frames: text, seed: text, help: { type: 'boolean' } } });
  if (values.help) {
    console.log(usage);
    return;
  }
  const frames = Number(values.frames ?? 1_000_000);
  const seed = Number(values.seed ?? Math.floor(Date.now() / 1000));
  if (!(frames > 0) || !Number.isSafeInteger(seed)) throw new Error(usage);
  console.log(`seed ${seed}`);
  // The first lives fill caches and compile code.
  run(Math.min(frames / 10, 20_000), seed);
  const before = heapMb();
  const begun = performance.now();
  const { lives, slowest, ends, frames: done } = run(frames, seed);
  const seconds = (performance.now() - begun) / 1000;
  const after = heapMb();
  const rate = Math.round(done / seconds).toLocaleString('en-US');
  console.log(`${done.toLocaleString('en-US')} frames in ${lives.toLocaleString('en-US')} connections`);
  console.log(
    `${seconds.toFixed(1)} s, ${rate} frames/s, generation included; slowest connection ${slowest.toFixed(1)} ms`,
  );
  console.log(`heap ${before.toFixed(1)} MB before, ${after.toFixed(1)} MB after`);
  for (const [end, count] of [...ends].sort(([, a], [, b]) => b - a))
    console.log(`${String(count).padStart(9)}  ${end}`);
  if (after - before > growthLimitMb) throw new Error(`The heap grew by more than ${growthLimitMb} MB.`);
}

main();
