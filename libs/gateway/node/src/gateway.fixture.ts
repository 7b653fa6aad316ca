import { once } from 'node:events';
import { AuthClient } from '@derailed/platform/auth-client';
import { CLUSTER } from '@derailed/platform/cluster';
import { InProcessNetwork, MESH, type Mesh, type MessageCase, type MessageOf } from '@derailed/platform/mesh';
import { METRICS } from '@derailed/platform/observability';
import { CLOCK, LOGGER, systemClock, systemRng, RNG } from '@derailed/platform/runtime';
import { unavailable } from '@derailed/shared/kernel';
import type { User } from '@derailed/shared/protocol';
import { type DynamicModule, type INestApplication, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Registry } from 'prom-client';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { GatewayNode, GatewayNodeModule, gatewaySettings, useGatewayAdapter } from './index';

export const user: User = {
  id: '1000000000000000001',
  username: 'bot',
  discriminator: '0000',
  avatar: null,
  email: null,
  flags: 0,
  bot: true,
  system: false,
};

export const sessionId = 'xyz.session';

@Module({})
class PlatformStub {
  static with(values: readonly (readonly [symbol | typeof AuthClient, unknown])[]): DynamicModule {
    const providers = values.map(([provide, useValue]) => ({ provide, useValue }));
    return { module: PlatformStub, global: true, providers, exports: values.map(([token]) => token) };
  }
}

/** Answers of the auth service by token; any other token is invalid. */
export type Tokens = Map<string, User | 'unavailable'>;

/** The real module on a free port, with a session-node that says what the test says. */
export class GatewayFixture {
  private readonly inbox: { kind: string; value: unknown }[] = [];
  private readonly waiting: (() => void)[] = [];

  private constructor(
    readonly app: INestApplication,
    readonly node: GatewayNode,
    readonly network: InProcessNetwork,
    /** The session-node's end. */
    readonly mesh: Mesh,
    readonly tokens: Tokens,
    readonly registry: Registry,
  ) {
    const listen = (kind: MessageCase): void => {
      mesh.onMessage(kind, (value) => {
        this.inbox.push({ kind, value });
        for (const wake of this.waiting.splice(0)) wake();
      });
    };
    for (const kind of [
      'identify',
      'resume',
      'setPresence',
      'requestMembers',
      'connectionEnded',
      'drained',
      'socketPressure',
    ] as const) {
      listen(kind);
    }
    mesh.onCall('identifyBudget', () => {
      if (this.budget === undefined) throw unavailable('no database');
      return { $case: 'identifyBudgetReply', value: this.budget };
    });
  }

  /** What the session-node answers to /gateway/bot; undefined: it can't say. */
  budget: MessageOf<'identifyBudgetReply'> | undefined;

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<GatewayFixture> {
    const config = z.object(gatewaySettings).parse({
      listen: '127.0.0.1:0',
      closeTimeout: '300ms',
      reconnectDelay: '50ms',
      ...settings,
    });
    const network = new InProcessNetwork({ clock: systemClock, rng: systemRng, graceMs: 50 });
    const tokens: Tokens = new Map([['good', user]]);
    const auth = {
      authenticate: async (token: string) => {
        const found = tokens.get(token) ?? 'invalid';
        return typeof found === 'string' ? { ok: false, reason: found } : { ok: true, user: found };
      },
    };
    const registry = new Registry();
    const logger = { error: () => undefined, warn: () => undefined, info: () => undefined };
    const platform = PlatformStub.with([
      [MESH, network.join('gateway:1')],
      [CLUSTER, { view: { ownerOf: () => 'session:1' }, holdsLease: () => true }],
      [AuthClient, auth],
      [CLOCK, systemClock],
      [RNG, systemRng],
      [METRICS, registry],
      [LOGGER, logger],
    ]);
    const module = await Test.createTestingModule({
      imports: [platform, GatewayNodeModule.forRoot(config)],
    }).compile();
    const app = module.createNestApplication({ logger: false });
    useGatewayAdapter(app);
    const session = network.join('session:1');
    await app.init();
    return new GatewayFixture(app, app.get(GatewayNode), network, session, tokens, registry);
  }

