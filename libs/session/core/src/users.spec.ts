import { CallError } from '@derailed/shared/kernel';
import { World, allIntents, eventOf, readinessOf, self } from './world.fixture';

const far = { id: 'session-2', incarnation: 'a' };

/** A session of user 7 on another session-node. */
function subscribeFar(world: World, sessionId = 'far', status = 'online', node = far, rejoins = false): void {
  const shown = { status, activities: `["${sessionId}"]`, client: 'web' };
  const presence = status === 'none' ? undefined : shown;
  const value = {
    kind: 2,
    audienceId: '7',
    sessionId,
    userId: '7',
    intents: allIntents,
    largeThreshold: 50,
    wantsSnapshot: false,
    presence,
    identifying: undefined,
    generation: 1,
    rejoins,
    followed: undefined,
    view: 1,
  };
  world.say({ $case: 'subscribe', value }, node);
}

describe('a session-node that went away', () => {
  it('has lost what it said of its sessions, when it follows nobody and subscribes again', () => {
    const world = new World();
    subscribeFar(world, 'left while the link was broken');
    world.run(world.node.peerGone(far, world.now));
    world.publish(1, { event: eventOf('a', 'X') });
    expect(world.answers.get(1)).toEqual({ sessions: 0 });
    subscribeFar(world, 'new');
    world.sent.length = 0;
    world.publish(2, { event: eventOf('b', 'X') });
    expect(world.sent.map(({ to, message }) => `${message.$case} ${to}`)).toEqual([
      `audienceEvent ${far.id}`,
    ]);
    expect(world.node.figures.users).toBe(1);
  });

  it('whose subscription it never heard of is subscribed again, or has lost what was published since', () => {
    for (const isPublished of [false, true]) {
      const world = new World();
      subscribeFar(world, 'far', 'online', far, true);
      world.run(world.node.peerGone(far, world.now));
      if (isPublished) world.publish(1, { event: eventOf('a', 'X') });
      world.sent.length = 0;
      subscribeFar(world, 'far', 'online', far, true);
      world.publish(2, { event: eventOf('b', 'X') });
      expect(world.sent.map(({ to, message }) => `${message.$case} ${to}`)).toEqual(
        (isPublished ? ['audienceLost'] : ['subscribed', 'audienceEvent']).map((kind) => `${kind} ${far.id}`),
      );
    }
  });

  it('is sent what is lost when an owner of the user before went on without it', () => {
    const world = new World();
    subscribeFar(world);
    world.run(world.node.nodeBehind('7', far.id, world.now));
    expect(world.told('audienceLost')).toEqual([{ kind: 2, audienceId: '7' }]);
    expect(world.node.figures.users).toBe(0);
  });
});

describe('a publish to a user', () => {
  it('reaches all sessions of the user and says how many', () => {
    const world = new World();
    const { connection } = world.ready();
    const other = world.identify();
    world.publish(1, { event: eventOf('a', 'USER_UPDATE') });
    expect(world.answers.get(1)).toEqual({ sessions: 2 });
    expect(world.names(connection).at(-1)).toBe('USER_UPDATE');
    expect(world.names(other).at(-1)).toBe('USER_UPDATE');
  });

  it('to somebody without sessions is a success with none', () => {
    const world = new World();
    world.publish(1, { audienceIds: ['8', '9'], event: eventOf('a', 'X') });
    expect(world.answers.get(1)).toEqual({ sessions: 0 });
  });

  it('that comes again, also while the first is under way, has the same outcome and is delivered once', () => {
    const world = new World();
    const { connection } = world.ready();
    world.publish(1, { event: eventOf('a', 'USER_UPDATE') });
    world.publish(2, { event: eventOf('a', 'USER_UPDATE') });
    expect([world.answers.get(1), world.answers.get(2)]).toEqual([{ sessions: 1 }, { sessions: 1 }]);
    expect(world.names(connection).filter((name) => name === 'USER_UPDATE')).toHaveLength(1);
  });

  it('waits for the other session-nodes, until they are revoked', () => {
    const world = new World();
    world.ready();
    subscribeFar(world);
    world.publish(1, { event: eventOf('a', 'USER_UPDATE') });
    expect(world.answers.size).toBe(0);
    world.say({ $case: 'audienceAck', value: { kind: 2, audienceId: '7', index: 1, sessions: 1 } }, far);
    expect(world.answers.get(1)).toEqual({ sessions: 2 });
    world.publish(2, { event: eventOf('b', 'USER_UPDATE') });
    world.wait(2000);
    expect(world.answers.get(2)).toEqual({ sessions: 1 });
    world.say({ $case: 'audienceAck', value: { kind: 2, audienceId: '7', index: 2, sessions: 1 } }, far);
    world.publish(3, { event: eventOf('c', 'USER_UPDATE') });
    expect(world.told('audienceEvent').filter(({ index }) => index === 3)).toHaveLength(2);
  });

  it('reaches a node whose queue was full a moment later', () => {
    const world = new World();
    subscribeFar(world);
    world.refuses = (to, { $case }) => to === far.id && $case === 'audienceEvent';
    world.publish(1, { event: eventOf('a', 'X') });
    expect(world.answers.get(1)).toEqual({ sessions: 0 });
    world.refuses = () => false;
    world.wait(1000);
    expect(world.told('audienceEvent').map(({ index }) => index)).toEqual([1]);
  });

  it('reaches unsharded sessions and shard 0, with the intents of direct messages', () => {
    const world = new World();
    const connections = [
      world.identify(),
      world.identify({ intents: 1 }),
      world.identify({ sharded: true, shardId: 0, shardCount: 2 }),
      world.identify({ sharded: true, shardId: 1, shardCount: 2 }),
    ];
    world.publish(1, { event: eventOf('a', 'MESSAGE_CREATE') });
    expect(connections.map((connection) => world.names(connection).includes('MESSAGE_CREATE'))).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(world.answers.get(1)).toEqual({ sessions: 2 });
  });

  it('at a node that does not own the user is ABORTED: whoever called looks for the owner', () => {
    const world = new World({}, { 'session-node:8': 'session-2' });
    world.publish(1, { audienceIds: ['7', '8'], event: eventOf('a', 'X') });
    expect(world.answers.get(1)).toMatchObject({ code: 10 });
  });
});

