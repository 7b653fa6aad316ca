import { CLUSTER, StaticCluster } from '@derailed/platform/cluster';
import { InProcessNetwork, MESH, type Message, type MessageOf, type NodeRef } from '@derailed/platform/mesh';
import { METRICS } from '@derailed/platform/observability';
import { MemberRepository, UserRepository } from '@derailed/platform/persistence';
import { CLOCK, DRAIN, Drain, LOGGER, RNG } from '@derailed/platform/runtime';
import { Code, seededRng } from '@derailed/shared/kernel';
import { VALID_INTENTS } from '@derailed/shared/protocol';
import { VirtualClock } from '@derailed/testing';
import { Global, type INestApplicationContext, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { SessionNodeModule, sessionSettings } from './index';
import { Rows, Peer } from './session-node.fixture';

describe('SessionNodeModule on a mesh', () => {
  const session = 'session-1';
  let clock: VirtualClock;
  let network: InProcessNetwork;
  let rows: Rows;
  let registry: Registry;
  let app: INestApplicationContext;
  let gateway: Peer;
  let guilds: Peer;
  let tunnel: Peer;

  /** Lets messages and answers of the database arrive. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };

  const say = async (from: Peer, flow: string, message: Message): Promise<void> => {
    expect(from.mesh.send(session, flow, message)).toBe(true);
    await settle();
  };

  const identify = (): Promise<void> =>
    say(gateway, 'c:1', {
      $case: 'identify',
      value: {
        connection: 1,
        userId: '7',
        bot: false,
        intents: VALID_INTENTS,
        intentsAbsent: true,
        sharded: false,
        shardId: 0,
        shardCount: 1,
        largeThreshold: 50,
        presence: undefined,
        version: 10,
        resumeGatewayUrl: 'ws://127.0.0.1:15000',
        client: 'desktop',
      },
    });

  beforeEach(async () => {
    clock = new VirtualClock();
    const rng = seededRng(1);
    network = new InProcessNetwork({ clock, rng });
    rows = new Rows();
    registry = new Registry();
    gateway = new Peer(network.join('gateway-1'), ['bound', 'refused', 'deliver', 'closeConnection']);
    guilds = new Peer(network.join('guild-1'), ['unsubscribe', 'audienceAck', 'audienceSync']);
    tunnel = new Peer(network.join('tunnel-1'), []);
    guilds.mesh.onMessage('subscribe', ({ audienceId, sessionId }, from: NodeRef) => {
      const snapshot = {
        id: '',
        name: 'GUILD_CREATE',
        data: Buffer.from('{"id":"100"'),
        own: Buffer.from('}'),
        volatile: false,
      };
      guilds.mesh.send(from.id, `g:${audienceId}`, {
        $case: 'subscribed',
        value: {
          kind: 1,
          audienceId,
          index: 0,
          sessionId,
          classId: 1,
          snapshot,
          sameData: false,
          term: 1,
          shownUserIds: [],
          view: 0,
        },
      });
    });
    guilds.mesh.onCall('guildPresences', ({ userIds }) => ({
      $case: 'guildPresencesReply',
      value: { presences: [`{"user":{"id":"${userIds[0]}"}}`] },
    }));
    const cluster = new StaticCluster([
      { id: session, roles: ['session-node'] },
      { id: 'guild-1', roles: ['guild-node'] },
    ]);

    @Global()
    @Module({
      providers: [
        { provide: MESH, useValue: network.join(session) },
        { provide: CLUSTER, useValue: cluster },
        { provide: CLOCK, useValue: clock },
        { provide: DRAIN, useValue: new Drain() },
        { provide: RNG, useValue: rng },
        { provide: LOGGER, useValue: { error: () => undefined } },
        { provide: METRICS, useValue: registry },
        { provide: UserRepository, useValue: rows.users },
        { provide: MemberRepository, useValue: rows.memberRows },
      ],
      exports: [MESH, CLUSTER, CLOCK, DRAIN, RNG, LOGGER, METRICS, UserRepository, MemberRepository],
    })
    class Platform {}

    const config = z.object(sessionSettings).parse({});
    const built = await Test.createTestingModule({
      imports: [Platform, SessionNodeModule.forRoot(config)],
    }).compile();
    app = await built.init();
  });

  afterEach(() => app.close());

  it('makes a session, subscribes it, delivers and acks', async () => {
    await identify();
    const [bound] = gateway.all('bound');
    expect(bound).toMatchObject({ connection: 1, epoch: 1, seq: 0 });
    expect(gateway.dispatches().map(({ seq, name }) => [seq, name])).toEqual([
      [1, 'READY'],
      [2, 'GUILD_CREATE'],
    ]);
    expect(gateway.dispatches()[0]?.d).toMatchObject({
      session_id: bound?.sessionId,
      settings: { status: 'idle' },
      guild_positions: ['100'],
      resume_gateway_url: 'ws://127.0.0.1:15000',
    });
    const event = {
      id: 'e1',
      name: 'MESSAGE_CREATE',
      data: Buffer.from('{}'),
      own: Buffer.alloc(0),
      volatile: false,
    };
    const value = {
      kind: 1,
      audienceId: '100',
      index: 1,
      event,
      channelId: '',
      intents: 512,
      permissions: '',
      endsUserId: '',
      alwaysUserId: '',
      alsoUserIds: [],
      alsoIntents: 0,
      closeCode: 0,
      joinsGuildId: '',
      leavesGuildId: '',
      aboutUserId: '',
      aboutOffline: false,
      classIds: [],
      sessionIds: [],
      exceptSessionIds: [],
      managesChannel: false,
    };
    await say(guilds, 'g:100', { $case: 'audienceEvent', value });
    expect(guilds.all('audienceAck')).toEqual([{ kind: 1, audienceId: '100', index: 1, sessions: 1 }]);
    expect(gateway.all('deliver').at(-1)?.event).toBe(event);
    expect(await registry.metrics()).toMatch(
      /derailed_session_sessions 1\n[^]*derailed_session_dispatches_total 3\n/,
    );
  });

  it('answers the calls of the tunnel', async () => {
    await identify();
    const event = {
      id: 'e1',
      name: 'USER_UPDATE',
      data: Buffer.from('{}'),
      own: Buffer.alloc(0),
      volatile: false,
    };
    const publish = (userId: string, name = 'USER_UPDATE') =>
      tunnel.mesh.call(
        session,
        'u',
        {
          $case: 'publish',
          value: { kind: 2, audienceIds: [userId], event: { ...event, name }, channelId: '' },
        },
        'published',
        1000,
      );
    await expect(publish('7')).resolves.toEqual({ sessions: 1 });
    await expect(publish('7', 'GUILD_CREATE')).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
    const presence = tunnel.mesh.call(
      session,
      'u',
      { $case: 'userPresence', value: { userId: '7' } },
      'userPresenceReply',
      1000,
    );
    await expect(presence).resolves.toMatchObject({ status: 'idle', sessions: 1 });
    const disconnect = tunnel.mesh.call(
      session,
      'u',
      { $case: 'disconnectUser', value: { userId: '7', closeCode: 4004 } },
      'disconnectUserReply',
      1000,
    );
    await expect(disconnect).resolves.toEqual({ sessions: 1 });
    await settle();
    expect(gateway.all('closeConnection')).toMatchObject([{ connection: 1, closeCode: 4004 }]);
    expect(guilds.all('unsubscribe')).toHaveLength(1);
  });

  it('says how often a bot may still identify, unless the database is away', async () => {
    const ask = async (): Promise<unknown> => {
      const message: Message = { $case: 'identifyBudget', value: { userId: '7' } };
      const answer = gateway.mesh.call(session, 'u:7', message, 'identifyBudgetReply', 1000);
      return Promise.all([answer, settle()]).then(([value]) => value);
    };
    expect(await ask()).toEqual({
      total: 1000,
      remaining: 1000,
      resetAfterMs: 0,
      maxConcurrency: 1,
      shards: 3,
    });
    rows.away = true;
    await expect(ask()).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });

  it('waits for a database that is away, and says so in its metrics', async () => {
    rows.away = true;
    await identify();
    for (let second = 0; second < 3; second++) {
      clock.advance(1000);
      await settle();
    }
    expect(gateway.dispatches()).toEqual([]);
    rows.away = false;
    clock.advance(3000);
    await settle();
    expect(gateway.dispatches().map(({ name }) => name)).toEqual(['READY', 'GUILD_CREATE']);
    expect(await registry.metrics()).toMatch(/derailed_session_database_failures_total [1-9]/);
  });

  it('resumes a session whose ws-gateway was cut off', async () => {
    await identify();
    const sessionId = gateway.all('bound')[0]?.sessionId ?? '';
    network.cut(session, 'gateway-1');
    clock.advance(5000);
    network.heal(session, 'gateway-1');
    await settle();
    await say(gateway, 'c:2', { $case: 'resume', value: { connection: 2, userId: '7', sessionId, seq: 1 } });
    expect(gateway.all('bound').at(-1)).toMatchObject({ connection: 2, epoch: 2, seq: 1 });
    expect(
      gateway
        .dispatches()
        .slice(2)
        .map(({ seq, name }) => [seq, name]),
    ).toEqual([
      [2, 'GUILD_CREATE'],
      [3, 'RESUMED'],
    ]);
  });

  describe('op 8', () => {
    const request = async (fields: Partial<MessageOf<'requestMembers'>>): Promise<void> => {
      const { sessionId = '', epoch = 0 } = gateway.all('bound').at(-1) ?? {};
      const value = {
        sessionId,
        epoch,
        guildId: '100',
        hasQuery: true,
        query: '',
        limit: 0,
        userIds: [],
        presences: false,
        nonce: 'n',
        ...fields,
      };
      await say(gateway, 'c:1', { $case: 'requestMembers', value });
    };
    const chunks = () =>
      gateway.dispatches().flatMap(({ name, d }) => (name === 'GUILD_MEMBERS_CHUNK' ? [d] : []));
    const drained = async (): Promise<void> => {
      const { sessionId = '', epoch = 0 } = gateway.all('bound').at(-1) ?? {};
      await say(gateway, 'c:1', { $case: 'drained', value: { sessionId, epoch } });
    };

    it('streams the whole list, a chunk each time the socket has drained', async () => {
      await identify();
      await request({});
      expect(chunks()).toHaveLength(1);
      await drained();
      await drained();
      await drained();
      expect(
        chunks().map(({ chunk_index, chunk_count, members, nonce }) => [
          chunk_index,
          chunk_count,
          (members as unknown[]).length,
          nonce,
        ]),
      ).toEqual([
        [0, 3, 1000, 'n'],
        [1, 3, 1000, 'n'],
        [2, 3, 500, 'n'],
      ]);
    });

    it('names those who were not found, and adds presences', async () => {
      await identify();
      await request({ hasQuery: false, userIds: ['1000', '5'], presences: true });
      expect(chunks()).toMatchObject([
        {
          members: [{ user: { id: '1000' } }],
          not_found: ['5'],
          presences: [{ user: { id: '1000' } }],
          chunk_count: 1,
        },
      ]);
    });

    it('answers a search without matches with one empty chunk', async () => {
      await identify();
      await request({ query: 'nobody', limit: 10 });
      expect(chunks()).toEqual([
        { guild_id: '100', members: [], chunk_index: 0, chunk_count: 1, nonce: 'n' },
      ]);
    });

    it('keeps the promised number of chunks when members leave meanwhile', async () => {
      await identify();
      await request({});
      rows.members = rows.members.slice(0, 1000);
      await drained();
      await drained();
      expect(
        chunks().map(({ chunk_index, members }) => [chunk_index, (members as unknown[]).length]),
      ).toEqual([
        [0, 1000],
        [1, 0],
        [2, 0],
      ]);
    });
  });
});
