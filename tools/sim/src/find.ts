import type { Plant } from './plants';
import { type Outcome, simulate } from './simulation';
import { knownGap } from './workload';

/** The first of these seeds that shows the bug. Undefined: none does. */
export async function find(plant: Plant, seeds: number, first = 1): Promise<Outcome | undefined> {
  for (let seed = first; seed < first + seeds; seed++) {
    const outcome = await simulate({ seed, plant });
    if (outcome.violations.some(({ law }) => law !== knownGap)) return outcome;
  }
  return undefined;
}
