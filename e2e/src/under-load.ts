import { setTimeout } from 'node:timers/promises';
import { type AppProcess, type ClusterApp, type RunningEtcd, startEtcd } from '@derailed/testing';
import { PRIVILEGED_INTENTS, VALID_INTENTS } from '@derailed/shared/protocol';
import { demo } from './demo';
import { DiscordClient } from './discord-client';
import { Publisher } from './publisher';
import { type Wiring, startSeparate } from './wiring';

/** Events that a Stream publishes. */
export const perSecond = 200;
let streams = 0;

/** Publishes numbered events to a guild and to a user at a steady rate, each with an id, and never sends one again. */
export class Stream {
  private readonly answers: Promise<unknown>[] = [];
  private readonly timer: NodeJS.Timeout;
  private readonly name = `stream-${++streams}`;
  readonly errors: unknown[] = [];
  /** Numbers of those that failed. */
  readonly unanswered: number[] = [];

  constructor(
    publisher: Publisher,
    private readonly event = 'SOMETHING_OF_OURS',
  ) {
    this.timer = setInterval(() => {
      const n = this.answers.length + 1;
      this.answers.push(
        this.again(publisher, n).catch((error: unknown) => {
          this.errors.push(error);
          this.unanswered.push(n);
        }),
      );
    }, 1000 / perSecond);
  }

  /** Publishes the event of this number, with its id. */
  again(publisher: Publisher, n: number): Promise<number> {
    const target = n % 4 === 0 ? { userIds: [demo.insiderId] } : { guildId: demo.guild };
    return publisher.publish(target, this.event, { n }, `${this.name}-${n}`);
  }

  /** How many events have been published so far. */
  get length(): number {
    return this.answers.length;
  }

  /** Resolves when all that was published so far is answered. */
  async caughtUp(): Promise<void> {
    await Promise.all(this.answers);
  }

  /** Publishes nothing more. */
  end(): void {
    clearInterval(this.timer);
  }

  async stop(): Promise<void> {
    this.end();
    await this.caughtUp();
  }
}

async function mayIdentify(gateway: string, token: string): Promise<boolean> {
  const headers = { Authorization: `Bot ${token}` };
  const { status } = await fetch(`http://${gateway}/api/gateway/bot`, { headers });
  return status === 200;
}

/** A figure of a process as it serves it now. @param name with its first label, if it has several lines */
export async function gauge(app: AppProcess, name: string): Promise<number> {
  const text = await (await fetch(`http://${app.door('admin')}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(name));
  if (line === undefined) throw new Error(`there is no ${name}`);
  return Number(line.split(' ').at(-1));
}

/** A client of a user, and what it makes of a stream. */
export class Listener {
  /** What its start had to go through, because a key was still on its way. */
  private readonly atFirst: { readonly closes: number; readonly guildDeletes: number };

  private constructor(
    readonly client: DiscordClient,
    /** HOST:PORT of the admin door of its ws-gateway. */
    private readonly admin: string,
  ) {
    this.atFirst = { closes: client.closes.length, guildDeletes: client.named('GUILD_DELETE').length };
  }

  static async connect(
    { gateway, admin, token }: Wiring,
    user: string,
    intents = VALID_INTENTS & ~PRIVILEGED_INTENTS,
  ): Promise<Listener> {
    // A key that has just lost its owner is nobody's for a while: clients ask again after a 503.
    while (!(await mayIdentify(gateway, token(user)))) await setTimeout(100);
    const client = await DiscordClient.connect(gateway, token(user), intents);
    // A guild that is still on its way to another owner is unavailable at first.
    const guilds = (await client.first('READY')).d['guilds'] as unknown[];
    await client.until(() => client.named('GUILD_CREATE').length === guilds.length);
    return new Listener(client, admin);
  }

  /** Numbers of the events that came, of one session after the other. */
  numbers(ofUser: boolean): number[] {
    return this.client
      .named('SOMETHING_OF_OURS')
      .map(({ d }) => Number(d['n']))
      .filter((n) => (n % 4 === 0) === ofUser);
  }

  /** Why its ws-gateway has closed connections so far: clients see codes alone, and most of them are 4000. */
  private async reasons(): Promise<string[]> {
    const text = await (await fetch(`http://${this.admin}/metrics`)).text();
    return text.split('\n').filter((line) => /^derailed_gateway_(closes|gaps).* [1-9]/.test(line));
  }

  /**
   * Ends the stream. No error; every event once and in order, of the guild and of the user each; no close, no resume, no
   * second GUILD_CREATE.
   */
  async expectUnbroken(stream: Stream): Promise<void> {
    const { client } = this;
    await stream.stop();
    expect(stream.errors).toEqual([]);
    const all = Array.from({ length: stream.length }, (_, at) => at + 1);
    await client.until(() => client.named('SOMETHING_OF_OURS').length >= all.length);
    for (const mine of [true, false])
      expect(this.numbers(mine)).toEqual(all.filter((n) => (n % 4 === 0) === mine));
    expect(client.received.map(({ s }) => s)).toEqual(client.received.map((_, at) => at + 1));
    const closes = client.closes.slice(this.atFirst.closes);
    const why = closes.length > 0 ? await this.reasons() : [];
    expect({ closes, resumes: client.resumes, why }).toEqual({ closes: [], resumes: 0, why: [] });
    const guilds = client.named('GUILD_CREATE').map(({ d }) => d['id']);
    expect(guilds).toEqual([...new Set(guilds)]);
    expect(client.named('GUILD_DELETE').slice(this.atFirst.guildDeletes)).toEqual([]);
  }
}

/** What a test of a cluster under load has at hand. */
export interface Load {
  etcd: RunningEtcd;
  wiring: Awaited<ReturnType<typeof startSeparate>>;
  publisher: Publisher;
  /** A client that gets the stream already. */
  listener: Listener;
  stream: Stream;
}

/** A cluster of these apps on etcd for the tests of a suite, and a stream and its listener for each of them. */
export function underLoad(
  layout: readonly ClusterApp[],
  times: Readonly<Record<string, string>> = { LEASE_TTL: '3s', LINK_GRACE: '3s' },
): Load {
  const load = {} as Load;

  beforeAll(async () => {
    load.etcd = await startEtcd();
    load.wiring = await startSeparate(times, load.etcd, { layout });
    load.publisher = new Publisher(load.wiring.tunnel);
  }, 60_000);

  afterAll(async () => {
    load.publisher.close();
    await load.wiring.stop();
    await load.etcd.stop();
  }, 30_000);

  beforeEach(async () => {
    load.listener = await Listener.connect(load.wiring, demo.insider);
    load.stream = new Stream(load.publisher);
    const { client } = load.listener;
    await client.until(() => client.named('SOMETHING_OF_OURS').length >= 100);
  });

  afterEach(async () => {
    await load.stream.stop();
    await load.listener.client.close();
  });

  return load;
}
