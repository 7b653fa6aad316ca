import { setTimeout } from 'node:timers/promises';
import { HashRing } from '@derailed/shared/hash-ring';
import { type RunningCluster, startCluster, startEtcd } from '@derailed/testing';
import { build } from './build';
import { Crowd } from './crowd';
import { clientFrame } from './frame-counter';
import { heartbeat } from './gateway';
import { readMetric } from './metrics';
import { Probe } from './probe';
import { machineSeconds } from './process-cpu';
import { percentile, table } from './report';
import { Closing, type Scenario, unprivilegedIntents } from './scenario';
import { type SeededGuild, seed } from './seed';
import { SequenceReader } from './sequence-reader';

/** 200 groups of 25 users who are in 5 guilds together: 1,000 guilds, 5,000 sessions. */
const groups = 200;
const usersOfGroup = 25;
const guildsOfGroup = 5;
/** The third of each role is the one that comes and goes. */
const mover = 2;
const layout = [
  ...['session-node', 'session-node', 'session-node', 'guild-node', 'guild-node', 'guild-node'],
  ...['presence-node', 'tunnel', 'ws-gateway'],
] as const satisfies readonly Parameters<RunningCluster['restart']>[0][];
type Moving = 'guild-node' | 'session-node';

/** Events a second to all guilds in turn. */
const backgroundRate = 100;
/** Guilds that are looked at closely during a move, and milliseconds between two events to each. */
const probed = 8;
const probeEvery = 25;
const heartbeatEvery = 40_000;
/** How long a list that has changed is looked at. */
const aftermath = 1_000;
const pauseBound = 250;

/**
 * A node joins and leaves again and again under load: each client's seq goes on without a gap, it gets exactly what was
 * published, and a publisher sees a delay. What is measured of a guild that moves is the longest time from a publish to
 * its ack.
 */
export const moves: Scenario = async ({ moves: times }, say) => {
  for (const app of ['auth', ...new Set(layout)]) await build(app);
  const closing = new Closing();
  try {
    const etcd = closing.add(await startEtcd(), (running) => running.stop());
    let guilds: readonly SeededGuild[] = [];
    const cluster = closing.add(
      await startCluster({
        etcd,
        layout,
        env: {
          HEARTBEAT_INTERVAL: '55s',
          AUTH_SIGNING_KEY: 'a key that only benches know, and need',
        },
        prepare: async (url) => {
          const plan = Array.from({ length: groups }, () => ({ users: usersOfGroup, guilds: guildsOfGroup }));
          const populations = await seed(url, plan);
          guilds = populations.flatMap((population) => population.guilds);
          return populations.flatMap(({ users }) => users.map((user) => ({ ...user, username: user.id })));
        },
      }),
      (running) => running.stop(),
    );
    await cluster.app('guild-node', mover).stop();
    await cluster.app('session-node', mover).stop();

    const crowd = closing.add(crowdOf(cluster), (receivers) => receivers.leave());
    // The first are in long before the last.
    const beats = closing.add(
      setInterval(() => crowd.tell(heartbeat), heartbeatEvery),
      (timer) => clearInterval(timer),
    );
    await crowd.grow(cluster.users.length);
    await crowd.settled();
    crowd.mark();
    const probe = closing.add(new Probe(cluster.app('tunnel').door('tunnel'), guilds), (publisher) =>
      publisher.close(),
    );
    probe.toAll(backgroundRate);
    await setTimeout(2_000);

    say(
      `\nMoves: a node of three joins and leaves ${times} times; ${guilds.length} guilds, ${crowd.size} sessions in 5 each,\n` +
        `${backgroundRate} events a second to all guilds and ${probed * (1000 / probeEvery)} to ${probed} of those that move\n`,
    );
    const rows: (string | number)[][] = [['', 'pauses', 'p50 ms', 'p99 ms', 'longest ms', 'all moved in s']];
    const { pauses: still, busy } = await quietly(probe, guilds);
    rows.push(['nothing moves', ...figures(still), '']);
    let guildPauses: Float64Array = new Float64Array();
    for (const role of ['guild-node', 'session-node'] as const) {
      const { joins, leaves, seconds } = await comeAndGo(cluster, role, guilds, probe, times);
      rows.push([`${role} joins`, ...figures(joins), seconds.joins]);
      rows.push([`${role} leaves`, ...figures(leaves), seconds.leaves]);
      if (role === 'guild-node') guildPauses = Float64Array.from([...joins, ...leaves]).sort();
    }
    await probe.end();
    clearInterval(beats);
    await expectAll(crowd, probe, guilds);
    say(table(rows));
    say(
      `\nWhile nothing moves the machine is ${Math.round(busy * 100)} % busy, clients and publisher included.`,
    );
    say(
      `\n${probe.published} events; each of ${crowd.size} clients has all of its guilds', without a gap in seq.`,
    );
    return [
      {
        what: 'moves, the 99th percentile of pauses',
        measured: percentile(guildPauses, 0.99),
        unit: 'ms',
        below: pauseBound,
      },
    ];
  } finally {
    await closing.run();
  }
};

