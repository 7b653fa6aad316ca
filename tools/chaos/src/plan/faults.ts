import type { Rng } from '@derailed/shared/kernel';

/**
 * kill: SIGKILL, and a new start. stop: SIGSTOP, and SIGCONT later. drain: SIGTERM, and a new start. PostgreSQL is killed for
 * the nodes alone: their connections are cut, and new ones wait.
 */
export const actions = ['kill', 'stop', 'drain'] as const;
export type Action = (typeof actions)[number];

export const roles = ['session-node', 'guild-node', 'presence-node', 'ws-gateway', 'tunnel'] as const;
/** What all nodes depend on: one of each. */
export const surroundings = ['etcd', 'postgres'] as const;
export type Surrounding = (typeof surroundings)[number];

export const targets = [...roles, ...surroundings] as const;
export type Target = (typeof targets)[number];

/** One thing that is done to one node, or to what all of them depend on. Times in milliseconds from the beginning of the events. */
export interface Fault {
  readonly action: Action;
  readonly role: Target;
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
  readonly roles: readonly Target[];
}

/** Before the first fault, so that what is normal is seen too. */
const calm = 3_000;
/** After a fault, until the next one. */
export const pause = { least: 4_000, most: 9_000 } as const;
/** After a node was back, until something happens to its role again: it joins, and takes over what it owns. */
export const recovery = 8_000;
/** What may be done to the surroundings. */
const possible: Readonly<Record<Surrounding, readonly Action[]>> = {
  etcd: ['kill', 'stop'],
  postgres: ['kill'],
};

/**
 * What happens when: every pair of action and role once, in an order that the Rng decides, then all of them again.
 * Only one node of a role is away at a time, and no node at all while etcd or PostgreSQL is. A lease and some more lie
 * between the last return and the end, so that a run ends with everything in its place.
 */
export function planFaults({ ms, nodes, leaseMs, actions, roles }: FaultPlan, rng: Rng): readonly Fault[] {
  const faults: Fault[] = [];
  const freeAt = new Map<Target, number>();
  const end = ms - leaseMs;
  let at = calm;
  for (let deck: Pair[] = []; ;) {
    if (deck.length === 0) deck = shuffled(pairs(actions, roles), rng);
    // Who is still recovering is passed over: it comes later in the round.
    const ready = deck.findIndex(({ role }) => freeFrom(role, freeAt) <= at);
    const [pair] = deck.splice(Math.max(ready, 0), 1);
    if (pair === undefined) return faults;
    const start = Math.max(at, freeFrom(pair.role, freeAt));
    const downFor = timeAway(pair, leaseMs, rng);
    if (start >= end) return faults;
    // What no longer fits, such as a long stop, leaves its place to the next one.
    if (start + downFor >= end) {
      if (deck.length === 0) return faults;
      continue;
    }
    const nth = isSurrounding(pair.role) ? 0 : Math.floor(rng.next() * nodes);
    faults.push({ ...pair, nth, at: start, downFor });
    freeAt.set(pair.role, start + downFor + recovery);
    at = start + between(pause, rng);
    if (isSurrounding(pair.role)) at = Math.max(at, start + downFor + recovery);
  }
}

interface Pair {
  readonly action: Action;
  readonly role: Target;
}

function pairs(actions: readonly Action[], roles: readonly Target[]): Pair[] {
  return actions.flatMap((action) =>
    roles.filter((role) => canBe(action, role)).map((role) => ({ action, role })),
  );
}

/** Whether something of that sort can happen at all. */
export function canBe(action: Action, target: Target): boolean {
  return !isSurrounding(target) || possible[target].includes(action);
}

export function isSurrounding(target: Target): target is Surrounding {
  return surroundings.some((one) => one === target);
}

/** etcd and PostgreSQL are away only when nobody else is: that would be two faults in one. */
function freeFrom(target: Target, freeAt: ReadonlyMap<Target, number>): number {
  return isSurrounding(target) ? Math.max(0, ...freeAt.values()) : (freeAt.get(target) ?? 0);
}

/**
 * Kills and stops are half of them shorter than a lease, and half of them longer, stops up to a minute: others take over then.
 * etcd is stopped for less: one server that wakes after more has ended all leases.
 */
function timeAway({ action, role }: Pair, leaseMs: number, rng: Rng): number {
  if (action === 'drain') return 0;
  const isShort = rng.next() < 0.5;
  const span = (short: Span, long: Span): number => Math.round(between(isShort ? short : long, rng));
  const overLease = { least: leaseMs, most: leaseMs * 1.5 };
  if (action === 'kill') return span({ least: 200, most: 2_000 }, overLease);
  if (role === 'etcd')
    return span({ least: 500, most: leaseMs * 0.2 }, { least: leaseMs * 0.2, most: leaseMs * 0.5 });
  return span({ least: 500, most: leaseMs * 0.7 }, { least: leaseMs * 1.3, most: leaseMs * 6 });
}

interface Span {
  readonly least: number;
  readonly most: number;
}

function between({ least, most }: Span, rng: Rng): number {
  return least + rng.next() * (most - least);
}

function shuffled<T>(items: readonly T[], rng: Rng): T[] {
  const left = [...items];
  return items.map(() => left.splice(Math.floor(rng.next() * left.length), 1)[0] as T);
}
