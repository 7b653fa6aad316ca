import { METRICS } from '@derailed/platform/observability';
import { Code } from '@derailed/shared/kernel';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Which door an event came in by: the platform's existing services, or derailed.tunnel.v1. */
export type Door = 'legacy' | 'unary' | 'stream';

const seconds = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

@Injectable()
export class TunnelMetrics {
  private readonly events: Record<Door, Record<'guild' | 'users', Counter.Internal>>;
  private readonly refusals = new Map<number, Counter.Internal>();
  private readonly inFlight: Gauge;
  private readonly latency: Histogram;
  readonly streams: Gauge;

  constructor(@Inject(METRICS) registry: Registry) {
    const registers = [registry];
    const events = new Counter({
      name: 'derailed_tunnel_events_total',
      help: 'Events that were well-formed and went on to their owner.',
      labelNames: ['door', 'target'],
      registers,
    });
    const doorOf = (door: Door) => ({
      guild: events.labels({ door, target: 'guild' }),
      users: events.labels({ door, target: 'users' }),
    });
    this.events = { legacy: doorOf('legacy'), unary: doorOf('unary'), stream: doorOf('stream') };
    const refused = new Counter({
      name: 'derailed_tunnel_failures_total',
      help: 'Publishes answered with an error, by its gRPC code.',
      labelNames: ['code'],
      registers,
    });
    for (const [code, number] of Object.entries(Code)) {
      if (number !== Code.OK) this.refusals.set(number, refused.labels({ code }));
    }
    this.inFlight = new Gauge({
      name: 'derailed_tunnel_publishes_in_flight',
      help: 'Publishes that have no answer yet.',
      registers,
    });
    this.streams = new Gauge({
      name: 'derailed_tunnel_streams',
      help: 'Open PublishStream calls.',
      registers,
    });
    this.latency = new Histogram({
      name: 'derailed_tunnel_publish_ack_seconds',
      help: 'From a publish coming in to its answer, for those that were delivered.',
      buckets: seconds,
      registers,
    });
  }

  began(door: Door, target: 'guild' | 'users'): void {
    this.events[door][target].inc();
    this.inFlight.inc();
  }

  ended(): void {
    this.inFlight.dec();
  }

  delivered(milliseconds: number): void {
    this.latency.observe(milliseconds / 1000);
  }

  failed(code: Code): void {
    this.refusals.get(code)?.inc();
  }
}
