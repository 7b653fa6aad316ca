import { Admission } from '@derailed/gateway/core';
import type { AuthClient } from '@derailed/platform/auth-client';
import type { Cluster } from '@derailed/platform/cluster';
import type { Mesh } from '@derailed/platform/mesh';
import type { Logger, Registry } from '@derailed/platform/observability';
import type { Clock, Rng } from '@derailed/shared/kernel';
import type { Client, ClientWebSocket } from './client';
import { Clients } from './clients';
import { Departure } from './departure';
import { type FlushObserver, Flusher } from './flusher';
import { GatewayMetrics } from './metrics';
import type { Sink } from './outbox';
import { SessionReceiver } from './session-receiver';
import { SessionSender } from './session-sender';
import type { GatewayConfig } from './settings';
import { Shell } from './shell';
import { Ticker } from './ticker';
import { zstdContexts } from './wire/compressor';
import { Wires } from './wire/wires';
import { GatewayWsAdapter } from './ws-adapter';

const mebibyte = 1024 * 1024;

/** The share of IDENTIFY_DEADLINE that may be spent in line: what comes after it takes its time too. */
const patience = 0.75;

/** What the platform lends a ws-gateway. */
export interface GatewayPlatform {
  readonly mesh: Mesh;
  readonly cluster: Cluster;
  readonly auth: Pick<AuthClient, 'authenticate'>;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly metrics: Registry;
  readonly logger: Logger;
  /** Runs a task after the current turn of the event loop; setImmediate unless a simulator says otherwise. */
  readonly turn?: (task: () => void) => void;
}

/** All of a ws-gateway behind its door: connections from their upgrade to their end, and what session-nodes say to them. */
export class ClientSide {
  readonly clients: Clients;
  readonly metrics: GatewayMetrics;
  readonly shell: Shell;
  readonly adapter: GatewayWsAdapter;
  private readonly ticker: Ticker;
  private readonly departure: Departure;

  constructor(
    private readonly config: GatewayConfig,
    { mesh, cluster, auth, clock, rng, metrics: registry, logger, turn = setImmediate }: GatewayPlatform,
    publicUrl: () => string,
  ) {
    const wires = new Wires(config.compressionContextMb * mebibyte, zstdContexts());
    const clients = new Clients({ ...config, zstd: wires.hasZstd }, config.maxConnections);
    const admission = new Admission(
      { atOnce: config.identifyAtOnce, patience: config.identifyDeadline * patience },
      rng,
    );
    const metrics = new GatewayMetrics(
      registry,
      () => clients.size,
      wires,
      () => admission.waiting,
    );
    const loop = {
      monotonic: () => clock.monotonic(),
      turn: (task: () => void) => void turn(task),
      after: (ms: number, task: () => void) => void clock.after(ms, task),
    };
    const observer: FlushObserver = {
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
    };
    const flusher = new Flusher(loop, config, observer, () => cluster.holdsLease());
    const sender = new SessionSender(mesh, cluster, publicUrl);
    this.clients = clients;
    this.metrics = metrics;
    this.shell = new Shell({
      clients,
      flusher,
      wires,
      admission,
      sender,
      auth,
      clock,
      metrics,
      logger,
      closeTimeout: config.closeTimeout,
    });
    this.adapter = new GatewayWsAdapter(this.shell, metrics);
    this.ticker = new Ticker(clients, this.shell, clock);
    this.departure = new Departure(clients, this.shell, clock, config.reconnectDelay);
    new SessionReceiver(clients, flusher, sender, this.shell, metrics, wires).listen(mesh);
  }

  /** Looks after deadlines from now on. */
  start(): void {
    this.ticker.start();
  }

  /**
   * A socket was upgraded. Who calls tells `shell.socketClosed` of its end.
   * @param query of the URL, without the question mark
   */
  enter(ws: ClientWebSocket, socket: Sink, query: string): Client {
    const client = this.clients.add(ws, socket);
    this.adapter.arrived(client);
    this.shell.run(client, client.connection.open(query, this.shell.now()));
    return client;
  }

  /** Sends everybody away, and waits for it a while. */
  async depart(): Promise<void> {
    await this.departure.run();
    await this.departure.until(this.config.closeTimeout);
    this.ticker.stop();
  }
}