  get url(): string {
    return this.node.publicUrl;
  }

  get http(): string {
    return this.url.replace(/^ws/, 'http');
  }

  async connect(query = '?v=10&encoding=json', language = jsonText): Promise<TestClient> {
    const client = new TestClient(new WebSocket(`${this.url}/${query}`), language);
    await once(client.ws, 'open');
    return client;
  }

  /** A client with a bound session: HELLO was read, READY was not sent. */
  async identified(
    epoch = 1,
    query?: string,
    language?: Language,
    fields: object = {},
  ): Promise<{ client: TestClient; connection: number }> {
    const client = await this.connect(query, language);
    await client.next(10);
    client.send({ op: 2, d: { token: 'good', intents: 513, properties: {}, ...fields } });
    const { connection } = await this.heard('identify');
    this.say({ $case: 'bound', value: { connection, sessionId, epoch, seq: 0 } });
    return { client, connection };
  }

  say(message: Parameters<Mesh['send']>[2]): void {
    this.mesh.send('gateway:1', 'deliver', message);
  }

  /** The session of the connection goes to that node. */
  move(connection: number, { self: { id: node, incarnation } }: Pick<Mesh, 'self'>): void {
    this.say({
      $case: 'connectionMoving',
      value: { connection, sessionId, epoch: 1, node, incarnation },
    });
  }

  deliver(
    connections: readonly number[],
    seqs: readonly number[],
    name: string,
    data: string,
    wantsDrain = false,
  ): void {
    const event = { id: '', name, data: Buffer.from(data), own: Buffer.alloc(0), volatile: false };
    this.say({
      $case: 'deliver',
      value: { event, connections: [...connections], seqs: [...seqs], wantsDrain },
    });
  }

  /** The next message of that kind that the session-node got. */
  async heard<C extends MessageCase>(kind: C): Promise<MessageOf<C>> {
    for (;;) {
      const at = this.inbox.findIndex((message) => message.kind === kind);
      if (at >= 0) return this.inbox.splice(at, 1)[0]?.value as MessageOf<C>;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  async figure(name: string): Promise<string | undefined> {
    return (await this.registry.metrics()).split('\n').find((line) => line.startsWith(name));
  }

  stop(): Promise<void> {
    return this.app.close();
  }
}

interface Payload {
  readonly op: number;
  readonly d: unknown;
  readonly s: number | null;
  readonly t: string | null;
}

/** How a client reads and writes payloads. */
export interface Language {
  read(message: Buffer, isBinary: boolean): unknown;
  write(payload: unknown): string | Uint8Array;
}

export const jsonText: Language = {
  read: (message, isBinary) => {
    if (isBinary) throw new Error('a binary frame');
    return JSON.parse(message.toString());
  },
  write: (payload) => JSON.stringify(payload),
};

/** A client on a real socket, which remembers what it got. */
export class TestClient {
  private readonly inbox: Payload[] = [];
  private readonly waiting: (() => void)[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;

  constructor(
    readonly ws: WebSocket,
    private readonly language: Language,
  ) {
    ws.on('message', (data: Buffer, isBinary) => {
      this.inbox.push(language.read(data, isBinary) as Payload);
      for (const wake of this.waiting.splice(0)) wake();
    });
    ws.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  send(payload: unknown): void {
    this.ws.send(this.language.write(payload));
  }

  /** The next payload; of that opcode, when one is given. */
  async next(op?: number): Promise<Payload> {
    for (;;) {
      const at = this.inbox.findIndex((payload) => op === undefined || payload.op === op);
      if (at >= 0) return this.inbox.splice(at, 1)[0] as Payload;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }
}
