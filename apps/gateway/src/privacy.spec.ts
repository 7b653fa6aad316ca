import {
  type GuildCast,
  guildSteps,
  type GuildStep,
  inOrder,
  isNaiveThread,
  knownChannels,
  NaiveGuild,
  NaiveStream,
  type Publication,
  type Talk,
  talk,
} from '@derailed/testing';
import * as fc from 'fast-check';
import { Cores } from './privacy.fixture';

const guildId = '100';
const types = [0, 0, 0, 0, 2, 13, 4, 5, 11, 12];
/** 45 users, of whom five have two clients; 12 roles; 40 channels of every kind. */
const cast: GuildCast = {
  guildId,
  userIds: Array.from({ length: 45 }, (_, at) => String(1001 + at)),
  roleIds: Array.from({ length: 12 }, (_, at) => String(201 + at)),
  channels: new Map(
    Array.from({ length: 40 }, (_, at): [string, number] => [
      String(301 + at),
      types[at % types.length] ?? 0,
    ]),
  ),
};
const GUILDS = 1;
const all = 53_608_447 & ~(1 << 8);
/** Everything, what bots mostly ask for, and one that is not told what channels there are. */
const intents = [all, all, GUILDS | (1 << 9), 1 << 9];

type Surroundings =
  | { readonly do: 'carry'; readonly count: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'stall'; readonly node: number }
  | { readonly do: 'drop' | 'resume'; readonly client: number };

const whole = <D extends string, K extends string>(what: D, key: K, max: number) =>
  fc.nat(max).map((n) => ({ do: what, [key]: n }) as { readonly do: D } & Readonly<Record<K, number>>);
const surroundings: fc.Arbitrary<Surroundings> = fc.oneof(
  { weight: 6, arbitrary: whole('carry', 'count', 120) },
  { weight: 1, arbitrary: whole('wait', 'ms', 3000) },
  { weight: 1, arbitrary: whole('stall', 'node', 2) },
  { weight: 1, arbitrary: whole('drop', 'client', 49) },
  { weight: 2, arbitrary: whole('resume', 'client', 49) },
);
const step = fc.oneof(
  { weight: 8, arbitrary: guildSteps(cast) },
  { weight: 12, arbitrary: talk(cast) },
  { weight: 11, arbitrary: surroundings },
);
const isAround = (action: GuildStep | Talk | Surroundings): action is Surroundings =>
  ['carry', 'wait', 'stall', 'drop', 'resume'].includes(action.do);
/** The guild at the start: roles, channels and who has what. */
const beginning = fc.array(guildSteps(cast, { members: 0, timeouts: 1 }), { minLength: 150, maxLength: 150 });
const many = (count: number) => ({ size: 'max' as const, minLength: count, maxLength: count });
/** A counterexample of this size is told by its seed; made smaller it would take minutes. */
const runs = (numRuns: number) => ({ numRuns, endOnFailure: true });
const start = 1_700_000_000_000;

function guildOf(first: readonly GuildStep[]): NaiveGuild {
  const guild = new NaiveGuild(cast);
  for (const action of first) if (guild.allows(action)) guild.apply(action, start);
  return guild;
}

/** Fifty clients on three session-nodes, all of them in the guild. */
function assemble(seed: number, guild: NaiveGuild, stream?: NaiveStream): Cores {
  const cores = new Cores({
    seed,
    guildId,
    sessionNodes: 3,
    database: () => ({
      snapshot: guild.snapshot(),
      guildIdsOf: (userId) => (guild.member(userId) === undefined ? [] : [guildId]),
    }),
    entered: (onlooker) => {
      if (stream?.has(onlooker.id) === false) stream.enter(onlooker);
    },
    passing: (wall) => stream?.pass(wall),
  });
  for (let at = 0; at < 50; at++)
    cores.connect(cast.userIds[at % cast.userIds.length] ?? '', intents[at % intents.length] ?? all);
  cores.carry();
  return cores;
}

