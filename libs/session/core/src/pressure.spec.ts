import { World, eventOf, gateway, guilds, readinessOf } from './world.fixture';

const typing = eventOf('', 'TYPING_START');

function presence(userId: string, status = 'online') {
  const json = `{"user":{"id":"${userId}"},"status":"${status}"}`;
  return { event: eventOf('', 'PRESENCE_UPDATE', json), aboutUserId: userId };
}

/** A world with one session that is under pressure, and the events of guild 100. */
function pressedWorld() {
  const world = new World();
  const { connection, sessionId } = world.ready();
  let index = 0;
  const event = (fields: Parameters<World['event']>[1] = {}): void => world.event(++index, fields);
  const pressure = (pressed: boolean, at = connection): void => {
    const { sessionId: of, epoch } = world.connection(at);
    world.say({ $case: 'socketPressure', value: { sessionId: of, epoch, pressed } }, gateway);
  };
  const since = (at = connection, from = 2) =>
    world
      .connection(at)
      .frames.slice(from)
      .map(({ seq, name, json }) => [seq, name, json]);
  return { world, connection, sessionId, event, pressure, since };
}

describe('a session whose socket does not drain', () => {
  it('gets no volatile events, which take no numbers, and all others', () => {
    const { world, event, pressure, since } = pressedWorld();
    pressure(true);
    event({ event: typing });
    event({ event: { ...eventOf('a', 'CURSOR_MOVED'), volatile: true } });
    event({ event: eventOf('b') });
    expect(since()).toEqual([[3, 'MESSAGE_CREATE', '"b"']]);
    expect(world.told('audienceAck').map(({ sessions }) => sessions)).toEqual([0, 0, 1]);
  });

  it('is sent the last presence of each user when it has drained', () => {
    const { event, pressure, since } = pressedWorld();
    pressure(true);
    event(presence('8', 'online'));
    event(presence('9', 'idle'));
    event(presence('8', 'dnd'));
    expect(since()).toEqual([]);
    pressure(false);
    expect(since()).toEqual([
      [3, 'PRESENCE_UPDATE', '{"user":{"id":"9"},"status":"idle"}'],
      [4, 'PRESENCE_UPDATE', '{"user":{"id":"8"},"status":"dnd"}'],
    ]);
    event({ event: typing });
    pressure(true);
    pressure(false);
    expect(since()).toHaveLength(3);
  });

  it('merges presences that the monolith published too', () => {
    const { event, pressure, since } = pressedWorld();
    pressure(true);
    event({ event: presence('8', 'online').event });
    event({ event: presence('8', 'idle').event });
    event({ event: eventOf('', 'PRESENCE_UPDATE', '"nobody"') });
    pressure(false);
    expect(since()).toEqual([[3, 'PRESENCE_UPDATE', '{"user":{"id":"8"},"status":"idle"}']]);
  });

  it('leaves others alone', () => {
    const { world, event, pressure, connection } = pressedWorld();
    const other = world.ready({ userId: '8' });
    pressure(true);
    event({ event: typing });
    event(presence('9'));
    expect(world.names(other.connection).slice(2)).toEqual(['TYPING_START', 'PRESENCE_UPDATE']);
    expect(world.names(connection)).toHaveLength(2);
  });

  it('keeps at most 1,024 presences and a quarter of a megabyte, the newest', () => {
    const { event, pressure, since } = pressedWorld();
    pressure(true);
    for (let user = 1; user <= 1500; user++) event(presence(String(user)));
    pressure(false);
    expect(since()).toHaveLength(1024);
    expect(since().at(-1)?.[2]).toContain('"1500"');
    pressure(true);
    for (let user = 1; user <= 10; user++) event(presence(String(user), 'x'.repeat(50_000)));
    pressure(false);
    expect(since()).toHaveLength(1024 + 5);
  });

  it('is not sent presences of a guild that it has left', () => {
    const { world, event, pressure, since } = pressedWorld();
    pressure(true);
    event(presence('8'));
    world.publish(1, { event: eventOf('x', 'GUILD_DELETE', '{"id":"100"}') });
    pressure(false);
    expect(since().map(([, name]) => name)).toEqual(['GUILD_DELETE']);
  });

  it('holds back volatile events of its user as well', () => {
    const { world, pressure, since } = pressedWorld();
    pressure(true);
    world.publish(1, { event: eventOf('a', 'TYPING_START') });
    world.publish(2, { event: eventOf('b', 'MESSAGE_CREATE') });
    expect(since()).toEqual([[3, 'MESSAGE_CREATE', '"b"']]);
    expect([world.answers.get(1), world.answers.get(2)]).toEqual([{ sessions: 0 }, { sessions: 1 }]);
  });

  it('is what its own socket says: a word about an earlier one counts for nothing', () => {
    const { world, sessionId, pressure, connection, event, since } = pressedWorld();
    const again = world.resume(sessionId, 2);
    pressure(true, connection);
    event({ event: typing });
    expect(since(again, 0).map(([, name]) => name)).toEqual(['RESUMED', 'TYPING_START']);
  });

  it('may be so before READY', () => {
    const world = new World();
    world.readiness = undefined;
    const connection = world.identify();
    const { sessionId, epoch } = world.connection(connection);
    world.say({ $case: 'socketPressure', value: { sessionId, epoch, pressed: true } }, gateway);
    world.readiness = readinessOf('7', []);
    world.wait(1000);
    world.publish(1, { event: eventOf('a', 'TYPING_START') });
    expect(world.names(connection)).toEqual(['READY']);
  });
});

