import type { AuthClient } from '@derailed/platform/auth-client';
import type { Cluster } from '@derailed/platform/cluster';
import type { Address } from '@derailed/platform/config';
import type { Mesh } from '@derailed/platform/mesh';
import type { Logger, Registry } from '@derailed/platform/observability';
import type { Clock } from '@derailed/shared/kernel';
import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import { Clients } from './clients';
import { Departure } from './departure';
import { Door } from './door';
import { Flusher } from './flusher';
import { HttpRoutes } from './http-routes';
import { IdentifyBudgets } from './identify-budgets';
import { GatewayMetrics } from './metrics';
import { SessionReceiver } from './session-receiver';
import { SessionSender } from './session-sender';
import type { GatewayConfig } from './settings';
import { Shell } from './shell';
import { Ticker } from './ticker';
import { zstdContexts } from './wire/compressor';
import { Wires } from './wire/wires';
import { GatewayWsAdapter } from './ws-adapter';

const mebibyte = 1024 * 1024;

/** What the platform lends a ws-gateway. */
export interface GatewayPlatform {
  readonly mesh: Mesh;
  readonly cluster: Cluster;
  readonly auth: AuthClient;
  readonly clock: Clock;
  readonly metrics: Registry;
  readonly logger: Logger;
}

/** The ws-gateway of this process, put together; listens from the application's start to its end. */
export class GatewayNode implements OnApplicationBootstrap, OnModuleDestroy {
  readonly shell: Shell;
  readonly adapter: GatewayWsAdapter;
  private readonly door: Door;
  private readonly ticker: Ticker;
  private readonly departure: Departure;

  constructor(
    private readonly config: GatewayConfig,
    { mesh, cluster, auth, clock, metrics: registry, logger }: GatewayPlatform,
  ) {
    const wires = new Wires(config.compressionContextMb * mebibyte, zstdContexts());
    const clients = new Clients({ ...config, zstd: wires.hasZstd }, config.maxConnections);
    const metrics = new GatewayMetrics(registry, () => clients.size, wires);
    const publicUrl = (): string => this.door.publicUrl;
    const loop = {
      monotonic: () => clock.monotonic(),
      turn: (task: () => void) => void setImmediate(task),
      after: (ms: number, task: () => void) => void clock.after(ms, task),
    };
    const flusher = new Flusher(loop, config, {
      wrote: (writes, frames, bytes) => {
        metrics.wrote(writes, frames, bytes);
      },
      flushed: (busyMs, waitedMs) => {
        metrics.flushed(busyMs, waitedMs);
      },
      delivered: (publishedAt) => {
        metrics.delivered(publishedAt, clock.now());
      },
      pressure: (outbox, pressed) => {
        this.shell.pressure(outbox, pressed);
      },
      tooSlow: (outbox) => {
        this.shell.tooSlow(outbox);
      },
    });
    const sender = new SessionSender(mesh, cluster, publicUrl);
    this.shell = new Shell({
      clients,
      flusher,
      wires,
      sender,
      auth,
      clock,
      metrics,
      logger,
      closeTimeout: config.closeTimeout,
    });
    this.adapter = new GatewayWsAdapter(this.shell, metrics);
    const routes = new HttpRoutes(auth, new IdentifyBudgets(mesh, cluster), publicUrl, logger);
    this.door = new Door(config, clients, this.shell, this.adapter, metrics, routes);
    this.ticker = new Ticker(clients, this.shell, clock);
    this.departure = new Departure(clients, this.shell, clock, config.reconnectDelay);
    new SessionReceiver(clients, flusher, sender, this.shell, metrics, wires).listen(mesh);
  }

  /** Where clients connect; the real port once it listens. */
  get address(): Address {
    return this.door.address;
  }

  /** What READY and GET /gateway name. */
  get publicUrl(): string {
    return this.door.publicUrl;
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.door.listen();
    this.ticker.start();
  }

  async onModuleDestroy(): Promise<void> {
    this.door.shut();
    await this.departure.run();
    await this.departure.until(this.config.closeTimeout);
    this.ticker.stop();
  }
}
