import { World, allIntents, gateway, readinessOf } from './world.fixture';
import type { RequestMembers } from './messages';

function ask(world: World, connection: number, fields: Partial<RequestMembers> = {}): void {
  const { sessionId, epoch } = world.connection(connection);
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
  world.say({ $case: 'requestMembers', value }, gateway);
}

function chunk(world: World, read: number, json: string | undefined, last: boolean): void {
  world.run(world.node.memberChunk(read, json, last, world.now));
}

describe('a request for members', () => {
  it('is answered page by page, each when the socket has drained the one before', () => {
    const world = new World();
    const { connection } = world.ready();
    ask(world, connection);
    expect(world.reads).toMatchObject([
      { read: 1, guildId: '100', query: '', limit: 0, presences: false, nonce: 'n' },
    ]);
    chunk(world, 1, '"one"', false);
    expect(world.next).toEqual([]);
    world.drained(connection);
    expect(world.next).toEqual([1]);
    chunk(world, 1, '"two"', true);
    expect(world.connection(connection).frames.slice(2)).toEqual([
      { seq: 3, name: 'GUILD_MEMBERS_CHUNK', json: '"one"', wantsDrain: true },
      { seq: 4, name: 'GUILD_MEMBERS_CHUNK', json: '"two"', wantsDrain: false },
    ]);
  });

  it('never holds up events', () => {
    const world = new World();
    const { connection } = world.ready();
    ask(world, connection);
    chunk(world, 1, '"one"', false);
    world.event(1);
    expect(world.names(connection).slice(2)).toEqual(['GUILD_MEMBERS_CHUNK', 'MESSAGE_CREATE']);
  });

  it('stays without an answer for a foreign guild, and for the whole list without its intent', () => {
    const world = new World();
    const { connection } = world.ready({ intents: allIntents & ~2 });
    ask(world, connection, { guildId: '999' });
    ask(world, connection);
    expect(world.reads).toEqual([]);
    ask(world, connection, { query: 'a', limit: 0 });
    ask(world, connection, { query: 'a', limit: 1000 });
    chunk(world, 1, '""', true);
    expect(world.reads.map(({ limit }) => limit)).toEqual([100, 100]);
  });

  it('asks for at most 100 ids, of those that are ids, and for presences only with their intent', () => {
    const world = new World();
    const { connection } = world.ready({ intents: allIntents & ~256 });
    ask(world, connection, {
      hasQuery: false,
      userIds: ['x', ...Array.from({ length: 200 }, (_, at) => String(at + 1))],
      presences: true,
    });
    expect(world.reads).toMatchObject([{ query: undefined, presences: false }]);
    expect(world.reads[0]?.userIds).toHaveLength(99);
  });

  it('for the whole list is answered once in 30 s for a user and a guild, whichever session asks', () => {
    const world = new World();
    const [one, other] = [world.ready().connection, world.ready().connection];
    ask(world, one);
    world.wait(12_500);
    ask(world, other);
    expect(world.connection(other).frames.at(-1)).toMatchObject({
      name: 'RATE_LIMITED',
      json: '{"opcode":8,"retry_after":17.5,"meta":{"guild_id":"100","nonce":"n"}}',
    });
    ask(world, other, { query: 'a', limit: 0 });
    ask(world, other, { hasQuery: false, userIds: ['1'] });
    world.wait(17_500);
    ask(world, other);
    chunk(world, 2, '""', true);
    chunk(world, 3, '""', true);
    expect(world.reads.map(({ query, limit }) => [query, limit])).toEqual([
      ['', 0],
      ['a', 100],
      [undefined, 0],
      ['', 0],
    ]);
  });

  it('that can not be read is answered with RATE_LIMITED, and does not count', () => {
    const world = new World();
    const { connection } = world.ready();
    ask(world, connection);
    chunk(world, 1, undefined, true);
    expect(world.connection(connection).frames.at(-1)).toMatchObject({
      name: 'RATE_LIMITED',
      json: expect.stringContaining('"retry_after":5'),
    });
    ask(world, connection);
    expect(world.reads).toHaveLength(2);
  });

  it('waits for its turn: one a session, a few a node; and is refused when too many wait', () => {
    const world = new World({ memberRequests: 2, memberQueue: 2, memberListInterval: 0 });
    const [one, two, three] = [world.ready().connection, world.ready().connection, world.ready().connection];
    for (const connection of [one, one, two, three]) ask(world, connection);
    expect(world.reads.map(({ read }) => read)).toEqual([1, 3]);
    ask(world, one);
    expect(world.connection(one).frames.at(-1)).toMatchObject({
      name: 'RATE_LIMITED',
      json: '{"opcode":8,"retry_after":5,"meta":{"guild_id":"100","nonce":"n"}}',
    });
    chunk(world, 3, '""', true);
    expect(world.reads.map(({ read }) => read)).toEqual([1, 3, 4]);
    chunk(world, 1, undefined, true);
    expect(world.reads.map(({ read }) => read)).toEqual([1, 3, 4, 2]);
  });

  it('ends when its session is out of the guild, and not those for other guilds', () => {
    const world = new World();
    world.readiness = readinessOf('7', ['100', '101']);
    const { connection, sessionId } = world.ready();
    world.subscribed(sessionId, 0, { audienceId: '101' });
    ask(world, connection);
    ask(world, connection, { guildId: '101' });
    chunk(world, 1, '"one"', false);
    world.event(1, { event: undefined, endsUserId: '7' });
    chunk(world, 1, '"two"', true);
    chunk(world, 2, '"other"', true);
    expect(world.stopped).toEqual([1]);
    expect(
      world
        .connection(connection)
        .frames.filter(({ name }) => name === 'GUILD_MEMBERS_CHUNK')
        .map(({ json }) => json),
    ).toEqual(['"one"', '"other"']);
  });

  it('ends with its connection, or when the socket does not drain, and makes room', () => {
    const world = new World({ memberRequests: 1, memberListInterval: 0 });
    const [one, two] = [world.ready().connection, world.ready().connection];
    ask(world, one);
    ask(world, one);
    ask(world, two);
    world.drop(one);
    expect(world.stopped).toEqual([1]);
    expect(world.reads.map(({ read }) => read)).toEqual([1, 3]);
    chunk(world, 1, '"late"', true);
    chunk(world, 3, '""', false);
    world.wait(30_000);
    expect(world.stopped).toEqual([1, 3]);
    expect(world.names(one)).not.toContain('GUILD_MEMBERS_CHUNK');
  });
});
