import { StaticCluster } from '@derailed/platform/cluster';
import { InProcessNetwork, type Message, type MessageOf } from '@derailed/platform/mesh';
import { DatabaseUnavailable } from '@derailed/platform/persistence';
import { Drain } from '@derailed/platform/runtime';
import { AudienceKind } from '@derailed/shared/contract';
import { seededRng } from '@derailed/shared/kernel';
import type { GuildSnapshot } from '@derailed/shared/protocol';
import { VirtualClock } from '@derailed/testing';
import { Registry } from 'prom-client';
import { GuildNode } from './guild-node';
import { guildSettings } from './settings';
import { z } from 'zod';

export const kind = AudienceKind.AUDIENCE_KIND_GUILD;
export const VIEW = 1024n;
const user = (id: string) => ({
  id,
  username: id,
  discriminator: '0',
  avatar: null,
  email: null,
  flags: 0,
  bot: false,
  system: false,
});
const member = (id: string) => ({
  user: user(id),
  nick: null,
  joinedAt: '',
  communicationDisabledUntil: null,
  roleIds: [],
});
const guild: GuildSnapshot = {
  guild: { id: '1', name: 'guild', icon: null, ownerId: '5', permissions: VIEW, flags: 0 },
  roles: [],
  channels: [
    {
      id: '7',
      name: 'c',
      type: 0,
      position: 0,
      topic: null,
      parentId: null,
      lastMessageId: null,
      overwrites: [],
    },
  ],
  memberCount: 2,
  members: [member('5'), member('6')],
};
export const settled = () => new Promise((resolve) => setImmediate(resolve));
const cluster = new StaticCluster([
  { id: 'guilds', roles: ['guild-node'] },
  { id: 'sessions', roles: ['session-node'] },
  { id: 'presences', roles: ['presence-node'] },
]);

export function subscribeOf(userId: string, followed?: MessageOf<'subscribe'>['followed']): Message {
  return {
    $case: 'subscribe',
    value: {
      kind,
      audienceId: '1',
      sessionId: `s${userId}`,
      userId,
      intents: 1023,
      largeThreshold: 50,
      wantsSnapshot: followed === undefined,
      presence: undefined,
      identifying: undefined,
      generation: 1,
      rejoins: followed !== undefined,
      followed,
      view: 1,
    },
  };
}

/**
 * A guild-node, a session-node that acks, and a tunnel, on one network.
 * @param says what the session-node says when it syncs
 */
export function start({ away = false, ack = true, says = [] as readonly Message[] } = {}) {
  const clock = new VirtualClock();
  const network = new InProcessNetwork({ clock, rng: seededRng(1), graceMs: 5000 });
  const registry = new Registry();
  const database = { away, reads: 0 };
  const repository = {
    snapshots: async (ids: readonly string[]) => {
      database.reads++;
      if (database.away) throw new DatabaseUnavailable(new Error('ECONNREFUSED'));
      return new Map(ids.map((id) => [id, guild]));
    },
    snapshotWith: async () => {
      database.reads++;
      if (database.away) throw new DatabaseUnavailable(new Error('ECONNREFUSED'));
      return { snapshot: guild, members: [], joined: [] };
    },
    members: async () => [],
  };
  const config = z.object(guildSettings).parse({});
  const logger = { error: (error: unknown) => fail(error) };
  const node = new GuildNode(
    config,
    network.join('guilds'),
    cluster,
    clock,
    logger as never,
    registry,
    seededRng(2),
    repository as never,
    new Drain(),
  );

  const heard: Message[] = [];
  const joins: MessageOf<'publish'>[] = [];
  const joinSessions = () => {
    const sessions = network.join('sessions');
    const kinds = [
      'classTable',
      'subscribed',
      'subscribeRefused',
      'reclassed',
      'audienceEvent',
      'audienceLost',
    ] as const;
    for (const $case of kinds) {
      sessions.onMessage($case, (value) => {
        heard.push({ $case, value } as Message);
        if ($case !== 'audienceEvent' || !ack) return;
        const { audienceId, index } = value as MessageOf<'audienceEvent'>;
        sessions.signal('guilds', { $case: 'audienceAck', value: { kind, audienceId, index, sessions: 1 } });
      });
    }
    sessions.onMessage('ownershipSync', ({ role, generation }, from) => {
      for (const message of says) sessions.send(from.id, 'g:1', message);
      // Of all keys, whichever it is asked for.
      sessions.send(from.id, 'sync', {
        $case: 'ownershipSynced',
        value: { role, generation, part: undefined },
      });
    });
    sessions.onCall('publish', (value) => {
      joins.push(value);
      return { $case: 'published', value: { sessions: 1 } };
    });
    return sessions;
  };
  const sessions = joinSessions();
  node.onApplicationBootstrap();
  const tunnel = network.join('tunnel');
  const subscribe = (userId: string) => sessions.send('guilds', 'g:1', subscribeOf(userId));
  const publish = (name: string, data: unknown, channelId = '', id = name) => {
    const event = {
      id,
      name,
      data: Buffer.from(JSON.stringify(data)),
      own: Buffer.alloc(0),
      volatile: false,
    };
    const value = { kind, audienceIds: ['1'], event, channelId };
    return tunnel.call('guilds', 'g:1', { $case: 'publish', value }, 'published', 30_000);
  };
  const cases = () => heard.map(({ $case }) => $case);
  return {
    node,
    clock,
    network,
    registry,
    database,
    heard,
    joins,
    sessions,
    tunnel,
    subscribe,
    publish,
    cases,
    joinSessions,
  };
}
