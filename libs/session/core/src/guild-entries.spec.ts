import { World, eventOf, guilds, readinessOf } from './world.fixture';

const many = Array.from({ length: 40 }, (_, at) => String(1000 + at));

/** A session whose user is in these guilds, none of which has answered yet. */
function entering(guildIds: readonly string[] = many) {
  const world = new World();
  world.readiness = readinessOf('7', guildIds);
  const connection = world.identify();
  const { sessionId } = world.connection(connection);
  const asked = (): string[] =>
    world
      .told('subscribe')
      .filter(({ kind }) => kind === 1)
      .map(({ audienceId }) => audienceId);
  const answer = (audienceId: string, bytes = 10): void => {
    const snapshot = eventOf('', 'GUILD_CREATE', JSON.stringify('x'.repeat(bytes)));
    world.subscribed(sessionId, 0, { audienceId, snapshot });
  };
  return { world, connection, sessionId, asked, answer };
}

describe('a session of a user with many guilds', () => {
  it('asks for 16 at once, in the order of READY, and for the next with each answer', () => {
    const { asked, answer, world, connection } = entering();
    expect(asked()).toEqual(many.slice(0, 16));
    answer(many[3]!);
    answer(many[0]!);
    expect(asked()).toEqual(many.slice(0, 18));
    for (const guildId of many) answer(guildId);
    expect(world.names(connection).slice(1)).toEqual(many.map(() => 'GUILD_CREATE'));
  });

  it('lets the socket drain after each quarter of a megabyte of GUILD_CREATEs', () => {
    const { world, connection, asked, answer } = entering();
    answer(many[0]!, 200_000);
    answer(many[1]!, 200_000);
    answer(many[2]!, 200_000);
    expect(world.connection(connection).frames.map(({ wantsDrain }) => wantsDrain)).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(asked()).toHaveLength(17);
    world.drained(connection);
    expect(asked()).toHaveLength(19);
  });

  it('goes on when it has resumed, and not while nobody is there', () => {
    const { world, connection, sessionId, asked, answer } = entering();
    answer(many[0]!, 300_000);
    world.drop(connection);
    answer(many[1]!);
    expect(asked()).toHaveLength(16);
    const again = world.resume(sessionId, 1);
    world.drained(again);
    expect(world.names(again)).toEqual(['GUILD_CREATE', 'GUILD_CREATE', 'RESUMED']);
    expect(asked()).toHaveLength(18);
  });

  it('goes on past guilds that can not be had, that are no more, and that nobody owns', () => {
    const { world, sessionId, asked } = entering();
    const refuse = (audienceId: string, unavailable: boolean): void => {
      const value = { kind: 1, audienceId, sessionId, unavailable, delayMs: 0, view: 0 };
      world.say({ $case: 'subscribeRefused', value }, guilds);
    };
    refuse(many[0]!, true);
    refuse(many[1]!, false);
    expect(asked()).toHaveLength(18);
    const nowhere = Object.fromEntries(many.map((id) => [`guild-node:${id}`, undefined]));
    const lost = new World({}, nowhere);
    lost.readiness = readinessOf('7', many);
    const connection = lost.identify();
    expect(lost.names(connection).filter((name) => name === 'GUILD_DELETE')).toHaveLength(many.length);
  });

  it('does not enter a guild that was left before its turn, and enters one that it joins at once', () => {
    const { world, asked, answer, connection } = entering();
    const last = many.at(-1)!;
    world.publish(1, { event: eventOf('a', 'GUILD_DELETE', `{"id":"${last}"}`) });
    world.publish(2, { event: eventOf('b', 'GUILD_CREATE', '{"id":"100"}') });
    expect(asked().at(-1)).toBe('100');
    for (const guildId of many) answer(guildId);
    expect(asked()).not.toContain(last);
    expect(world.names(connection).filter((name) => name === 'GUILD_DELETE')).toHaveLength(1);
  });

  it('leaves nothing behind when it ends on the way', () => {
    const { world, connection, answer } = entering();
    answer(many[0]!);
    world.drop(connection, true);
    expect(world.node.figures).toMatchObject({ sessions: 0, users: 0, audiences: 0, replayBytes: 0 });
  });
});
