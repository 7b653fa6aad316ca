import { CLUSTER, type Role, StaticCluster } from '@derailed/platform/cluster';
import { loadConfig } from '@derailed/platform/config';
import { InProcessNetwork, MESH, type MessageOf } from '@derailed/platform/mesh';
import { METRICS } from '@derailed/platform/observability';
import { CLOCK, LOGGER, RNG, systemClock, systemRng } from '@derailed/platform/runtime';
import { legacyGrpc, tunnelV1 } from '@derailed/shared/contract';
import { seededRng } from '@derailed/shared/kernel';
import { ChannelCredentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { type DynamicModule, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { TunnelNodeModule, type TunnelServer, tunnelMicroserviceOptions, tunnelSettings } from './index';

export type Publish = MessageOf<'publish'>;

/** Nodes that own guilds and users, scripted: what they are asked, and how they answer. */
export class Owners {
  readonly published: { readonly node: string; readonly value: Publish }[] = [];
  readonly disconnected: MessageOf<'disconnectUser'>[] = [];
  /** How many sessions an owner says to have reached; may throw a CallError or take its time. */
  answer: (value: Publish, node: string) => number | Promise<number> = () => 1;

  get names(): string[] {
    return this.published.map(({ value }) => value.event?.name ?? '');
  }

  get ids(): string[] {
    return this.published.map(({ value }) => value.event?.id ?? '');
  }

  join(network: InProcessNetwork, node: string): void {
    const mesh = network.join(node);
    mesh.onCall('publish', async (value) => {
      this.published.push({ node, value });
      return { $case: 'published', value: { sessions: await this.answer(value, node) } };
    });
    mesh.onCall('guildInfo', () => ({ $case: 'guildInfoReply', value: { presences: 3, available: true } }));
    mesh.onCall('userPresence', () => ({
      $case: 'userPresenceReply',
      value: { status: 'idle', activities: '[]', sessions: 2 },
    }));
    mesh.onCall('disconnectUser', (value) => {
      this.disconnected.push(value);
      return { $case: 'disconnectUserReply', value: { sessions: 2 } };
    });
  }
}

@Module({})
class Platform {
  static of(values: ReadonlyMap<symbol, unknown>): DynamicModule {
    const providers = [...values].map(([provide, useValue]) => ({ provide, useValue }));
    return { module: Platform, global: true, providers, exports: [...values.keys()] };
  }
}

/** A tunnel on a free port with two owners, `a` and `b`. */
export class TunnelUnderTest {
  readonly owners = new Owners();
  readonly metrics = new Registry();
  readonly warnings: string[] = [];
  readonly network = new InProcessNetwork({ clock: systemClock, rng: seededRng(1) });
  readonly clients: { close(): void }[] = [];

  private constructor(
    readonly server: TunnelServer,
    readonly cluster: StaticCluster,
  ) {}

  private app: INestApplication | undefined;

  static async start(
    environment: Record<string, string> = {},
    { roles = ['guild-node', 'session-node'] }: { roles?: Role[] } = {},
  ): Promise<TunnelUnderTest> {
    const config = loadConfig(
      { tunnel: tunnelSettings },
      { TUNNEL_LISTEN: '127.0.0.1:0', ...environment },
    ).tunnel;
    const options = tunnelMicroserviceOptions(config);
    const cluster = new StaticCluster([
      { id: 'tunnel', roles: ['tunnel'] },
      { id: 'a', roles },
      { id: 'b', roles },
    ]);
    const tunnel = new TunnelUnderTest(options.strategy, cluster);
    tunnel.owners.join(tunnel.network, 'a');
    tunnel.owners.join(tunnel.network, 'b');
    const logger = pino({ level: 'warn' }, { write: (line: string) => void tunnel.warnings.push(line) });
    const platform = new Map<symbol, unknown>([
      [MESH, tunnel.network.join('tunnel')],
      [CLUSTER, cluster],
      [CLOCK, systemClock],
      [RNG, systemRng],
      [LOGGER, logger],
      [METRICS, tunnel.metrics],
    ]);
    const root = {
      module: class Root {},
      imports: [Platform.of(platform), TunnelNodeModule.forRoot(config)],
    };
    tunnel.app = await NestFactory.create(root, { logger: false });
    tunnel.app.connectMicroservice(options);
    await tunnel.app.init();
    await tunnel.app.startAllMicroservices();
    return tunnel;
  }

  get target(): string {
    return `127.0.0.1:${this.server.address.port}`;
  }

  tunnel(credentials = ChannelCredentials.createInsecure(), target = this.target): tunnelV1.TunnelClient {
    return this.keep(new tunnelV1.TunnelClient(target, credentials));
  }

  guilds(): legacyGrpc.GuildClient {
    return this.keep(new legacyGrpc.GuildClient(this.target, ChannelCredentials.createInsecure()));
  }

  users(): legacyGrpc.UserClient {
    return this.keep(new legacyGrpc.UserClient(this.target, ChannelCredentials.createInsecure()));
  }

  keep<C extends { close(): void }>(client: C): C {
    this.clients.push(client);
    return client;
  }

  /** An id of the role that the node owns. */
  ownedBy(node: string, role: Role, from = 1): string {
    for (let id = from; ; id++) if (this.cluster.view.ownerOf(role, String(id)) === node) return String(id);
  }

  async metric(name: string): Promise<unknown> {
    return (await this.metrics.getSingleMetric(name)?.get())?.values;
  }

  /** Stops listening; calls get their answers first. */
  async close(): Promise<void> {
    const { app } = this;
    this.app = undefined;
    await app?.close();
  }

  async dispose(): Promise<void> {
    for (const client of this.clients) client.close();
    await this.close();
  }
}

export function event(
  parts: Partial<tunnelV1.Event> & { guildId?: string; permissions?: string; userIds?: string[] } = {},
): tunnelV1.Event {
  const { guildId = '10', permissions, userIds, ...rest } = parts;
  const kind: NonNullable<tunnelV1.Target['kind']> = userIds
    ? { $case: 'users', value: { userIds } }
    : { $case: 'guild', value: { guildId, channelId: '', permissions } };
  return { id: '', name: 'PLATFORM_NEWS', data: '{}', volatile: false, target: { kind }, ...rest };
}

/** The answer of a unary call, or its error. */
export function ask<A>(call: (done: (error: ServiceError | null, answer: A) => void) => unknown): Promise<A> {
  return new Promise((resolve, reject) => {
    call((error, answer) => {
      if (error) reject(error);
      else resolve(answer);
    });
  });
}

/** A unary publish. */
export function publishWith(
  client: tunnelV1.TunnelClient,
  sent: tunnelV1.Event | undefined,
  metadata = new Metadata(),
): Promise<tunnelV1.PublishResponse> {
  return ask((done) => client.publish({ event: sent }, metadata, done));
}

export function bearer(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}
