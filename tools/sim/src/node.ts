import { ClientSide, gatewaySettings } from '@derailed/gateway/node';
import { GuildNodeModule, guildSettings } from '@derailed/guild/node';
import type { Authentication } from '@derailed/platform/auth-client';
import { CLUSTER, type Cluster, type Role } from '@derailed/platform/cluster';
import { MESH, type NodeMesh, createMesh, meshSettings } from '@derailed/platform/mesh';
import { METRICS, READINESS, Readiness, type Logger } from '@derailed/platform/observability';
import { GuildRepository, MemberRepository, UserRepository } from '@derailed/platform/persistence';
import {
  CLOCK,
  DRAIN,
  Drain,
  LOGGER,
  RNG,
  answerGreetings,
  drainNode,
  fence,
  greet,
} from '@derailed/platform/runtime';
import { PresenceNodeModule, presenceSettings } from '@derailed/presence/node';
import { SessionNodeModule, sessionSettings } from '@derailed/session/node';
import { type Rng, seededRng } from '@derailed/shared/kernel';
import { type VirtualLoop, type VirtualNetwork, VirtualProcess, virtualTransport } from '@derailed/testing';
import { PublishStreams, TunnelNodeModule, tunnelSettings } from '@derailed/tunnel/node';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { checkBounds } from './bounds';
import { serveClients } from './client-socket';
import { Database, type DatabaseWeather } from './database';
import type { History } from './history';
import { Injector } from './injector';
import { servePublishers } from './monolith';
import type { Platform } from './platform';
import { type MeshTap, TappedMesh } from './tapped-mesh';

/** What all nodes of a world share. */
export interface NodeWorld {
  readonly loop: VirtualLoop;
  readonly network: VirtualNetwork;
  readonly platform: Platform;
  readonly database: DatabaseWeather;
  readonly auth: { away: boolean };
  readonly history: History;
  readonly tap: MeshTap;
  /** Whether queues are as short as they can be, so that they are full now and then. */
  readonly tight: boolean;
  /** How many nodes there are. */
  readonly size: number;
  trace(what: () => string): void;
  /** The node's process is no more. */
  died(id: string): void;
  started(id: string): void;
  /** LEASE_TTL and DRAIN_TIMEOUT (ms). */
  readonly leaseTtl: number;
  readonly drainTimeout: number;
  /** The member list, as this start of the node will see it. */
  cluster(node: SimNode, process: VirtualProcess, mesh: NodeMesh, rng: Rng, logger: Logger): Cluster;
}

const configs = {
  gateway: z.object(gatewaySettings).parse({ heartbeatInterval: '5s', reconnectDelay: '500ms' }),
  guild: z.object(guildSettings).parse({}),
  mesh: z.object(meshSettings).parse({ window: '64K' }),
  presence: z.object(presenceSettings).parse({}),
  session: z.object(sessionSettings).parse({}),
  tunnel: z.object(tunnelSettings).parse({}),
};

const wide = { queue: 4 * 1024 * 1024, streamInFlight: configs.tunnel.streamInFlight };
const tight = { queue: 64 * 1024, streamInFlight: 16 };

/** When a world begins, in milliseconds since the Unix epoch. */
export const epoch = 1_700_000_000_000;

interface Running {
  readonly process: VirtualProcess;
  readonly mesh: NodeMesh;
  readonly cluster: Cluster;
  readonly drain: Drain;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly injector: Injector;
  readonly side: ClientSide | undefined;
}

/** A node of the cluster: the modules of its roles in a virtual process, one start after the other. */
export class SimNode {
  private running: Running | undefined;

  constructor(
    readonly id: string,
    readonly roles: readonly Role[],
    private readonly rng: Rng,
    private readonly world: NodeWorld,
  ) {}

  get process(): VirtualProcess | undefined {
    return this.running?.process;
  }

  get cluster(): Cluster | undefined {
    return this.running?.cluster;
  }

  get incarnation(): string {
    return this.running?.mesh.self.incarnation ?? '';
  }

  get isUp(): boolean {
    return this.running !== undefined;
  }

  start(): void {
    const { world, id } = this;
    const rng = seededRng(Math.floor(this.rng.next() * 2 ** 32));
    const process = new VirtualProcess(world.loop, id, epoch, Math.floor(rng.next() * 1_000_000));
    const logger = this.logger();
    const metrics = new Registry();
    const mesh = createMesh({
      config: { ...configs.mesh, advertise: id, queue: this.room.queue },
      others: true,
      clock: process.clock,
      rng,
      scheduler: process.scheduler,
      transport: virtualTransport(world.network, process),
      logger,
      metrics,
    });
    const cluster = world.cluster(this, process, mesh, rng, logger);
    const readiness = new Readiness();
    const drain = new Drain();
    answerGreetings(mesh, drain);
    fence({ mesh, cluster, clock: process.clock, ttlMs: world.leaseTtl, logger, readiness });
    // As an app does: others own its keys by now.
    cluster.onLost((why) => {
      world.trace(() => `${id}: ${why}`);
      this.kill(false);
      world.loop.after(100 + 1000 * rng.next(), () => {
        if (!this.isUp) this.start();
      });
    });
    const database = new Database(world.platform, world.database, process, rng);
    const tapped = new TappedMesh(mesh, world.tap);
    const injector = new Injector(
      new Map<unknown, unknown>([
        [CLOCK, process.clock],
        [RNG, rng],
        [LOGGER, logger],
        [METRICS, metrics],
        [READINESS, readiness],
        [DRAIN, drain],
        [MESH, tapped],
        [CLUSTER, cluster],
        [GuildRepository, database.guilds],
        [UserRepository, database.users],
        [MemberRepository, database.members],
      ]),
    );
    if (this.roles.includes('session-node')) injector.load(SessionNodeModule.forRoot(configs.session));
    if (this.roles.includes('guild-node')) injector.load(GuildNodeModule.forRoot(configs.guild));
    if (this.roles.includes('presence-node')) injector.load(PresenceNodeModule.forRoot(configs.presence));
    if (this.roles.includes('tunnel')) injector.load(TunnelNodeModule.forRoot(this.tunnelConfig));
    const side = this.roles.includes('ws-gateway')
      ? new ClientSide(
          configs.gateway,
          {
            mesh: tapped,
            cluster,
            auth: { authenticate: (token) => this.authenticate(token, process) },
            clock: process.clock,
            rng,
            metrics,
            logger,
            turn: process.scheduler.turn,
          },
          () => `ws://${id}`,
        )
      : undefined;
    this.running = { process, mesh, cluster, drain, logger, metrics, injector, side };
    world.started(id);
    world.trace(() => `${id} starts as ${mesh.self.incarnation}`);
    void this.open(this.running);
  }

