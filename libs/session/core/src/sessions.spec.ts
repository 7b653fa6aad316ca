import { PRESENCES_NAMED } from '@derailed/shared/protocol';
import { World, eventOf, gateway, readinessOf } from './world.fixture';

describe('a session', () => {
  it('starts with READY as dispatch 1, then each guild', () => {
    const world = new World();
    const { connection, sessionId } = world.ready();
    expect(world.names(connection)).toEqual(['READY', 'GUILD_CREATE']);
    expect(world.seqs(connection)).toEqual([1, 2]);
    expect(world.connection(connection)).toMatchObject({ epoch: 1, from: 0 });
    const ready = JSON.parse(world.connection(connection).frames[0]?.json ?? '');
    expect(ready).toMatchObject({
      session_id: sessionId,
      resume_gateway_url: 'ws://here',
      shard: [0, 1],
      guilds: [{ id: '100', unavailable: true }],
    });
    expect(world.connection(connection).frames[1]?.json).toBe('{"id":"100","own":1}');
  });

  it('lets events of its user wait behind READY', () => {
    const world = new World();
    world.readiness = undefined;
    const connection = world.identify();
    world.publish(1, { event: eventOf('a', 'USER_UPDATE') });
    expect(world.answers.get(1)).toEqual({ sessions: 1 });
    world.readiness = readinessOf('7', []);
    world.wait(1000);
    expect(world.names(connection)).toEqual(['READY', 'USER_UPDATE']);
  });

  it('waits for the database with backoff, then gives up with 4000', () => {
    const world = new World();
    world.readiness = undefined;
    const connection = world.identify();
    world.wait(9_999);
    expect(world.databaseReads).toBeGreaterThan(4);
    expect(world.databaseReads).toBeLessThan(30);
    expect(world.connection(connection).closed).toBeUndefined();
    world.wait(1);
    expect(world.connection(connection).closed).toBe(4000);
    expect(world.node.figures).toMatchObject({ sessions: 0, users: 0, audiences: 0 });
  });

  it('is closed with 4004 when its user is gone, with 4010 for a shard that can not be', () => {
    const world = new World();
    world.readiness = null;
    expect(world.connection(world.identify()).closed).toBe(4004);
    expect(
      world.connection(world.identify({ sharded: true, shardId: 2, shardCount: 2 })).refused?.closeCode,
    ).toBe(4010);
    expect(
      world.connection(world.identify({ sharded: true, shardId: 0, shardCount: 0 })).refused?.closeCode,
    ).toBe(4010);
  });

  it('holds only the guilds of its shard, and a bot at most 2,500 of them', () => {
    const world = new World();
    world.readiness = readinessOf('7', [String(1n << 22n), String(2n << 22n), String(3n << 22n)]);
    world.identify({ sharded: true, shardId: 1, shardCount: 2 });
    expect(
      world
        .told('subscribe')
        .filter(({ kind }) => kind === 1)
        .map(({ audienceId }) => audienceId),
    ).toEqual([String(1n << 22n), String(3n << 22n)]);
    world.readiness = readinessOf(
      '7',
      Array.from({ length: 2501 }, (_, at) => String(at + 1)),
    );
    expect(world.connection(world.identify()).closed).toBe(4011);
  });

  it('ends at once when its connection goes before READY: nobody could resume it', () => {
    const world = new World();
    world.readiness = undefined;
    world.drop(world.identify());
    expect(world.node.figures.sessions).toBe(0);
  });

  it('ends with a goodbye: unsubscribed everywhere, its presence cleared', () => {
    const world = new World();
    const { connection, sessionId } = world.ready();
    world.drop(connection, true);
    expect(world.told('unsubscribe').map(({ audienceId, sessionIds }) => [audienceId, sessionIds])).toEqual([
      ['100', [sessionId]],
      ['7', [sessionId]],
    ]);
    expect(world.told('presenceClear')).toEqual([{ guildIds: ['100'], userId: '7', sessionId }]);
    expect(world.node.figures).toMatchObject({ sessions: 0, users: 0, audiences: 0, replayBytes: 0 });
  });

  it('outlives a drop for the resume window, and looks online for the grace', () => {
    const world = new World();
    const { connection } = world.ready();
    world.drop(connection);
    world.wait(9_999);
    expect(world.told('presenceClear')).toEqual([]);
    world.wait(1);
    expect(world.told('presenceClear')).toHaveLength(1);
    world.wait(169_999);
    expect(world.node.figures).toMatchObject({ sessions: 1, detached: 1 });
    world.wait(1);
    expect(world.node.figures).toMatchObject({ sessions: 0, detached: 0 });
    expect(world.told('presenceClear')).toHaveLength(1);
  });

  it('is seen again when it resumes after the grace', () => {
    const world = new World();
    const { connection, sessionId } = world.ready();
    world.drop(connection);
    world.wait(20_000);
    const before = world.told('presenceUpsert').length;
    world.resume(sessionId, 2);
    expect(world.told('presenceUpsert')).toHaveLength(before + 1);
    world.wait(200_000);
    expect(world.node.figures.sessions).toBe(1);
  });

  it('loses a ws-gateway like a drop', () => {
    const world = new World();
    const { sessionId } = world.ready();
    world.run(world.node.peerGone(gateway, world.now));
    expect(world.node.figures.detached).toBe(1);
    expect(world.names(world.resume(sessionId, 2))).toEqual(['RESUMED']);
  });

  it('lets go of connections that a full link can not reach: their clients resume', () => {
    const world = new World();
    const { connection, sessionId } = world.ready();
    world.refuses = (to, { $case }) => to === gateway.id && $case === 'deliver';
    world.event(1);
    expect(world.connection(connection).closed).toBe(4000);
    world.refuses = () => false;
    const again = world.resume(sessionId, 2);
    expect(world.names(again)).toEqual(['MESSAGE_CREATE', 'RESUMED']);
  });

  it('ends, the longest dropped first, when the replay buffers of the node hold too much', () => {
    const world = new World({ replayMemory: 3000 });
    world.readiness = readinessOf('7', []);
    const first = world.identify();
    const second = world.identify();
    world.drop(second);
    world.drop(first);
    const [firstId, secondId] = [world.connection(first).sessionId, world.connection(second).sessionId];
    const large = JSON.stringify('x'.repeat(1500));
    world.publish(1, { event: eventOf('a', 'USER_UPDATE', large) });
    world.publish(2, { event: eventOf('b', 'USER_UPDATE', large) });
    expect(world.node.figures.sessions).toBe(0);
    expect(world.node.counts.sessionsLost).toBe(2);
    expect(world.connection(world.resume(firstId, 1)).refused).toMatchObject({
      closeCode: 0,
      resumable: false,
    });
    expect(world.connection(world.resume(secondId, 1)).refused).toMatchObject({
      closeCode: 0,
      resumable: false,
    });
  });

  it('is spared when those dropped before it make enough room', () => {
    const world = new World({ replayMemory: 3000 });
    world.readiness = readinessOf('7', []);
    const [first, second] = [world.identify({ userId: '7' }), world.identify({ userId: '8' })];
    world.drop(second);
    world.drop(first);
    const large = JSON.stringify('x'.repeat(1200));
    world.publish(1, { audienceIds: ['7'], event: eventOf('a', 'USER_UPDATE', large) });
    world.publish(2, { audienceIds: ['8'], event: eventOf('b', 'USER_UPDATE', large) });
    expect(world.node.counts.sessionsLost).toBe(1);
    expect(world.names(world.resume(world.connection(first).sessionId, 1))).toEqual([
      'USER_UPDATE',
      'RESUMED',
    ]);
  });

  it('that is connected lives on with a shorter buffer, the longest first, when nobody else makes room', () => {
    const world = new World({ replayMemory: 20_000, replay: { events: 100, bytes: 100_000 } });
    world.readiness = readinessOf('7', []);
    const [chatty, quiet] = [world.identify({ userId: '7' }), world.identify({ userId: '8' })];
    world.publish(0, { audienceIds: ['8'], event: eventOf('q', 'USER_UPDATE') });
    const large = JSON.stringify('x'.repeat(1000));
    for (let call = 1; call <= 50; call++)
      world.publish(call, { audienceIds: ['7'], event: eventOf(`e${call}`, 'USER_UPDATE', large) });
    expect(world.node.figures.replayBytes).toBeLessThanOrEqual(20_000);
    expect(world.names(chatty)).toHaveLength(51);
    const [chattyId, quietId] = [chatty, quiet].map((at) => world.connection(at).sessionId);
    expect(world.connection(world.resume(chattyId!, 2)).refused).toMatchObject({ closeCode: 0 });
    expect(world.names(world.resume(chattyId!, 48)).at(-1)).toBe('RESUMED');
    expect(world.names(world.resume(quietId!, 1, '8'))).toEqual(['USER_UPDATE', 'RESUMED']);
  });

  it('shows a new presence in its guilds', () => {
    const world = new World();
    const { connection } = world.ready();
    const { sessionId, epoch } = world.connection(connection);
    const presence = { status: 'dnd', activities: '[]', client: 'web' };
    world.say({ $case: 'setPresence', value: { sessionId, epoch, presence } }, gateway);
    world.say(
      {
        $case: 'setPresence',
        value: { sessionId, epoch: epoch - 1, presence: { ...presence, status: 'idle' } },
      },
      gateway,
    );
    expect(world.told('presenceUpsert').at(-1)).toMatchObject({ guildIds: ['100'], presence });
    world.run(world.node.userPresence(9, '7', world.now));
    expect(world.answers.get(9)).toEqual({ status: 'dnd', activities: '[]', sessions: 1 });
  });

  it('tells nobody of a presence that says the same again, whenever its activities are said to begin', () => {
    const world = new World();
    const { connection } = world.ready();
    const { sessionId, epoch } = world.connection(connection);
    const say = (status: string, createdAt: number): number => {
      const activities = `[{"name":"chess","type":0,"created_at":${createdAt}}]`;
      const value = { sessionId, epoch, presence: { status, activities, client: 'web' } };
      world.say({ $case: 'setPresence', value }, gateway);
      return world.told('presenceUpsert').length;
    };
    const first = say('online', 1);
    expect(say('online', 2)).toBe(first);
    expect(say('idle', 3)).toBe(first + 1);
  });

  it('is told apart by whether its client named the intent for presences', () => {
    const world = new World();
    world.identify();
    world.identify({ intentsAbsent: true });
    world.identify({ intents: 1 });
    const named = world
      .told('subscribe')
      .filter(({ kind, presence }) => kind === 2 && presence === undefined)
      .map(({ intents }) => (intents & PRESENCES_NAMED) !== 0);
    expect(named).toEqual([true, false, false]);
  });

  it('is shown as the settings of its user say when its client said nothing', () => {
    const world = new World();
    world.readiness = { ...readinessOf('7', ['100']), settings: { status: 'dnd' } };
    world.identify({ presence: undefined, client: 'mobile' });
    expect(world.told('presenceUpsert').at(-1)).toMatchObject({
      presence: { status: 'dnd', client: 'mobile' },
    });
  });

  it('keeps the kind of client that it knows when a new presence does not say', () => {
    const world = new World();
    const { connection } = world.ready();
    const { sessionId, epoch } = world.connection(connection);
    const presence = { status: 'idle', activities: '[]', client: '' };
    world.say({ $case: 'setPresence', value: { sessionId, epoch, presence } }, gateway);
    expect(world.told('presenceUpsert').at(-1)).toMatchObject({
      presence: { status: 'idle', client: 'web' },
    });
  });
});