function crowdOf(cluster: RunningCluster): Crowd {
  return new Crowd({
    at: cluster.app('ws-gateway').door('WebSocket'),
    opening: (receiver) => {
      const token = cluster.token(cluster.users[receiver]!.username);
      const properties = { os: 'linux', browser: 'bench', device: 'bench' };
      return clientFrame(JSON.stringify({ op: 2, d: { token, intents: unprivilegedIntents, properties } }));
    },
    frames: 1 + guildsOfGroup,
    counter: () => new SequenceReader(),
  });
}

/** What the machine does to some guilds without any move, and which part of its time it works. */
async function quietly(
  probe: Probe,
  guilds: readonly SeededGuild[],
): Promise<{ pauses: readonly number[]; busy: number }> {
  const stop = probe.closely(guilds.slice(0, probed), probeEvery);
  const before = machineSeconds();
  await setTimeout(5_000);
  const after = machineSeconds();
  const busy = (after.busy - before.busy) / (after.all - before.all);
  return { pauses: await stop(), busy };
}

async function comeAndGo(
  cluster: RunningCluster,
  role: Moving,
  guilds: readonly SeededGuild[],
  probe: Probe,
  times: number,
): Promise<{ joins: number[]; leaves: number[]; seconds: { joins: number; leaves: number } }> {
  const ring = HashRing.of([0, 1, 2].map((nth) => cluster.app(role, nth).door('link')));
  const mine = cluster.app(role, mover).door('link');
  const concerned = role === 'guild-node' ? guilds.filter(({ id }) => ring.owner(id) === mine) : guilds;
  const joins: number[] = [];
  const leaves: number[] = [];
  const seconds = { joins: 0, leaves: 0 };
  // Round 0 only warms up.
  for (let time = 0; time <= times; time++) {
    const from = (time * probed) % (concerned.length - probed);
    const chosen = concerned.slice(from, from + probed);
    const watch = async (
      change: () => Promise<unknown>,
    ): Promise<{ pauses: readonly number[]; took: number }> => {
      const stop = probe.closely(chosen, probeEvery);
      const start = performance.now();
      await change();
      await movedAll(cluster);
      const took = (performance.now() - start) / 1000;
      await setTimeout(aftermath);
      return { pauses: await stop(), took };
    };
    const joined = await watch(() => cluster.restart(role, mover));
    const left = await watch(async () => {
      const code = await cluster.app(role, mover).stop();
      if (code !== 0) throw new Error(`${role} ended with ${code}: ${cluster.app(role, mover).log()}`);
    });
    if (time === 0) continue;
    joins.push(...joined.pauses);
    leaves.push(...left.pauses);
    seconds.joins = Math.max(seconds.joins, joined.took);
    seconds.leaves = Math.max(seconds.leaves, left.took);
  }
  return { joins, leaves, seconds };
}

/** Every key is served by its owner, and no session is on its way to another node. */
async function movedAll(cluster: RunningCluster): Promise<void> {
  const watched = [
    { role: 'guild-node', metric: 'derailed_cluster_awaited_nodes' },
    { role: 'session-node', metric: 'derailed_cluster_awaited_nodes' },
    { role: 'session-node', metric: 'derailed_session_leaving' },
  ] as const;
  const leaving = async (): Promise<number> => {
    const counts = await Promise.all(
      watched.flatMap(({ role, metric }) =>
        [0, 1, mover].map((nth) => readMetric(cluster.app(role, nth).door('admin'), metric).catch(() => 0)),
      ),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  };
  for (let calm = 0; calm < 3;) {
    calm = (await leaving()) === 0 ? calm + 1 : 0;
    await setTimeout(50);
  }
}

/** @throws Error unless each client got what was published to its guilds, no more and no less */
async function expectAll(crowd: Crowd, probe: Probe, guilds: readonly SeededGuild[]): Promise<void> {
  const expected = Array.from({ length: crowd.size }, (_, receiver) => {
    const first = Math.floor(receiver / usersOfGroup) * guildsOfGroup;
    const own = guilds.slice(first, first + guildsOfGroup);
    return own.reduce((sum, { id }) => sum + probe.publishedTo(id), 0);
  });
  await crowd.until(expected.reduce((sum, count) => sum + count, 0));
  await crowd.settled();
  crowd.counts.forEach((count, receiver) => {
    if (count !== expected[receiver])
      throw new Error(`client ${receiver} got ${count} events instead of ${expected[receiver]}`);
  });
}

function figures(values: readonly number[]): (string | number)[] {
  const sorted = Float64Array.from(values).sort();
  return [sorted.length, percentile(sorted, 0.5), percentile(sorted, 0.99), percentile(sorted, 1)];
}
