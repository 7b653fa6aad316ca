import { type Member, RingView, type Role } from '@derailed/platform/cluster';
import { InProcessNetwork } from '@derailed/platform/mesh';
import { seededRng } from '@derailed/shared/kernel';
import { VirtualClock } from '@derailed/testing';
import { Drain } from './drain';
import { drainNode } from './drain-node';
import { answerGreetings, greet } from './greet';
import { SeenCluster } from './seen-cluster.fixture';

const settled = () => new Promise((resolve) => setImmediate(resolve));
const leaseTtl = 10_000;

/** Nodes that answer greetings, and one that joins or drains. */
function start(state: Member['state'], role: Role, others: Readonly<Record<string, Role>>) {
  const clock = new VirtualClock();
  const network = new InProcessNetwork({ clock, rng: seededRng(1) });
  const mesh = network.join('self');
  const members: Member[] = [
    { id: 'self', incarnation: 'one', roles: [role], state, contractVersion: 1 },
    ...Object.entries(others).map(([id, its]): Member => ({
      id,
      incarnation: 'one',
      roles: [its],
      state: 'serving',
      contractVersion: 1,
    })),
  ];
  /** Those that keep their keys. */
  const keeping = new Set<string>();
  const greeted: string[] = [];
  for (const id of Object.keys(others)) {
    const theirs = network.join(id);
    answerGreetings(theirs, {
      get keeps() {
        greeted.push(id);
        return keeping.has(id);
      },
    });
  }
  const cluster = new SeenCluster(leaseTtl);
  /** The list without these. */
  const show = (...gone: string[]): void =>
    cluster.show(
      new RingView(
        1 + gone.length,
        members.filter(({ id }) => !gone.includes(id)),
      ),
    );
  show();
  const drain = new Drain();
  drain.keepWhile(() => keeping.has('self'));
  const warnings: unknown[] = [];
  const logger = { warn: (text: unknown) => void warnings.push(text) };
  /** Time passes, bit by bit. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 100) {
      clock.advance(100);
      for (let turn = 0; turn < 4; turn++) await settled();
    }
  };
  const parts = { mesh, cluster, drain, clock, logger };
  return { clock, network, parts, cluster, drain, keeping, greeted, warnings, show, pass };
}

/** Whether it is done. */
function watch(task: Promise<void>): { done: boolean } {
  const seen = { done: false };
  void task.then(() => (seen.done = true));
  return seen;
}

describe('a node that joins', () => {
  it('has a word with everybody, and serves', async () => {
    const { parts, greeted, pass } = start('joining', 'guild-node', {
      g: 'guild-node',
      s: 'session-node',
      t: 'tunnel',
    });
    const joined = watch(greet(parts));
    await pass(100);
    expect(joined.done).toBe(true);
    expect([...new Set(greeted)]).toEqual(['g', 's', 't']);
  });

  it('waits 2 s at most for one that has no part in its keys', async () => {
    const { parts, network, pass } = start('joining', 'guild-node', {
      p: 'presence-node',
      s: 'session-node',
      t: 'tunnel',
    });
    for (const id of ['t', 'p']) {
      await parts.mesh.call(id, 'x', { $case: 'greeting', value: {} }, 'greeted', 1000);
      network.cut('self', id);
    }
    const joined = watch(greet(parts));
    await pass(1900);
    expect(joined.done).toBe(false);
    await pass(200);
    expect(joined.done).toBe(true);
  });

  it.each(['g', 's'])('waits for %s, which stands still, until that is back or off the list', async (id) => {
    for (const comesBack of [true, false]) {
      const { parts, network, pass, show, warnings } = start('joining', 'guild-node', {
        g: 'guild-node',
        s: 'session-node',
      });
      network.cut('self', id);
      const joined = watch(greet(parts));
      await pass(8000);
      expect(joined.done).toBe(false);
      if (comesBack) network.heal('self', id);
      else show(id);
      await pass(1100);
      expect([joined.done, warnings]).toEqual([true, []]);
    }
  });

  it('waits until nobody can catch up only where its keys are, and not for ever', async () => {
    const { parts, keeping, pass, warnings } = start('joining', 'guild-node', {
      g: 'guild-node',
      s: 'session-node',
    });
    keeping.add('g');
    const joined = watch(greet(parts));
    await pass(5000);
    expect(joined.done).toBe(false);
    keeping.clear();
    await pass(200);
    expect([joined.done, warnings]).toEqual([true, []]);
    keeping.add('g');
    const late = watch(greet(parts));
    await pass(11_900);
    expect(late.done).toBe(false);
    await pass(300);
    expect([late.done, warnings.length]).toEqual([true, 1]);
  });
});

describe('a node that is told to stop', () => {
  it('is on the rings until nobody can catch up only here, and the session-nodes are all there', async () => {
    const { parts, cluster, network, keeping, pass, warnings } = start('serving', 'guild-node', {
      g: 'guild-node',
      s: 'session-node',
    });
    keeping.add('self');
    const left = watch(drainNode(parts, 30_000));
    await pass(3000);
    network.cut('self', 's');
    keeping.clear();
    await pass(3000);
    expect(cluster.became).toEqual([]);
    network.heal('self', 's');
    await pass(1100);
    expect([cluster.became, left.done, warnings]).toEqual([['draining'], true, []]);
  });

  it('leaves after a lease all the same, and has half of DRAIN_TIMEOUT left at least', async () => {
    for (const [timeout, waits] of [
      [30_000, 12_000],
      [10_000, 5000],
    ] as const) {
      const { parts, cluster, keeping, pass, warnings } = start('serving', 'guild-node', {
        s: 'session-node',
      });
      keeping.add('self');
      void drainNode(parts, timeout);
      await pass(waits - 100);
      expect(cluster.became).toEqual([]);
      await pass(300);
      expect([cluster.became, warnings.length]).toEqual([['draining'], 1]);
    }
  });
});
