import { seededRng } from '@derailed/shared/kernel';
import {
  type ClusterApp,
  type RunningCluster,
  startCluster,
  startEtcd,
  startTcpProxy,
} from '@derailed/testing';
import { Crowd } from './clients/crowd';
import { storeWorld } from './cluster/database';
import { Nodes, type Place } from './cluster/nodes';
import { Surroundings } from './cluster/surroundings';
import { judgeConvergence, judgeEnds } from './judge/ends';
import type { Violation } from './judge/history';
import { type Tally, tally } from './judge/tally';
import { type Sight, judge, judgeAcks } from './judge/verdict';
import { type Fault, pause, planFaults, roles, targets } from './plan/faults';
import type { Options } from './plan/options';
import { type World, createWorld } from './plan/world';
import { Pump } from './publish/pump';
import { machineTime, sleep } from './time';

export interface Outcome {
  readonly rows: readonly Tally[];
  readonly violations: readonly Violation[];
  /** When the events began, on the clock of the violations. */
  readonly begun: number;
}

const leaseMs = 10_000;
/** GUILDS, GUILD_MESSAGES, and for one in ten GUILD_PRESENCES. */
const intents = { plain: (1 << 0) | (1 << 9), presences: (1 << 0) | (1 << 8) | (1 << 9) } as const;
/** Clients that come in a second, at the beginning. */
const arrivals = 200;
/** A node that is told to end has this long: a minute, as service managers give, less what an end itself takes. */
const drainMs = 50_000;
const env = {
  // A ws-gateway that is stopped is noticed by its clients within two of these.
  HEARTBEAT_INTERVAL: '10s',
  LEASE_TTL: `${leaseMs}`,
  DRAIN_TIMEOUT: `${drainMs}`,
  AUTH_SIGNING_KEY: 'a key that only this tool knows, and needs',
};
/** How long clients may take to come in, publishers to get their last ack, and clients their last event. */
const deadlines = { entry: 120_000, acks: 90_000, events: 60_000 } as const;

