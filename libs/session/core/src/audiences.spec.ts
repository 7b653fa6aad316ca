import { World, allIntents, eventOf, guilds, readinessOf, self } from './world.fixture';

const acks = (world: World) =>
  world
    .told('audienceAck')
    .filter(({ kind }) => kind === 1)
    .map(({ index, sessions }) => [index, sessions]);

/** An owner that has started anew has the session in its guild. @param view under which it was asked */
const subscribedAgain = (sessionId: string, view: number) => {
  const about = { kind: 1, audienceId: '100', index: 0, sessionId, classId: 4, term: 1, view };
  const value = { ...about, snapshot: undefined, sameData: false, shownUserIds: [] };
  return { $case: 'subscribed', value } as const;
};

describe('events of a guild', () => {
  it('go to each ws-gateway in one message, and are acked with the number of sessions', () => {
    const world = new World();
    const one = world.ready();
    const two = world.identify({ userId: '8' });
    world.subscribed(world.connection(two).sessionId, 0, { sameData: true });
    const before = world.told('deliver').length;
    world.event(1, { channelId: '5' });
    const delivers = world.told('deliver').slice(before);
    expect(delivers).toHaveLength(1);
    expect(delivers[0]).toMatchObject({
      connections: [one.connection, two],
      seqs: [3, 3],
      wantsDrain: false,
    });
    expect(acks(world)).toEqual([[1, 2]]);
    expect(world.connection(two).frames[1]?.json).toBe('{"id":"100","own":1}');
  });

  it('are acked but not doubled when they come again: by their index, or by their id at another index', () => {
    const world = new World();
    const { connection } = world.ready();
    world.event(1);
    world.event(1);
    world.event(2, { event: eventOf('e1') });
    expect(world.names(connection)).toEqual(['READY', 'GUILD_CREATE', 'MESSAGE_CREATE']);
    expect(acks(world)).toEqual([
      [1, 1],
      [1, 0],
      [2, 1],
    ]);
  });

  it('of a hidden channel reach nobody, and are acked', () => {
    const world = new World();
    const { connection } = world.ready();
    world.event(1, { channelId: '6' });
    expect(world.names(connection)).toEqual(['READY', 'GUILD_CREATE']);
    expect(acks(world)).toEqual([[1, 0]]);
    world.classTable(2, ['6']);
    world.say({ $case: 'reclassed', value: { guildId: '100', userId: '7', classId: 2 } }, guilds);
    world.event(2, { channelId: '6' });
    expect(world.names(connection)).toHaveLength(3);
  });

  it('that are missing are asked for once; nothing after them is delivered or acked before', () => {
    const world = new World();
    const { connection } = world.ready();
    world.event(1);
    world.event(3);
    world.event(4);
    expect(world.told('audienceSync')).toEqual([{ kind: 1, audienceId: '100', index: 1, term: 1 }]);
    for (const index of [2, 3, 4]) world.event(index);
    expect(
      world
        .connection(connection)
        .frames.slice(2)
        .map(({ json }) => json),
    ).toEqual(['"e1"', '"e2"', '"e3"', '"e4"']);
    expect(acks(world).at(-1)).toEqual([4, 1]);
  });

  it('end the subscription of the user that they name, who gets GUILD_DELETE instead', () => {
    const world = new World();
    const { connection } = world.ready();
    const other = world.identify({ userId: '8' });
    world.subscribed(world.connection(other).sessionId, 0);
    world.event(1, { event: eventOf('e1', 'GUILD_MEMBER_REMOVE'), endsUserId: '7' });
    world.event(2);
    expect(
      world
        .connection(connection)
        .frames.slice(2)
        .map(({ name, json }) => [name, json]),
    ).toEqual([['GUILD_DELETE', '{"id":"100"}']]);
    expect(world.names(other).slice(2)).toEqual(['GUILD_MEMBER_REMOVE', 'MESSAGE_CREATE']);
    expect(acks(world)).toEqual([
      [1, 2],
      [2, 1],
    ]);
    expect(world.told('presenceClear')).toMatchObject([{ userId: '7', guildIds: ['100'] }]);
  });

  it('end everybody, and are acked all the same', () => {
    const world = new World();
    const { connection } = world.ready();
    world.event(1, { event: eventOf('e1', 'GUILD_DELETE'), endsUserId: '*' });
    expect(world.names(connection).slice(2)).toEqual(['GUILD_DELETE']);
    expect(acks(world)).toEqual([[1, 1]]);
    world.event(2);
    expect(acks(world)).toEqual([
      [1, 1],
      [2, 0],
    ]);
  });

  it('of an owner that is not ours are neither delivered nor acked', () => {
    const world = new World();
    const { connection } = world.ready();
    world.event(1, {}, { id: guilds.id, incarnation: 'older' });
    expect(world.names(connection)).toHaveLength(2);
    expect(acks(world)).toEqual([]);
  });
});

