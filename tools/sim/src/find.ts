import type { Plant } from './plants';
import { type Outcome, simulate } from './simulation';

/** The first of these seeds that shows the bug. Undefined: none does. */
export async function find(plant: Plant, seeds: number): Promise<Outcome | undefined> {
  const { first = 1, source: cluster } = plant;
  for (let seed = first; seed < first + seeds; seed++) {
    const outcome = await simulate({ seed, plant, cluster });
    if (outcome.violations.length > 0) return outcome;
  }
  return undefined;
}