describe('GUILD_CREATE published to a user', () => {
  it('subscribes its sessions, whose own GUILD_CREATE takes its place; the ack waits for that', () => {
    const world = new World();
    world.readiness = readinessOf('7', []);
    const connection = world.identify();
    const { sessionId } = world.connection(connection);
    world.publish(1, { event: eventOf('a', 'GUILD_CREATE', '{"id":100}') });
    world.publish(2, { event: eventOf('b', 'USER_UPDATE') });
    expect(world.answers.size).toBe(0);
    world.subscribed(sessionId, 0);
    expect(world.answers.get(1)).toEqual({ sessions: 1 });
    expect(world.answers.get(2)).toEqual({ sessions: 1 });
    expect(
      world
        .connection(connection)
        .frames.slice(1)
        .map(({ json }) => json),
    ).toEqual(['{"id":"100","own":1}', '"b"']);
    expect(world.told('presenceUpsert').at(-1)).toMatchObject({ guildIds: ['100'] });
  });

  it('does not wait for a guild that can not be had, nor for sessions of another shard', () => {
    const world = new World();
    world.readiness = readinessOf('7', []);
    const connection = world.identify({ sharded: true, shardId: 0, shardCount: 2 });
    world.identify({ sharded: true, shardId: 1, shardCount: 2 });
    const { sessionId } = world.connection(connection);
    world.publish(1, { event: eventOf('a', 'GUILD_CREATE', '{"id":"100"}') });
    expect(world.told('subscribe').filter(({ kind }) => kind === 1)).toHaveLength(1);
    const value = { kind: 1, audienceId: '100', sessionId, unavailable: true, delayMs: 0, view: 0 };
    world.say({ $case: 'subscribeRefused', value }, { id: 'guild-1', incarnation: 'a' });
    expect(world.answers.get(1)).toEqual({ sessions: 0 });
    expect(world.names(connection).at(-1)).toBe('GUILD_DELETE');
  });

  it.each([
    ['one that was published before', []],
    ['what READY named', ['100']],
  ])('asks again when the answer to %s is no: the user is back meanwhile', (_what, guildIds) => {
    const world = new World();
    world.readiness = readinessOf('7', guildIds);
    const connection = world.identify();
    const { sessionId } = world.connection(connection);
    const asked = () => world.told('subscribe').filter(({ kind }) => kind === 1).length;
    const value = { kind: 1, audienceId: '100', sessionId, unavailable: false, delayMs: 0, view: 0 };
    const refuse = () => world.say({ $case: 'subscribeRefused', value }, { id: 'guild-1', incarnation: 'a' });
    if (guildIds.length === 0) world.publish(1, { event: eventOf('a', 'GUILD_CREATE', '{"id":"100"}') });
    world.publish(2, { event: eventOf('b', 'GUILD_CREATE', '{"id":"100"}') });
    expect(asked()).toBe(1);
    refuse();
    expect(asked()).toBe(2);
    world.subscribed(sessionId, 0);
    expect(world.names(connection).at(-1)).toBe('GUILD_CREATE');
    expect(world.answers.get(2)).toEqual({ sessions: 1 });
  });

  it('is settled when the session that joins ends', () => {
    const world = new World();
    world.readiness = readinessOf('7', []);
    const connection = world.identify();
    world.publish(1, { event: eventOf('a', 'GUILD_CREATE', '{"id":"100"}') });
    world.drop(connection, true);
    expect(world.answers.get(1)).toEqual({ sessions: 0 });
    expect(world.node.figures).toMatchObject({ users: 0, audiences: 0 });
  });

  it('before READY is part of what READY is followed by', () => {
    const world = new World();
    world.readiness = undefined;
    const connection = world.identify();
    world.publish(1, { event: eventOf('a', 'GUILD_CREATE', '{"id":"100"}') });
    expect(world.answers.get(1)).toEqual({ sessions: 1 });
    world.readiness = readinessOf('7', []);
    world.wait(1000);
    world.subscribed(world.connection(connection).sessionId, 0);
    expect(world.names(connection)).toEqual(['READY', 'GUILD_CREATE']);
  });

  it.each(['{}', '[]', '{"id":"x"}', '{"id":null}', 'null', '"100"'])(
    'with the data %s is refused',
    (json) => {
      const world = new World();
      world.ready();
      world.publish(1, { event: eventOf('a', 'GUILD_CREATE', json) });
      expect(world.answers.get(1)).toBeInstanceOf(CallError);
      expect(world.answers.get(1)).toMatchObject({ code: 3, message: expect.stringMatching(/^data: /) });
    },
  );
});

