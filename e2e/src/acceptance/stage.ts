import { createTokens } from '@derailed/testing';
import { type Environment, type OnPostgres, startOnPostgres, startSeparate } from '../wiring';
import type { Language } from '../languages';
import { Publisher } from '../publisher';
import { RawClient } from '../raw-client';
import { type Player, cast, castSql, hall, passwordOf } from './cast';
import type { Manner } from './manners';

/** Short where a test has to wait for the end of something, long where it must not come too soon. */
export const times = {
  heartbeatMs: 10_000,
  identifyTimeoutMs: 5000,
  resumeWindowMs: 12_000,
  identifyIntervalMs: 2000,
  presenceGraceMs: 1500,
} as const;
export const sizes = {
  replayEvents: 256,
  identifiesPerDay: 12,
  identifyConcurrency: 16,
  sessions: 20,
  largeGuild: 2000,
} as const;

const environment: Environment = {
  HEARTBEAT_INTERVAL: `${times.heartbeatMs}ms`,
  IDENTIFY_TIMEOUT: `${times.identifyTimeoutMs}ms`,
  RESUME_WINDOW: `${times.resumeWindowMs}ms`,
  IDENTIFY_INTERVAL: `${times.identifyIntervalMs}ms`,
  IDENTIFY_CONCURRENCY: String(sizes.identifyConcurrency),
  IDENTIFIES_PER_DAY: String(sizes.identifiesPerDay),
  SESSIONS_PER_USER: String(sizes.sessions),
  PRESENCE_GRACE: `${times.presenceGraceMs}ms`,
  PRESENCE_COALESCE: '100ms',
  LARGE_GUILD: String(sizes.largeGuild),
  REPLAY_EVENTS: String(sizes.replayEvents),
  RECONNECT_DELAY: '500ms',
  CLOSE_TIMEOUT: '500ms',
};

/** All intents: user accounts may use them all. */
export const everything = 53_608_447;

/** A running gateway with the cast, and what the tests of it share. */
export class Stage {
  readonly publisher: Publisher;
  /** Every close code that the gateway was seen to send. */
  readonly codes = new Set<number>();
  private clients: RawClient[] = [];
  private rollCalls = 0;

  constructor(
    private readonly wiring: OnPostgres,
    private readonly tokens: ReadonlyMap<string, string>,
  ) {
    this.publisher = new Publisher(wiring.tunnel);
  }

  get gateway(): string {
    return this.wiring.gateway;
  }

  token(player: Player): string {
    return this.tokens.get(player) ?? '';
  }

  /** Of the process that clients are connected to; 0 when it does not say. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`http://${this.wiring.admin}/metrics`)).text();
    return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  }

  query(sql: string): Promise<void> {
    return this.wiring.query(sql);
  }

  get apps(): readonly string[] {
    return this.wiring.apps;
  }

  get sessionsOutliveGateway(): boolean {
    return this.wiring.sessionsOutliveGateway;
  }

  /** A client that has connected and nothing more. */
  connect(
    query?: string,
    options?: ConstructorParameters<typeof RawClient>[2],
    slash?: string,
    language?: Language,
  ): RawClient {
    const client = new RawClient(this.gateway, query, options, slash, language);
    client.closed.then(
      (code) => this.codes.add(code),
      () => undefined,
    );
    this.clients.push(client);
    return client;
  }

  /** A client that speaks in that manner. */
  speak({ query, language }: Manner): RawClient {
    return this.connect(query, undefined, undefined, language());
  }

  /** A client with a session, and all the GUILD_CREATE that its intents bring. */
  async enter(player: Player, identify: Record<string, unknown> = {}, manner?: Manner): Promise<RawClient> {
    const client = manner ? this.speak(manner) : this.connect();
    await client.op(10);
    const intents = cast[player].bot ? 1 : everything;
    const payload = { op: 2, d: { token: this.token(player), intents, properties: {}, ...identify } };
    // A bot waits its turn, as clients do: after op 9 it identifies again on the same socket.
    let answers = 0;
    do {
      client.send(payload);
      await client.count(({ op, t }) => t === 'READY' || op === 9, ++answers);
    } while (client.session === '');
    const { d } = await client.event('READY');
    if ((Number(payload.d.intents) & 1) !== 0) await client.guilds((d['guilds'] as unknown[]).length);
    return client;
  }

  /** Resolves once all of them are subscribed to the hall. Without the intent GUILDS no GUILD_CREATE says so. */
  async inHall(...clients: readonly RawClient[]): Promise<void> {
    const name = `ARE_YOU_THERE_${++this.rollCalls}`;
    let here = false;
    const come = Promise.all(clients.map((client) => client.event(name))).then(() => (here = true));
    while (!here) await this.publisher.publish({ guildId: hall.id }, name, {});
    await come;
  }

  /** Resolves once all of them, who are in the hall, have had everything that was published to it before. */
  async settled(...clients: readonly RawClient[]): Promise<void> {
    const name = `THAT_WAS_ALL_${++this.rollCalls}`;
    await this.publisher.publish({ guildId: hall.id }, name, {});
    await Promise.all(clients.map((client) => client.event(name)));
  }

  /** Resumes a session with a client of its own. */
  async resume(player: Player, sessionId: string, seq: number, manner?: Manner): Promise<RawClient> {
    const client = manner ? this.speak(manner) : this.connect();
    await client.resume(this.token(player), sessionId, seq);
    return client;
  }

  /** Says goodbye to all clients of the test, so that no session of theirs is left. */
  async clear(): Promise<void> {
    await Promise.all(this.clients.splice(0).map((client) => client.leave()));
  }

  /** Clients that the next clear leaves alone; for what takes longer than a test. */
  keep(client: RawClient): RawClient {
    this.clients = this.clients.filter((other) => other !== client);
    return client;
  }

  async stopGateway(): Promise<void> {
    await this.wiring.stopGateway();
  }

  /** Starts it again. @returns HOST:PORT of its WebSocket door */
  restartGateway(): Promise<string> {
    return this.wiring.restartGateway();
  }

  async stop(): Promise<void> {
    this.publisher.close();
    await this.wiring.stop();
  }
}

async function prepare(wiring: OnPostgres): Promise<Stage> {
  await wiring.query(castSql());
  const players = (Object.keys(cast) as Player[]).map((name) => ({
    id: cast[name].id,
    username: name,
    passwordHash: passwordOf(name),
    bot: cast[name].bot,
  }));
  return new Stage(wiring, await createTokens(wiring.auth, players));
}

/** @param node that runs the process which clients are connected to; absent: the one of the test */
type StartStage = (env?: Environment, node?: string) => Promise<Stage>;

/** Both wirings on a real PostgreSQL: all roles in one process, and each in processes of its own. */
export const stages: readonly (readonly [string, StartStage])[] = [
  ['in one process', async (env, node) => prepare(await startOnPostgres({ ...environment, ...env }, node))],
  [
    'in eight processes',
    async (env, node) =>
      prepare(
        await startSeparate({ ...environment, ...env }, undefined, { ...(node !== undefined && { node }) }),
      ),
  ],
];
