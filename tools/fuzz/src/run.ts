import fc from 'fast-check';
import { type Outcome, life, live } from './life';

/** What a run came to. */
export interface Tally {
  frames: number;
  lives: number;
  /** The slowest life, in milliseconds. */
  slowest: number;
  /** Lives by how they ended: a close reason, `client` when the client went, `open` when nothing ended them. */
  readonly ends: Map<string, number>;
}

const livesPerCheck = 1000;

/**
 * Leads lives until they had that many frames. Each check has the seed after the last one's.
 * @throws Error with the seed and the smallest life that still fails
 */
export function run(frames: number, seed: number): Tally {
  const tally: Tally = { frames: 0, lives: 0, slowest: 0, ends: new Map() };
  const property = fc.property(life, (it) => {
    const begun = performance.now();
    count(tally, live(it));
    tally.slowest = Math.max(tally.slowest, performance.now() - begun);
  });
  for (let check = 0; tally.frames < frames; check++)
    fc.assert(property, { seed: seed + check, numRuns: livesPerCheck });
  return tally;
}

function count(tally: Tally, { frames, closed }: Outcome): void {
  const end = closed ?? 'open';
  tally.frames += frames;
  tally.lives++;
  tally.ends.set(end, (tally.ends.get(end) ?? 0) + 1);
}