describe('a subscription', () => {
  it('sends no GUILD_CREATE to a session without the GUILDS intent, but its events', () => {
    const world = new World();
    const { connection } = world.ready({ intents: allIntents & ~1 });
    expect(world.told('subscribe').find(({ kind }) => kind === 1)?.wantsSnapshot).toBe(false);
    world.event(1);
    expect(world.names(connection)).toEqual(['READY', 'MESSAGE_CREATE']);
  });

  it('that can not be had is told once as unavailable and repeated until it can', () => {
    const world = new World();
    const connection = world.identify();
    const { sessionId } = world.connection(connection);
    for (let attempt = 0; attempt < 4; attempt++) {
      world.say(
        {
          $case: 'subscribeRefused',
          value: { kind: 1, audienceId: '100', sessionId, unavailable: true, delayMs: 0, view: 0 },
        },
        guilds,
      );
      world.wait(15_000);
    }
    expect(world.told('subscribe').filter(({ kind }) => kind === 1)).toHaveLength(5);
    world.subscribed(sessionId, 0);
    expect(
      world
        .connection(connection)
        .frames.slice(1)
        .map(({ name, json }) => [name, json]),
    ).toEqual([
      ['GUILD_DELETE', '{"id":"100","unavailable":true}'],
      ['GUILD_CREATE', '{"id":"100","own":1}'],
    ]);
  });

  it('that is refused for good takes the guild away that READY named', () => {
    const world = new World();
    const connection = world.identify();
    const { sessionId } = world.connection(connection);
    world.say(
      {
        $case: 'subscribeRefused',
        value: { kind: 1, audienceId: '100', sessionId, unavailable: false, delayMs: 0, view: 0 },
      },
      guilds,
    );
    world.wait(60_000);
    expect(world.connection(connection).frames.at(-1)).toMatchObject({
      name: 'GUILD_DELETE',
      json: '{"id":"100"}',
    });
    expect(world.told('subscribe').filter(({ kind }) => kind === 1)).toHaveLength(1);
  });

  it('has the part of GUILD_CREATE that came with an answer for a session that had ended', () => {
    const world = new World();
    const ended = world.identify();
    const stays = world.identify({ userId: '8' });
    const { sessionId } = world.connection(ended);
    world.drop(ended, true);
    world.subscribed(sessionId, 0);
    world.subscribed(world.connection(stays).sessionId, 0, { sameData: true });
    expect(world.connection(stays).frames.at(-1)?.json).toBe('{"id":"100","own":1}');
  });

  it('begins for each session at its own index, also when the node is behind', () => {
    const world = new World();
    world.ready();
    const late = world.identify({ userId: '8' });
    world.subscribed(world.connection(late).sessionId, 2);
    expect(world.names(late)).toEqual(['READY']);
    world.event(1);
    world.event(2);
    world.event(3);
    expect(
      world
        .connection(late)
        .frames.map(({ json }) => json)
        .slice(1),
    ).toEqual(['{"id":"100","own":1}', '"e3"']);
  });

  it('goes on after its owner is gone: unavailable for those who wait, nothing for the others', () => {
    const world = new World();
    const { connection } = world.ready();
    const waits = world.identify({ userId: '8' });
    world.run(world.node.peerGone(guilds, world.now));
    expect(world.names(connection)).toHaveLength(2);
    expect(world.names(waits)).toEqual(['READY', 'GUILD_DELETE']);
  });

  it('is made again, without a second GUILD_CREATE, at an owner that has started anew', () => {
    const world = new World();
    const { connection, sessionId } = world.ready();
    world.event(1);
    const anew = { id: guilds.id, incarnation: 'b' };
    world.run(world.node.peerGone(guilds, world.now));
    world.run(world.node.peerUp(anew, world.now));
    const again = world.told('subscribe').at(-1);
    expect(again).toMatchObject({ audienceId: '100', sessionId, wantsSnapshot: false });
    world.say(
      {
        $case: 'classTable',
        value: { guildId: '100', classId: 4, channelIds: ['5'], permissions: '0', managedChannelIds: [] },
      },
      anew,
    );
    world.say(subscribedAgain(sessionId, 0), anew);
    // A publish that the old owner had delivered and never acked comes again at the new one.
    world.event(1, { event: eventOf('e1'), channelId: '5' }, anew);
    world.event(2, { channelId: '5' }, anew);
    expect(world.names(connection).slice(1)).toEqual(['GUILD_CREATE', 'MESSAGE_CREATE', 'MESSAGE_CREATE']);
  });

  it('brings a new GUILD_CREATE where the new owner shows other channels than were told', () => {
    const world = new World();
    const { connection, sessionId } = world.ready();
    const anew = { id: guilds.id, incarnation: 'b' };
    world.run(world.node.peerGone(guilds, world.now));
    world.run(world.node.peerUp(anew, world.now));
    const table = { guildId: '100', classId: 4, channelIds: ['6'], permissions: '0', managedChannelIds: [] };
    world.say({ $case: 'classTable', value: table }, anew);
    const answer = {
      kind: 1,
      audienceId: '100',
      index: 0,
      sessionId,
      classId: 4,
      sameData: false,
      term: 1,
      shownUserIds: [],
      view: 0,
    };
    world.say({ $case: 'subscribed', value: { ...answer, snapshot: undefined } }, anew);
    expect(world.names(connection).at(-1)).toBe('GUILD_DELETE');
    expect(world.told('subscribe').at(-1)).toMatchObject({ audienceId: '100', wantsSnapshot: true });
    world.say({ $case: 'subscribed', value: { ...answer, snapshot: eventOf('', 'GUILD_CREATE') } }, anew);
    expect(world.names(connection).slice(-2)).toEqual(['GUILD_DELETE', 'GUILD_CREATE']);
  });

  it('is unavailable to the client when the new owner can not read the guild', () => {
    const world = new World();
    const { connection, sessionId } = world.ready();
    const anew = { id: guilds.id, incarnation: 'b' };
    world.run(world.node.peerGone(guilds, world.now));
    world.run(world.node.peerUp(anew, world.now));
    const value = { kind: 1, audienceId: '100', sessionId, unavailable: true, delayMs: 0, view: 0 };
    world.say({ $case: 'subscribeRefused', value }, anew);
    expect(world.names(connection).slice(-1)).toEqual(['GUILD_DELETE']);
    world.wait(2000);
    expect(world.told('subscribe').at(-1)).toMatchObject({ audienceId: '100', wantsSnapshot: true });
  });

  it('asks for what it misses when the link to the same owner is back', () => {
    const world = new World();
    world.ready();
    world.event(1);
    world.run(world.node.peerUp(guilds, world.now));
    expect(world.told('audienceSync')).toEqual([{ kind: 1, audienceId: '100', index: 1, term: 1 }]);
  });

  it('that can not catch up ends its sessions with op 9', () => {
    const world = new World();
    const { connection } = world.ready();
    world.say({ $case: 'audienceLost', value: { kind: 1, audienceId: '100' } }, guilds);
    expect(world.connection(connection).closed).toBe(0);
    expect(world.node.figures.sessions).toBe(0);
  });

  it('that has lost something ends its sessions also while it is open which stream an answer is of', () => {
    const world = new World();
    const { connection, sessionId } = world.ready();
    const anew = { id: guilds.id, incarnation: 'b' };
    world.run(world.node.peerGone(guilds, world.now));
    world.run(world.node.peerUp(anew, world.now));
    const view = world.told('subscribe').at(-1)?.view ?? 0;
    world.run(world.node.tellOwner(anew, 'guild-node', world.now));
    expect(world.told('subscribe').at(-1)?.view).toBeGreaterThan(view);
    world.say(subscribedAgain(sessionId, view), anew);
    world.say({ $case: 'audienceLost', value: { kind: 1, audienceId: '100' } }, anew);
    expect(world.connection(connection).closed).toBe(0);
    expect(world.node.figures.sessions).toBe(0);
  });

  it('of many audiences is made again in turns', () => {
    const world = new World();
    for (let user = 1; user <= 50; user++) {
      const guildIds = Array.from({ length: 10 }, (_, at) => `${user}00${at}`);
      world.readiness = readinessOf(String(user), guildIds);
      world.identify({ bot: false, userId: String(user) });
    }
    const before = world.told('subscribe').length;
    world.run(world.node.peerUp(guilds, world.now));
    expect(world.told('subscribe').length - before).toBeLessThanOrEqual(100);
    world.wait(200);
    expect(world.told('subscribe').length - before).toBe(500);
  });
});

describe('presence', () => {
  it('is said again to a presence-node that comes up', () => {
    const world = new World();
    const { sessionId } = world.ready();
    const before = world.told('presenceUpsert').length;
    world.run(world.node.peerUp({ id: 'presence-1', incarnation: 'b' }, world.now));
    expect(world.told('presenceUpsert').slice(before)).toMatchObject([{ sessionId, guildIds: ['100'] }]);
    world.run(world.node.peerUp({ ...self, id: 'session-9' }, world.now));
    expect(world.told('presenceUpsert').slice(before)).toHaveLength(1);
  });
});
