import type { Crowd } from './crowd';

/** How long each frame took from its event's publish to its receiver, in milliseconds. */
export async function timed(
  crowd: Crowd,
  load: (onPublish: () => void) => Promise<unknown>,
): Promise<Float64Array> {
  const published: number[] = [];
  const waits: number[] = [];
  crowd.onFrames = (_, before, after) => {
    const now = performance.now();
    // Events reach every receiver in the order of their publishing.
    for (let event = before; event < after; event++) waits.push(now - published[event]!);
  };
  await load(() => published.push(performance.now()));
  crowd.onFrames = undefined;
  return Float64Array.from(waits);
}
