import { World, gateway, readinessOf } from './world.fixture';

const bot = { bot: true };
const shard = (shardId: number, shardCount = 4) => ({ bot: true, sharded: true, shardId, shardCount });
const limits = (fields: Partial<World['limits']['identifies']> = {}) => ({
  identifies: { interval: 5_000, concurrency: 1, perDay: 1000, sessions: 100, ...fields },
});

/** Milliseconds until op 9, undefined when the session was let in. */
function refusal(world: World, connection: number): number | undefined {
  const { refused, sessionId } = world.connection(connection);
  expect(sessionId === '').toBe(refused !== undefined);
  if (refused !== undefined) expect(refused).toMatchObject({ closeCode: 0, resumable: false });
  return refused?.delayMs;
}

describe('an identify of a bot', () => {
  it('that comes before its turn is told so when the turn is there, and is let in then', () => {
    const world = new World(limits());
    expect(refusal(world, world.identify(bot))).toBeUndefined();
    world.wait(1_499.5);
    // Whole milliseconds: the wire takes no others.
    expect(refusal(world, world.identify(bot))).toBe(3_501);
    world.wait(3_501);
    expect(refusal(world, world.identify(bot))).toBeUndefined();
    expect(world.node.counts).toMatchObject({ identifiesRefused: 1 });
    expect(world.node.figures.sessions).toBe(2);
  });

  it('takes the turn of its key, shard id modulo max_concurrency', () => {
    const world = new World(limits({ concurrency: 2 }));
    const answers = [0, 1, 2, 3].map((shardId) => refusal(world, world.identify(shard(shardId))));
    expect(answers).toEqual([undefined, undefined, 5_000, 5_000]);
  });

  it('over the limit of a day is refused until a day after the first', () => {
    const world = new World(limits({ interval: 0, perDay: 2 }));
    const open = (): number | undefined => {
      const connection = world.identify(bot);
      const answer = refusal(world, connection);
      if (answer === undefined) world.drop(connection, true);
      return answer;
    };
    expect([open(), open(), open()]).toEqual([undefined, undefined, 5_000]);
    world.wait(86_399_999);
    expect(open()).toBe(5_000);
    world.wait(1);
    expect(open()).toBeUndefined();
  });

  it('leaves nothing behind when it is refused', () => {
    const world = new World(limits());
    world.drop(world.identify(bot), true);
    world.identify(bot);
    expect(world.node.figures).toMatchObject({ sessions: 0, users: 0, audiences: 0 });
    expect(world.databaseReads).toBe(1);
  });
});

describe('a person', () => {
  it('opens clients at once, up to the sessions of one user, detached ones included', () => {
    const world = new World(limits({ sessions: 3 }));
    const person = { bot: false };
    const first = world.identify(person);
    world.drop(world.identify(person));
    expect(refusal(world, world.identify(person))).toBeUndefined();
    expect(refusal(world, world.identify(person))).toBe(5_000);
    world.drop(first, true);
    expect(refusal(world, world.identify(person))).toBeUndefined();
  });
});