/** What happens around the guild: links, time and clients. */
function around(cores: Cores, action: Surroundings): void {
  const client = 'client' in action ? cores.clients[action.client] : undefined;
  switch (action.do) {
    case 'carry':
      cores.carry(action.count);
      break;
    case 'wait':
      cores.wait(action.ms);
      break;
    case 'stall':
      if (!cores.full.delete(`session-${action.node}`)) cores.full.add(`session-${action.node}`);
      break;
    case 'drop':
      if (client?.bound && client.connection !== 0) cores.drop(client);
      break;
    case 'resume':
      if (client?.connection === 0) cores.resume(client);
      break;
  }
}

/** Every link is open, every client is back, and everything has arrived. */
function settle(cores: Cores): void {
  cores.settle();
  for (const client of cores.clients) if (client.connection === 0) cores.resume(client);
  cores.settle();
}

describe('Fifty clients in a guild of forty channels', () => {
  it('get just what a naive model says, event by event, while roles, overwrites and members change', () => {
    fc.assert(
      fc.property(fc.integer(), beginning, fc.array(step, many(400)), (seed, first, steps) => {
        const guild = guildOf(first);
        const stream = new NaiveStream(guild, start);
        const cores = assemble(seed, guild, stream);
        for (const action of steps) {
          if (isAround(action)) around(cores, action);
          else if (action.do === 'talk') cores.publish(stream.say(action));
          else if (guild.allows(action)) cores.publish(stream.change(action));
        }
        settle(cores);
        for (const { sessionId, userId, lines } of cores.clients) {
          expect([userId, inOrder(lines)]).toEqual([userId, stream.of(sessionId)]);
          expect([userId, stream.has(sessionId)]).toEqual([userId, guild.member(userId) !== undefined]);
        }
      }),
      runs(10),
    );
  }, 120_000);

  it('see in the end just what the database allows, when events come late, twice, in the wrong order or not at all', () => {
    const fate = fc.constantFrom('told', 'told', 'twice', 'late', 'never');
    const told = fc.tuple(fc.oneof({ weight: 3, arbitrary: guildSteps(cast) }, surroundings), fate);
    fc.assert(
      fc.property(fc.integer(), beginning, fc.array(told, many(150)), (seed, first, steps) => {
        const guild = guildOf(first);
        const cores = assemble(seed, guild);
        const late: Publication[] = [];
        const publish = (what: Publication): void =>
          void cores.publish({ ...what, data: { ...what.data, n: 0 }, channelId: '', permissions: '' });
        for (const [action, how] of steps) {
          if (isAround(action)) around(cores, action);
          else if (guild.allows(action)) {
            const publication = guild.apply(action, cores.at.wall);
            if (how === 'late') late.unshift(publication);
            else if (how !== 'never') publish(publication);
            if (how === 'twice') publish(publication);
          }
        }
        for (const publication of late) publish(publication);
        settle(cores);
        // The read after the last event, or the regular one; and what it makes sessions do.
        cores.wait(1_000_000);
        settle(cores);

        const before = cores.clients.map(({ lines }) => lines.length);
        const { wall } = cores.at;
        for (const id of cast.channels.keys())
          cores.publish({ name: 'PROBE', data: { n: id, channel_id: id }, channelId: id, permissions: '' });
        settle(cores);
        cores.clients.forEach(({ userId, lines, intents: wanted }, at) => {
          const sights = [...guild.sights(userId, wall)].sort();
          const probes = lines.slice(before[at]).map((line) => line.replace(' PROBE', ''));
          expect([userId, probes]).toEqual([userId, sights]);
          if ((wanted & GUILDS) === 0) return;
          // Threads go without a word.
          const plain = (ids: Iterable<string>): string[] =>
            [...ids].filter((id) => !isNaiveThread(cast.channels.get(id) ?? 0)).sort();
          const known = knownChannels(lines);
          expect([userId, known && plain(known)]).toEqual([
            userId,
            guild.member(userId) === undefined ? undefined : plain(sights),
          ]);
        });
      }),
      runs(10),
    );
  }, 120_000);
});
