import {
  type GuildCast,
  type GuildStep,
  createTokens,
  guildSteps,
  inOrder,
  lineOf,
  NaiveGuild,
  NaiveStream,
  type Numbered,
  type Talk,
  talk,
} from '@derailed/testing';
import * as fc from 'fast-check';
import { passwordOf, sqlOf, sqlOfGuild } from './guild-sql';
import { Publisher } from './publisher';
import { RawClient } from './raw-client';
import { type OnPostgres, startOnPostgres, startSeparate } from './wiring';

const types = [0, 0, 0, 0, 2, 13, 4, 5, 11, 12];
const numbered = (from: bigint, count: number): string[] =>
  Array.from({ length: count }, (_, at) => String(from + BigInt(at)));
const cast: GuildCast = {
  guildId: '230000000000000001',
  userIds: numbered(130000000000000001n, 50),
  roleIds: numbered(330000000000000001n, 12),
  channels: new Map(
    numbered(430000000000000001n, 40).map((id, at): [string, number] => [id, types[at % types.length] ?? 0]),
  ),
};
/** All but presences, which are another matter; and what bots mostly ask for. */
const intents = [53_608_447 & ~(1 << 8), 53_608_447 & ~(1 << 8), 1 | (1 << 9)];
/** Publishes that are not answered yet, at most. */
const window = 64;

const seed = Number(process.env['PRIVACY_SEED'] ?? Date.now() % 1_000_000_000);
function draw<T>(arbitrary: fc.Arbitrary<T>, count: number, from: number): T[] {
  const array = fc.array(arbitrary, { size: 'max', minLength: count, maxLength: count });
  return fc.sample(array, { numRuns: 1, seed: from })[0] ?? [];
}

/** A guild of fifty, each of them with a client on a real socket, and a monolith that changes it. */
class Scene {
  readonly guild = new NaiveGuild(cast);
  readonly stream = new NaiveStream(this.guild, Date.now());
  readonly clients = new Map<string, RawClient>();
  private readonly publisher: Publisher;
  private readonly inFlight = new Set<Promise<number>>();

  constructor(private readonly wiring: OnPostgres) {
    this.publisher = new Publisher(wiring.tunnel);
  }

  async prepare(): Promise<void> {
    for (const step of draw(guildSteps(cast, { members: 0, timeouts: 0 }), 150, seed))
      if (this.guild.allows(step)) this.guild.apply(step, Date.now());
    this.guild.tidy();
    await this.wiring.query(sqlOfGuild(this.guild));
    const users = cast.userIds.map((id) => ({ id, username: id, passwordHash: passwordOf(id), bot: false }));
    const tokens = await createTokens(this.wiring.auth, users);
    const connect = async (userId: string, at: number): Promise<void> => {
      const client = new RawClient(this.wiring.gateway);
      this.clients.set(userId, client);
      const wanted = intents[at % intents.length] ?? 1;
      await client.identify(tokens.get(userId) ?? '', wanted);
      await client.event('GUILD_CREATE');
      this.stream.enter({ id: userId, userId, intents: wanted });
    };
    await Promise.all(cast.userIds.map(connect));
  }

  async perform(step: GuildStep | Talk): Promise<void> {
    if (step.do === 'talk') {
      await this.publish(this.stream.say(step));
      return;
    }
    if (!this.guild.allows(step)) return;
    const joins = step.do === 'member' && this.guild.member(step.id) === undefined;
    await this.wiring.query(sqlOf(this.guild, step));
    await this.publish(this.stream.change(step));
    if (joins) await this.rejoin(step.id);
  }

  /** When everything published has been acked and has come. */
  async settle(): Promise<void> {
    await Promise.all(this.inFlight);
    await this.publisher.publish({ userIds: [...cast.userIds] }, 'THE_END', {});
    await Promise.all([...this.clients.values()].map((client) => client.event('THE_END')));
  }

  /** What the client got of the guild. */
  linesOf(userId: string): string[] {
    const received = this.clients.get(userId)?.received ?? [];
    const ofGuild = received.filter(({ t }) => t !== null && t !== 'READY' && t !== 'THE_END');
    return inOrder(ofGuild.map(({ t, d }) => lineOf(String(t), d)));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.clients.values()].map((client) => client.leave()));
    this.publisher.close();
    await this.wiring.stop();
  }

  /** Does not wait for the ack, unless that of many is missing: one connection keeps the order of its calls. */
  private async publish({ name, data, channelId, permissions }: Numbered): Promise<void> {
    const { guildId } = cast;
    const named = name === 'MESSAGE_CREATE' ? '' : channelId;
    const target = { guildId, channelId: named, ...(permissions !== '' && { permissions }) };
    const published = this.publisher.publish(target, name, data);
    this.inFlight.add(published);
    published.then(
      () => this.inFlight.delete(published),
      () => undefined,
    );
    if (this.inFlight.size >= window) await Promise.race(this.inFlight);
  }

  /** The subscription begins between two events; which they are is sure when nothing is published meanwhile. */
  private async rejoin(userId: string): Promise<void> {
    const client = this.clients.get(userId);
    const { size } = this.stream;
    const before = this.linesOf(userId).filter((line) => line.startsWith('guild ')).length;
    await client?.count(({ t }) => t === 'GUILD_CREATE', before + 1);
    const at = cast.userIds.indexOf(userId);
    this.stream.enter({ id: userId, userId, intents: intents[at % intents.length] ?? 1 });
    expect(this.stream.size).toBe(size + 1);
  }
}

describe.each([
  ['in one process', startOnPostgres],
  ['in eight processes', startSeparate],
])('fifty clients in a guild of forty channels, %s', (_, start) => {
  let scene: Scene;

  beforeAll(async () => {
    // What the database is ahead of the events would be told too early for the model.
    scene = new Scene(await start({ RECONCILE_AFTER: '1h', RECONCILE_EVERY: '0' }));
    await scene.prepare();
  }, 90_000);
  afterAll(() => scene.stop(), 30_000);

  it(`get just what a naive model says while roles, overwrites and members change (PRIVACY_SEED=${seed})`, async () => {
    const steps = fc.oneof(
      { weight: 1, arbitrary: guildSteps(cast, { members: 2, timeouts: 0 }) },
      { weight: 2, arbitrary: talk(cast) },
    );
    for (const step of draw(steps, 900, seed + 1)) await scene.perform(step);
    await scene.settle();
    let news = 0;
    for (const userId of cast.userIds) {
      const expected = scene.stream.of(userId);
      expect([userId, scene.linesOf(userId)]).toEqual([userId, expected]);
      const numbers = scene.clients.get(userId)?.received.flatMap(({ s }) => s ?? []) ?? [];
      expect(numbers).toEqual(numbers.map((_number, at) => at + 1));
      news += expected.filter((line) => /^[-+]/.test(line)).length;
    }
    // That channels came and went at all.
    expect(news).toBeGreaterThan(100);
  }, 120_000);
});