describe('other events published to a user', () => {
  it('GUILD_DELETE ends the subscriptions', () => {
    const world = new World();
    const { connection, sessionId } = world.ready();
    world.publish(1, { event: eventOf('a', 'GUILD_DELETE', '{"id":"100"}') });
    expect(world.answers.get(1)).toEqual({ sessions: 1 });
    expect(world.connection(connection).frames.at(-1)).toMatchObject({
      name: 'GUILD_DELETE',
      json: '{"id":"100"}',
    });
    expect(world.told('unsubscribe')).toEqual([{ kind: 1, audienceId: '100', sessionIds: [sessionId] }]);
    expect(world.told('presenceClear')).toHaveLength(1);
  });

  it('USER_DELETE closes all sessions with 4004 and ends them', () => {
    const world = new World();
    const { connection } = world.ready();
    const sharded = world.identify({ sharded: true, shardId: 1, shardCount: 2 });
    world.publish(1, { event: eventOf('a', 'USER_DELETE', '{}') });
    expect(world.answers.get(1)).toEqual({ sessions: 2 });
    expect([connection, sharded].map((at) => world.connection(at).closed)).toEqual([4004, 4004]);
    expect(world.node.figures).toMatchObject({ sessions: 0, users: 0, audiences: 0 });
  });

  it('a disconnect closes the sessions with its code', () => {
    const world = new World();
    const { connection } = world.ready();
    world.run(world.node.disconnectUser(1, '7', 4009, world.now));
    expect(world.answers.get(1)).toEqual({ sessions: 1 });
    expect(world.connection(connection).closed).toBe(4009);
  });
});

describe('the owner of a user', () => {
  it('merges presences: online before idle before dnd; invisible and unready sessions show nothing', () => {
    const world = new World();
    const statusOf = () => {
      world.run(world.node.userPresence(1, '7', world.now));
      return world.answers.get(1);
    };
    expect(statusOf()).toEqual({ status: 'offline', activities: '[]', sessions: 0 });
    subscribeFar(world, 'a', 'dnd');
    subscribeFar(world, 'b', 'invisible');
    expect(statusOf()).toEqual({ status: 'dnd', activities: '["a"]', sessions: 2 });
    subscribeFar(world, 'c', 'idle');
    expect(statusOf()).toMatchObject({ status: 'idle' });
    world.readiness = undefined;
    world.identify();
    expect(statusOf()).toMatchObject({ status: 'idle', sessions: 4 });
    world.readiness = readinessOf('7', []);
    world.wait(1000);
    expect(statusOf()).toMatchObject({ status: 'online', sessions: 4 });
  });

  it('counts a session that moves once, and keeps what it shows', () => {
    const world = new World();
    const further = { id: 'session-3', incarnation: 'a' };
    const presence = () => {
      world.run(world.node.userPresence(1, '7', world.now));
      return world.answers.get(1);
    };
    subscribeFar(world, 'a', 'dnd');
    const shown = { status: 'dnd', activities: '["a"]', sessions: 1 };
    subscribeFar(world, 'a', 'none', further);
    expect(presence()).toEqual(shown);
    world.say({ $case: 'unsubscribe', value: { kind: 2, audienceId: '7', sessionIds: ['a'] } }, far);
    expect(presence()).toEqual(shown);
    subscribeFar(world, 'a', 'idle', further);
    expect(presence()).toMatchObject({ status: 'idle' });
  });

  it('forgets the sessions of a node that has started anew, and tells those that it does not know', () => {
    const world = new World();
    subscribeFar(world);
    world.run(world.node.peerUp({ id: far.id, incarnation: 'b' }, world.now));
    expect(world.node.figures.users).toBe(0);
    world.say({ $case: 'audienceSync', value: { kind: 2, audienceId: '7', index: 3, term: 1 } }, far);
    expect(world.told('audienceLost')).toEqual([{ kind: 2, audienceId: '7' }]);
    expect(self.id).not.toBe(far.id);
  });
});