describe('a session without a client', () => {
  it('buffers no volatile events, and is sent the last presence of each user when it has one again', () => {
    const { world, connection, sessionId, event, since } = pressedWorld();
    world.drop(connection);
    event({ event: typing });
    event(presence('8', 'idle'));
    event({ event: eventOf('a') });
    event(presence('8', 'dnd'));
    const again = world.resume(sessionId, 2);
    expect(since(again, 0)).toEqual([
      [3, 'MESSAGE_CREATE', '"a"'],
      [4, 'RESUMED', '{"_trace":[]}'],
      [5, 'PRESENCE_UPDATE', '{"user":{"id":"8"},"status":"dnd"}'],
    ]);
    event({ event: typing });
    expect(since(again, 3).map(([, name]) => name)).toEqual(['TYPING_START']);
  });

  it('is not sent the presence of a member who has left the guild since', () => {
    const { world, connection, sessionId, event, since } = pressedWorld();
    world.drop(connection);
    event(presence('8'));
    event(presence('9'));
    event({ event: eventOf('a', 'GUILD_MEMBER_REMOVE'), endsUserId: '8' });
    const again = world.resume(sessionId, 2);
    expect(since(again, 2).map(([, , json]) => json)).toEqual(['{"user":{"id":"9"},"status":"online"}']);
  });

  it('gets the presences of the time in which it replayed after RESUMED', () => {
    const { world, connection, sessionId, event, since } = pressedWorld();
    world.drop(connection);
    for (let at = 0; at < 300; at++) event();
    const again = world.resume(sessionId, 2);
    event(presence('8', 'idle'));
    event(presence('8', 'dnd'));
    event({ event: typing });
    world.drained(again);
    expect(since(again, 300)).toEqual([
      [303, 'RESUMED', '{"_trace":[]}'],
      [304, 'PRESENCE_UPDATE', '{"user":{"id":"8"},"status":"dnd"}'],
    ]);
  });

  it('keeps its place in the classes of its guild', () => {
    const { world, connection, sessionId, event, since } = pressedWorld();
    world.drop(connection);
    world.classTable(2, []);
    world.say({ $case: 'reclassed', value: { guildId: '100', userId: '7', classId: 2 } }, guilds);
    event({ event: eventOf('hidden'), channelId: '5' });
    event({ event: eventOf('open') });
    const again = world.resume(sessionId, 2);
    event({ event: eventOf('hidden again'), channelId: '5' });
    expect(since(again, 0).map(([, , json]) => json)).toEqual(['"open"', '{"_trace":[]}']);
  });
});

describe('a session that is invisible', () => {
  it('is told how it is, and never that its user is offline, as all others are', () => {
    const world = new World();
    const hidden = world.ready({ presence: { status: 'invisible', activities: '[]', client: 'web' } });
    const other = world.ready({ userId: '8' });
    world.event(1, { ...presence('7', 'offline'), aboutOffline: true });
    world.event(2, presence('7', 'idle'));
    world.event(3);
    expect(world.names(hidden.connection).slice(2)).toEqual([
      'PRESENCE_UPDATE',
      'PRESENCE_UPDATE',
      'MESSAGE_CREATE',
    ]);
    expect(JSON.parse(world.connection(hidden.connection).frames[2]?.json ?? '')).toEqual({
      user: { id: '7' },
      guild_id: '100',
      status: 'invisible',
      activities: [],
      client_status: { web: 'invisible' },
    });
    expect(world.connection(other.connection).frames.some(({ json }) => json.includes('invisible'))).toBe(
      false,
    );
    expect(world.names(other.connection).slice(2)).toEqual([
      'PRESENCE_UPDATE',
      'PRESENCE_UPDATE',
      'MESSAGE_CREATE',
    ]);
  });
});