/** Runs a cluster, its clients and its publishers, does to the nodes what the seed says, and judges what came of it. */
export async function runChaos(options: Options, say: (text: string) => void): Promise<Outcome> {
  const { seed, nodes: each } = options;
  const world = createWorld(options, seededRng(seed));
  const etcd = await startEtcd();
  const closing: (() => unknown)[] = [() => etcd.stop()];
  try {
    const places = roles.flatMap((role) => Array.from({ length: each }, (_, nth): Place => ({ role, nth })));
    const database = await startTcpProxy();
    closing.push(() => database.close());
    const cluster = await startCluster({
      env: { ...env, DATABASE_URL: `postgresql://postgres@${database.address}/postgres` },
      etcd,
      layout: places.map(({ role }) => role satisfies ClusterApp),
      prepare: (url) => {
        database.retarget(new URL(url).host);
        return storeWorld(url, world);
      },
    });
    closing.push(() => cluster.stop());
    const surroundings = new Surroundings(etcd, database, new URL(cluster.databaseUrl).host, say);
    const nodes = new Nodes(cluster, places, surroundings, leaseMs, say);
    closing.push(() => nodes.close());
    return await live(options, world, cluster, nodes, closing, say);
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

async function live(
  options: Options,
  world: World,
  cluster: RunningCluster,
  nodes: Nodes,
  closing: (() => unknown)[],
  say: (text: string) => void,
): Promise<Outcome> {
  const { seed, seconds, rate } = options;
  const events = seconds * rate;
  const crowd = Crowd.start({
    doors: nodes.doors('ws-gateway', 'WebSocket'),
    guilds: new Map(world.guilds.map(({ id }, number) => [id, number])),
    clients: cluster.users.map(({ username }, number) => ({
      number,
      token: cluster.token(username),
      intents: number % 10 === 0 ? intents.presences : intents.plain,
    })),
    workers: options.workers,
    seed: seed + 1,
    events,
    overMs: (options.clients / arrivals) * 1000,
  });
  closing.push(() => crowd.kill());
  const pump = new Pump({
    world,
    doors: nodes.doors('tunnel', 'tunnel'),
    events,
    rate,
    idPrefix: `chaos-${seed}`,
    rng: seededRng(seed + 2),
  });
  closing.push(() => pump.close());

  const memberships = world.guilds.reduce((sum, { members }) => sum + members.length, 0);
  const whole = async (): Promise<boolean> => {
    const { live: connected, guilds } = await crowd.count();
    return connected === options.clients && guilds === memberships;
  };
  if (!(await within(deadlines.entry, whole)))
    throw new Error(`The clients did not come in: ${JSON.stringify(await crowd.count())}`);
  say(`${options.clients} clients are in their guilds`);

  const begun = machineTime();
  const faults = planFaults(
    { ...options, ms: seconds * 1000, nodes: options.nodes, leaseMs },
    seededRng(seed + 3),
  );
  await Promise.all([pump.run(), befall(nodes, faults, begun, begun + seconds * 1000 - leaseMs, say)]);
  await nodes.settled();
  say(`${events} events are published`);
  const acked = await within(deadlines.acks, () => Promise.resolve(pump.waiting === 0));
  say(acked ? 'all are acked' : `${pump.waiting} have no ack`);
  await quiet(crowd, whole);
  const { banned } = await crowd.count();
  const { sessions, longestWay } = await crowd.finish();
  const over = machineTime();

  const { log, refusals } = pump;
  const ends = judgeEnds(sessions, nodes.incidents, leaseMs);
  for (const [{ action, role, nth, sessions: had }, ended] of ends.endedBy)
    say(`${action} of ${role} ${nth} ended ${ended} sessions of ${had ?? '?'}`);
  const violations: readonly Violation[] = [
    ...judge(log, sessions, sightOf(world)),
    ...judgeAcks(log),
    ...refusals,
    ...ends.violations,
    ...judgeConvergence(sessions, options.clients, guildsOf(world), over),
    ...banned.map((why): Violation => ({ kind: 'stuck', at: over, what: `a client ${why}` })),
    ...nodes.violations,
  ];
  const rows = tally({
    roles: targets,
    incidents: nodes.incidents,
    log,
    longestWay,
    violations,
    ends: sessions.flatMap(({ end }) => end?.at ?? []),
  });
  return { rows, violations, begun };
}

/**
 * Does the faults in their order, each when its time has come and its role is free: how long a drain takes no plan knows. What
 * has no time left before `end` is left out.
 */
async function befall(
  nodes: Nodes,
  faults: readonly Fault[],
  begun: number,
  end: number,
  say: (text: string) => void,
): Promise<void> {
  const under: Promise<void>[] = [];
  let last = -Infinity;
  for (const fault of faults) {
    await sleep(Math.max(begun + fault.at, last + pause.least) - machineTime());
    await nodes.free(fault.role);
    if (machineTime() + fault.downFor >= end) continue;
    last = machineTime();
    under.push(nodes.do(fault));
  }
  await Promise.all(under);
  if (under.length < faults.length) say(`${faults.length - under.length} faults had no time`);
}

/** When everybody is in, and nothing more came for two seconds; or when the deadline has passed. */
async function quiet(crowd: Crowd, whole: () => Promise<boolean>): Promise<void> {
  let last = -1;
  await within(
    deadlines.events,
    async () => {
      const { events } = await crowd.count();
      const still = events === last;
      last = events;
      return still && (await whole());
    },
    2_000,
  );
}

async function within(ms: number, holds: () => Promise<boolean>, every = 250): Promise<boolean> {
  for (const until = machineTime() + ms; machineTime() < until; await sleep(every))
    if (await holds()) return true;
  return false;
}

function sightOf({ guilds }: World): (client: number, guild: number) => Sight {
  const members = guilds.map((guild) => new Set(guild.members));
  return (client, guild) => {
    if (guilds[guild]?.initiates.has(client)) return 'all';
    return members[guild]?.has(client) ? 'open' : 'nothing';
  };
}

function guildsOf({ guilds }: World): (client: number) => readonly number[] {
  const byClient = new Map<number, number[]>();
  for (const [number, { members }] of guilds.entries())
    for (const client of members) byClient.set(client, [...(byClient.get(client) ?? []), number]);
  return (client) => byClient.get(client) ?? [];
}
