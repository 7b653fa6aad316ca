import type { Role } from '@derailed/platform/cluster';
import { seededRng } from '@derailed/shared/kernel';
import type { FaultWorld } from './faults';
import { type Outcome, simulate } from './simulation';

/** Shorter than a lease is believed in, longer than ACK_TIMEOUT. */
const stopped = { least: 2500, most: 6500 } as const;

interface Moment {
  /** When the node stops, and when it goes on (ms). */
  readonly from: number;
  readonly until: number;
  /** When the keys are to move: some of it before the node is behind, some while it is catching up. */
  readonly moves: number;
}

function momentOf(seed: number): Moment {
  const rng = seededRng(seed);
  const from = 6000 + 2000 * rng.next();
  const until = from + stopped.least + (stopped.most - stopped.least) * rng.next();
  return { from, until, moves: from - 100 + (until - from + 200) * rng.next() };
}

/** A session-node stands still, and keys of a role leave a node, or come to a new one. */
function worldOf(seed: number, role: Role, how: 'drains' | 'joins'): Promise<Outcome> {
  return simulate({
    seed,
    cluster: 'etcd',
    script: ({ loop, nodes, newcomer }: FaultWorld) => {
      const { from, until, moves } = momentOf(seed);
      const still = nodes.find(({ roles }) => roles.includes('session-node'))!;
      const owner = nodes.find((node) => node !== still && node.roles.includes(role))!;
      loop.at(from, () => still.stop());
      loop.at(until, () => still.wake());
      loop.at(moves, () => {
        if (how === 'joins') newcomer([role]).start();
        else owner.drain(() => owner.start());
      });
    },
  });
}

describe.each(['guild-node', 'session-node', 'presence-node'] as const)(
  'while a session-node stands still for less than its lease, no session ends',
  (role) => {
    it.each(['drains', 'joins'] as const)(
      `when a ${role} %s`,
      async (how) => {
        for (let seed = 1; seed <= 25; seed++) {
          const { violations, ended } = await worldOf(seed, role, how);
          expect({ seed, violations, ended }).toEqual({ seed, violations: [], ended: 0 });
        }
      },
      300_000,
    );
  },
);