  /** Whether what waits here is within its limits. */
  async checkBounds(): Promise<void> {
    const { running, world } = this;
    if (running?.process.isStopped !== false) return;
    const limits = {
      linkQueue: this.room.queue,
      linkWindow: configs.mesh.window,
      peers: world.size - 1,
      localQueue: configs.mesh.localQueue,
      replayBytes: configs.session.replayLimit,
      memberQueue: configs.session.memberQueue,
      streamInFlight: this.room.streamInFlight,
    };
    await checkBounds(this.id, running.metrics, limits, world.history);
  }

  private get room(): typeof wide {
    return this.world.tight ? tight : wide;
  }

  private get tunnelConfig(): typeof configs.tunnel {
    return { ...configs.tunnel, streamInFlight: this.room.streamInFlight };
  }

  /** kill -9. @param silent the machine dies with it: nobody is told */
  kill(silent: boolean): void {
    const { running, world } = this;
    if (!running) return;
    world.trace(() => `${this.id} is killed${silent ? ' with its machine' : ''}`);
    this.running = undefined;
    running.process.kill();
    world.died(this.id);
    world.network.died(running.process, silent);
  }

  /** SIGSTOP. */
  stop(): void {
    this.world.trace(() => `${this.id} is stopped`);
    this.running?.process.stop();
    this.world.network.suspect(this.id);
  }

  /** SIGCONT. */
  wake(): void {
    if (this.running?.process.isStopped !== true) return;
    this.world.trace(() => `${this.id} is woken`);
    this.running.process.wake();
    this.world.network.flow(this.id);
  }

  /** SIGTERM. @param done called when the process has ended */
  drain(done: () => void): void {
    const { running } = this;
    if (!running) return;
    this.world.trace(() => `${this.id} drains`);
    void this.close(running).then(() => {
      if (this.running !== running) return;
      this.kill(false);
      done();
    });
  }

  private async open({ mesh, cluster, injector, side, process, ...rest }: Running): Promise<void> {
    await injector.start();
    await mesh.listen();
    side?.start();
    await cluster.join();
    await greet({ mesh, cluster, clock: process.clock, ...rest });
    await cluster.become('serving');
    const { network } = this.world;
    if (side) serveClients(network, process, `${this.id}/ws`, side);
    if (this.roles.includes('tunnel'))
      servePublishers(network, process, `${this.id}/tunnel`, injector.get<PublishStreams>(PublishStreams));
  }

  private async close({ process, mesh, cluster, injector, side, ...rest }: Running): Promise<void> {
    // Off the rings first, as far as etcd can be told: others take the keys over while this node is still there.
    if (cluster.holdsLease())
      await drainNode({ mesh, cluster, clock: process.clock, ...rest }, this.world.drainTimeout);
    await side?.depart();
    await injector.stop();
    await cluster.leave();
    await mesh.close();
  }

  private authenticate(token: string, process: VirtualProcess): Promise<Authentication> {
    return new Promise((resolve) => {
      process.clock.after(1 + 4 * this.rng.next(), () => {
        const user = this.world.platform.users.get(token.slice('user.'.length));
        if (this.world.auth.away) resolve({ ok: false, reason: 'unavailable' });
        else if (user === undefined) resolve({ ok: false, reason: 'invalid' });
        else resolve({ ok: true, user });
      });
    });
  }

  /** What is logged as an error is one. */
  private logger(): Logger {
    const { world, id } = this;
    const say = (level: string) => (fields: unknown, text?: string) => {
      const what = typeof fields === 'string' ? fields : `${text ?? ''} ${brief(fields)}`;
      world.trace(() => `${id} ${level}: ${what}`);
      if (level === 'error') world.history.broken('no errors', `${id} logged: ${what}`);
    };
    const none = (): undefined => undefined;
    const lines = {
      info: none,
      debug: none,
      trace: none,
      warn: say('warn'),
      error: say('error'),
      fatal: say('error'),
    };
    return lines as unknown as Logger;
  }
}

function brief(fields: unknown): string {
  const { err, error, ...rest } = fields as Record<string, unknown>;
  const cause = (err ?? error) as Error | undefined;
  return `${JSON.stringify(rest)}${cause ? ` ${cause.stack ?? String(cause)}` : ''}`;
}