describe('a user that another node owns now', () => {
  const next = { id: 'session-2', incarnation: 'a' };
  /** A node that has counted two Identifies of a bot, a second apart, and then loses the user. */
  function counted() {
    const owners: Record<string, string> = {};
    const world = new World(limits({ interval: 60_000, concurrency: 2, perDay: 3 }), owners);
    for (const shardId of [0, 1]) {
      refusal(world, world.identify(shard(shardId)));
      world.wait(1000);
    }
    const goes = () => {
      owners['session-node:7'] = next.id;
      world.run(world.node.userOwnersChanged(world.now));
    };
    const counts = () => world.told('identifyCounts').flatMap((value) => value.counts);
    return { world, owners, goes, counts };
  }

  it('is said what was counted, before the yield that comes behind it', () => {
    const { world, owners } = counted();
    owners['session-node:7'] = next.id;
    const turns = [
      { key: 0, waitMs: 58_000 },
      { key: 1, waitMs: 59_000 },
    ];
    const value = { generation: 1, counts: [{ userId: '7', used: 2, dayMs: 86_398_000, turns }] };
    const message = { $case: 'identifyCounts', value };
    const said = { kind: 'send', to: next.id, flow: 'sync:session-node', message };
    expect(world.node.userOwnersChanged(world.now)).toContainEqual(said);
  });

  it('goes on there with turns, day and number, however often that is said', () => {
    const { goes, counts } = counted();
    goes();
    const world = new World(limits({ interval: 60_000, concurrency: 2, perDay: 3 }));
    const [count] = counts();
    const value = { generation: 1, counts: [count!] };
    for (let times = 0; times < 2; times++)
      world.say({ $case: 'identifyCounts', value }, { id: 'session-1', incarnation: 'b' });
    expect(refusal(world, world.identify(shard(0)))).toBe(58_000);
    world.wait(58_000);
    expect(refusal(world, world.identify(shard(0)))).toBeUndefined();
    world.wait(60_000);
    expect(refusal(world, world.identify(shard(0)))).toBe(5_000);
    world.wait(86_398_000 - 118_000);
    expect(refusal(world, world.identify(shard(0)))).toBeUndefined();
  });

  it('adds what the next owner has counted before it heard', () => {
    const { goes, counts } = counted();
    goes();
    const world = new World(limits({ interval: 0, perDay: 10 }));
    world.identify(bot);
    world.wait(5000);
    const value = { generation: 1, counts: [counts()[0]!] };
    world.say({ $case: 'identifyCounts', value }, { id: 'session-1', incarnation: 'b' });
    world.run(world.node.identifyBudget(1, '7', 0, world.now));
    expect(world.answers.get(1)).toMatchObject({ remaining: 7, resetAfterMs: 86_395_000 });
  });

  it('comes back with what was counted elsewhere', () => {
    const { world, owners, goes } = counted();
    goes();
    delete owners['session-node:7'];
    world.run(world.node.userOwnersChanged(world.now));
    const value = { generation: 1, counts: [{ userId: '7', used: 3, dayMs: 1000, turns: [] }] };
    world.say({ $case: 'identifyCounts', value }, next);
    world.run(world.node.identifyBudget(1, '7', 0, world.now));
    expect(world.answers.get(1)).toMatchObject({ remaining: 0, resetAfterMs: 1000 });
  });

  it('is said again to an owner that is met again, and to nobody else', () => {
    const { world, goes, counts } = counted();
    goes();
    world.sent.length = 0;
    world.run(world.node.peerUp({ id: 'session-3', incarnation: 'a' }, world.now));
    expect(counts()).toEqual([]);
    world.run(world.node.peerUp(next, world.now));
    expect(counts()).toMatchObject([{ used: 2 }]);
  });

  it('is nothing to a node that does not own it', () => {
    const world = new World(limits(), { 'session-node:7': next.id });
    const counts = [{ userId: '7', used: 3, dayMs: 1000, turns: [] }];
    world.say({ $case: 'identifyCounts', value: { generation: 1, counts } }, next);
    world.run(world.node.identifyBudget(1, '7', 0, world.now));
    expect(world.answers.get(1)).toMatchObject({ remaining: 1000 });
  });
});

describe('what is no identify', () => {
  it('is not counted: a resume, and a session whose User started anew', () => {
    const world = new World(limits({ perDay: 1 }));
    const { sessionId } = world.ready(bot);
    expect(world.connection(world.resume(sessionId, 1)).refused).toBeUndefined();
    const far = { id: 'session-2', incarnation: 'a' };
    const value = { ...world.told('subscribe')[0]!, sessionId: 'far', identifying: undefined };
    world.say({ $case: 'subscribe', value }, far);
    world.run(world.node.identifyBudget(1, '7', 0, world.now));
    expect(world.answers.get(1)).toMatchObject({ total: 1, remaining: 0 });
    world.run(world.node.userPresence(2, '7', world.now));
    expect(world.answers.get(2)).toMatchObject({ sessions: 2 });
  });

  it('is not counted twice: a Subscribe that comes again', () => {
    const world = new World(limits());
    world.readiness = readinessOf('7', []);
    world.identify(bot);
    const first = world.told('subscribe')[0]!;
    expect(first.identifying).toEqual({ bot: true, shardId: 0 });
    world.say({ $case: 'subscribe', value: first }, { id: 'session-1', incarnation: 'a' });
    expect(world.told('subscribeRefused')).toEqual([]);
  });
});

describe('the budget for /gateway/bot', () => {
  it('says what remains, until when, and how many shards the guilds ask for', () => {
    const world = new World(limits({ concurrency: 16, perDay: 10 }));
    const ask = (guilds: number): unknown => {
      world.run(world.node.identifyBudget(1, '7', guilds, world.now));
      return world.answers.get(1);
    };
    expect(ask(0)).toEqual({ total: 10, remaining: 10, resetAfterMs: 0, maxConcurrency: 16, shards: 1 });
    world.identify(bot);
    world.wait(60_000);
    expect(ask(2_500)).toEqual({
      total: 10,
      remaining: 9,
      resetAfterMs: 86_340_000,
      maxConcurrency: 16,
      shards: 3,
    });
  });
});

describe('an identify whose User does not answer', () => {
  it('is closed with 4000 when its time is over, and the connection was never told that it is bound', () => {
    const world = new World(limits(), { 'session-node:7': 'session-2' });
    const connection = world.identify(bot);
    world.wait(10_000);
    expect(world.connection(connection)).toMatchObject({ sessionId: '', refused: { closeCode: 4000 } });
    expect(world.node.figures.sessions).toBe(0);
  });

  it('ends with its ws-gateway', () => {
    const world = new World(limits(), { 'session-node:7': 'session-2' });
    world.identify(bot);
    world.run(world.node.peerGone(gateway, world.now));
    expect(world.node.figures.sessions).toBe(0);
  });
});
