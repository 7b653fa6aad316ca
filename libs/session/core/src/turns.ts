import type { Kit } from './kit';

/** How many audiences or sessions are told to a peer that came back, before others get their turn (10 ms). */
const perTurn = 100;
const turn = 10;

/** Does the task for each of the items, some at a time, so that what comes meanwhile does not wait for all. */
export function inTurns<T>(
  kit: Pick<Kit, 'agenda' | 'rng'>,
  items: readonly T[],
  now: number,
  task: (item: T, now: number) => void,
): void {
  for (const item of items.slice(0, perTurn)) task(item, now);
  const rest = items.slice(perTurn);
  if (rest.length > 0)
    kit.agenda.add(now + turn * (0.5 + kit.rng.next()), (then) => inTurns(kit, rest, then, task));
}
