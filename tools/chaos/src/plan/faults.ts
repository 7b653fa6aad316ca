import type { Rng } from '@derailed/shared/kernel';

/** kill: SIGKILL, and a new start. stop: SIGSTOP, and SIGCONT later. drain: SIGTERM, and a new start. */
export const actions = ['kill', 'stop', 'drain'] as const;
export type Action = (typeof actions)[number];

export const roles = ['session-node', 'guild-node', 'presence-node', 'ws-gateway', 'tunnel'] as const;
export type FaultyRole = (typeof roles)[number];

/** One thing that is done to one node. Times in milliseconds from the beginning of the events. */
export interface Fault {
  readonly action: Action;
  readonly role: FaultyRole;
  /** Which node of the role, from 0. */
  readonly nth: number;
  readonly at: number;
  /** kill: until the new start. stop: until SIGCONT. drain: 0, the new start follows the end. */
  readonly downFor: number;
}

export interface FaultPlan {
  /** Length of the events. */
  readonly ms: number;
  readonly nodes: number;
  /** How long a lease outlives its node. */
  readonly leaseMs: number;
  readonly actions: readonly Action[];
  readonly roles: readonly FaultyRole[];
}

/** Before the first fault, so that what is normal is seen too. */
const calm = 3_000;
/** After a fault, until the next one. */
const pause = { least: 4_000, most: 9_000 } as const;
/** After a node was back, until something happens to its role again: it joins, and takes over what it owns. */
const recovery = 8_000;

/**
 * What happens when: every pair of action and role once, in an order that the Rng decides, then all of them again.
 * Only one node of a role is away at a time. A second half of the lease and some more lie between the last return
 * and the end, so that a run ends with everything in its place.
 */
export function planFaults({ ms, nodes, leaseMs, actions, roles }: FaultPlan, rng: Rng): readonly Fault[] {
  const faults: Fault[] = [];
  const freeAt = new Map<FaultyRole, number>();
  const end = ms - leaseMs;
  let at = calm;
  for (let deck: Pair[] = []; ;) {
    if (deck.length === 0) deck = shuffled(pairs(actions, roles), rng);
    const pair = deck.shift();
    if (pair === undefined) return faults;
    const start = Math.max(at, freeAt.get(pair.role) ?? 0);
    const downFor = timeAway(pair.action, leaseMs, rng);
    if (start >= end) return faults;
    // What no longer fits, such as a long stop, leaves its place to the next one.
    if (start + downFor >= end) {
      if (deck.length === 0) return faults;
      continue;
    }
    faults.push({ ...pair, nth: Math.floor(rng.next() * nodes), at: start, downFor });
    freeAt.set(pair.role, start + downFor + recovery);
    at = start + between(pause, rng);
  }
}

interface Pair {
  readonly action: Action;
  readonly role: FaultyRole;
}

function pairs(actions: readonly Action[], roles: readonly FaultyRole[]): Pair[] {
  return actions.flatMap((action) => roles.map((role) => ({ action, role })));
}

/** Kills and stops are half of them shorter than a lease, and half of them longer: others take over then. */
function timeAway(action: Action, leaseMs: number, rng: Rng): number {
  if (action === 'drain') return 0;
  const isShort = rng.next() < 0.5;
  if (action === 'kill')
    return Math.round(
      between(isShort ? { least: 200, most: 2_000 } : { least: leaseMs, most: leaseMs * 1.5 }, rng),
    );
  return Math.round(
    between(isShort ? { least: 500, most: leaseMs * 0.7 } : { least: leaseMs * 1.3, most: leaseMs * 3 }, rng),
  );
}

function between({ least, most }: { readonly least: number; readonly most: number }, rng: Rng): number {
  return least + rng.next() * (most - least);
}

function shuffled<T>(items: readonly T[], rng: Rng): T[] {
  const left = [...items];
  return items.map(() => left.splice(Math.floor(rng.next() * left.length), 1)[0] as T);
}
