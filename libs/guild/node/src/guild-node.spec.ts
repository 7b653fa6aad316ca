import { type Message } from '@derailed/platform/mesh';
import { AudienceKind } from '@derailed/shared/contract';
import { Code } from '@derailed/shared/kernel';
import { VIEW, kind, settled, start, subscribeOf } from './guild-node.fixture';

describe('GuildNode', () => {
  it('brings an event from a publisher to the session-node, and its ack back', async () => {
    const { subscribe, publish, cases, registry } = start();
    subscribe('5');
    await settled();
    expect(await publish('MESSAGE_CREATE', {}, '7')).toEqual({ sessions: 1 });
    expect(cases()).toEqual(['classTable', 'subscribed', 'audienceEvent']);
    const metrics = await registry.metrics();
    expect(metrics).toContain('derailed_guild_publish_seconds_count 1');
    expect(metrics).toContain('derailed_guild_subscribers 1');
  });

  it('answers for a guild that nobody is subscribed to without asking the database', async () => {
    const { publish, database } = start();
    expect(await publish('MESSAGE_CREATE', {}, '7')).toEqual({ sessions: 0 });
    expect(database.reads).toBe(0);
  });

  it('refuses a malformed event of those that it understands, whoever is subscribed', async () => {
    const { publish } = start();
    await expect(publish('CHANNEL_CREATE', { id: 7 })).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      message: 'data.id: must be a decimal id as text',
    });
  });

  it('tells subscribers that the guild is unavailable while the database is away', async () => {
    const { subscribe, publish, heard, database, clock } = start({ away: true });
    subscribe('5');
    await settled();
    expect(heard).toMatchObject([{ $case: 'subscribeRefused', value: { unavailable: true } }]);
    await expect(publish('MESSAGE_CREATE', {}, '7')).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    database.away = false;
    clock.advance(1000);
    subscribe('5');
    await settled();
    expect(heard.at(-1)).toMatchObject({ $case: 'subscribed' });
  });

  it('takes the guild and the permissions of who is to get an event from one field, and from no other beside', async () => {
    const { subscribe, tunnel, heard } = start();
    subscribe('5');
    await settled();
    const event = {
      id: 'e',
      name: 'OURS',
      data: Buffer.from('{}'),
      own: Buffer.alloc(0),
      volatile: false,
    };
    const call = (audienceIds: string[], permitted: { guildId: string; permissions: string }) => {
      const value = { kind, audienceIds, permitted, event, channelId: '' };
      return tunnel.call('guilds', 'g:1', { $case: 'publish', value }, 'published', 30_000);
    };
    const refused = { code: Code.INVALID_ARGUMENT };
    await expect(call(['1'], { guildId: '1', permissions: '8' })).rejects.toMatchObject(refused);
    await expect(call([], { guildId: '', permissions: '8' })).rejects.toMatchObject(refused);
    await expect(call([], { guildId: '1', permissions: '' })).rejects.toMatchObject(refused);
    await call([], { guildId: '1', permissions: '8' });
    expect(heard.at(-1)).toMatchObject({
      $case: 'audienceEvent',
      value: { permissions: '8', channelId: '' },
    });
  });

  it('reads the guild again after a change, when the database is there, and tells what that says otherwise', async () => {
    const { subscribe, publish, heard, database, clock } = start();
    subscribe('6');
    await settled();
    const hide = { id: '1', type: 0, allow: '0', deny: String(VIEW) };
    await publish('CHANNEL_UPDATE', { id: '7', permission_overwrites: [hide] });
    const names = () =>
      heard.flatMap((message) => (message.$case === 'audienceEvent' ? message.value.event?.name : []));
    expect(names()).toEqual(['CHANNEL_DELETE', 'CHANNEL_UPDATE']);
    database.away = true;
    clock.advance(5000);
    await settled();
    expect([database.reads, names().length]).toEqual([2, 2]);
    database.away = false;
    clock.advance(10_000);
    await settled();
    expect([database.reads, names().slice(2)]).toEqual([3, ['CHANNEL_CREATE', 'CHANNEL_UPDATE']]);
  });

  it("tells a new member's sessions to subscribe", async () => {
    const { publish, joins } = start();
    await publish('GUILD_MEMBER_ADD', { user: { id: '6' } }, '', 'event');
    await settled();
    expect(joins).toMatchObject([
      {
        kind: AudienceKind.AUDIENCE_KIND_USER,
        audienceIds: ['6'],
        event: { id: 'event:join', name: 'GUILD_CREATE' },
      },
    ]);
    expect(joins[0]?.event?.data.toString()).toBe('{"id":"1"}');
  });

  it('tells them again until their session-node is there', async () => {
    const { publish, joins, network, clock, joinSessions } = start();
    await publish('GUILD_UPDATE', {});
    network.leave('sessions');
    const published = publish('GUILD_MEMBER_ADD', { user: { id: '6' } }, '', 'event');
    for (let count = 0; count < 5; count++) {
      clock.advance(2000);
      await settled();
    }
    expect(joins).toEqual([]);
    expect(await published).toEqual({ sessions: 0 });
    joinSessions();
    clock.advance(15_000);
    await settled();
    expect(joins.map(({ event }) => event?.id)).toEqual(['event:join']);
    clock.advance(60_000);
    await settled();
    expect(joins).toHaveLength(1);
  });

  it.each([
    ['ends sessions that an owner before went on without', 5, ['audienceLost']],
    ['goes on with those that had caught up', 4, ['classTable', 'subscribed', 'audienceEvent']],
  ])('%s', async (_what, needs, said) => {
    const before = { owner: 'guilds', ownerIncarnation: 'before', term: 3 };
    const followed = { kind, audienceId: '1', ...before, index: 4 };
    const notice = { kind, audienceId: '1', ...before, node: 'sessions', needs };
    for (const order of [0, 1]) {
      const words = [subscribeOf('5', followed), { $case: 'audienceWasBehind', value: notice } as const];
      const { publish, cases } = start({ says: order === 0 ? words : words.reverse() });
      await settled();
      await publish('MESSAGE_CREATE', {}, '7');
      expect(cases().slice(-said.length)).toEqual(said);
    }
  });

  it('answers without a session-node that does not ack within ACK_TIMEOUT', async () => {
    const { subscribe, publish, clock } = start({ ack: false });
    subscribe('5');
    await settled();
    const answer = publish('MESSAGE_CREATE', {}, '7');
    await settled();
    clock.advance(2000);
    expect(await answer).toEqual({ sessions: 0 });
  });

  it('waits for a session-node that acks other events meanwhile, until it falls silent', async () => {
    const { subscribe, publish, clock, sessions } = start({ ack: false });
    subscribe('5');
    await settled();
    const first = publish('MESSAGE_CREATE', {}, '7', 'a');
    let isAnswered = false;
    const second = publish('MESSAGE_CREATE', {}, '7', 'b').finally(() => (isAnswered = true));
    await settled();
    clock.advance(1500);
    sessions.signal('guilds', {
      $case: 'audienceAck',
      value: { kind, audienceId: '1', index: 1, sessions: 1 },
    });
    expect(await first).toEqual({ sessions: 1 });
    clock.advance(500);
    await settled();
    expect(isAnswered).toBe(false);
    clock.advance(2000);
    expect(await second).toEqual({ sessions: 0 });
  });

  it('forgets the subscriptions of a session-node that started anew', async () => {
    const { subscribe, publish, network, joinSessions, tunnel } = start();
    subscribe('5');
    await settled();
    network.leave('sessions');
    joinSessions().send('guilds', 'x', {
      $case: 'audienceSync',
      value: { kind, audienceId: '2', index: 0, term: 1 },
    });
    await settled();
    expect(await publish('MESSAGE_CREATE', {}, '7')).toEqual({ sessions: 0 });
    expect(
      await tunnel.call(
        'guilds',
        'x',
        { $case: 'guildInfo', value: { guildId: '1' } },
        'guildInfoReply',
        1000,
      ),
    ).toEqual({
      presences: 0,
      available: true,
    });
  });

  it('tells presences to its subscribers, counts them and lists them', async () => {
    const { subscribe, tunnel, cases } = start();
    subscribe('5');
    const value = {
      guildId: '1',
      userId: '6',
      status: 'online',
      activities: '[]',
      clientStatus: '{"web":"online"}',
    };
    await settled();
    tunnel.send('guilds', 'p:1', { $case: 'presenceChanged', value });
    await settled();
    expect(cases().at(-1)).toBe('audienceEvent');
    const ask: Message = { $case: 'guildPresences', value: { guildId: '1', userIds: ['5', '6'] } };
    const { presences } = await tunnel.call('guilds', 'x', ask, 'guildPresencesReply', 1000);
    expect(presences).toEqual([
      '{"user":{"id":"6"},"status":"online","activities":[],"client_status":{"web":"online"}}',
    ]);
  });

  it('asks for the presences of a guild that is in use, until it knows them, and again when their owner may have said more', async () => {
    const { subscribe, network, clock, tunnel } = start();
    const asked: string[] = [];
    const open = () => {
      const presences = network.join('presences');
      presences.onMessage('presenceSync', ({ guildIds }) => void asked.push(guildIds.join()));
      return presences;
    };
    const presences = open();
    const value = { guildId: '2', userId: '6', status: 'online', activities: '[]', clientStatus: '{}' };
    presences.send('guilds', 'p:2', { $case: 'presenceChanged', value });
    await settled();
    clock.advance(10_000);
    await settled();
    // Of a guild that nobody has subscribed to nothing is asked.
    expect(asked).toEqual([]);
    subscribe('5');
    await settled();
    clock.advance(0);
    await settled();
    expect(asked).toEqual(['1']);
    clock.advance(5000);
    await settled();
    expect(asked).toEqual(['1', '1']);
    const board = { guildId: '1', presences: [{ ...value, guildId: '1' }], recent: [true] };
    presences.send('guilds', 'p:1', { $case: 'presenceBoard', value: board });
    await settled();
    clock.advance(60_000);
    await settled();
    expect(asked).toEqual(['1', '1']);
    const ask: Message = { $case: 'guildInfo', value: { guildId: '1' } };
    expect(await tunnel.call('guilds', 'x', ask, 'guildInfoReply', 1000)).toMatchObject({ presences: 1 });
    open().send('guilds', 'p:2', { $case: 'presenceChanged', value });
    await settled();
    expect(asked).toEqual(['1', '1', '1']);
  });

  it('sets no timers after it has stopped', async () => {
    const { node, tunnel, clock } = start();
    const value = { guildId: '1', userId: '6', status: 'offline', activities: '[]', clientStatus: '{}' };
    tunnel.send('guilds', 'p:1', { $case: 'presenceChanged', value });
    await settled();
    expect(clock.pending).toBe(1);
    node.onModuleDestroy();
    expect(clock.pending).toBe(0);
  });
});
