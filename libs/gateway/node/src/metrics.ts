import type { Registry } from '@derailed/platform/observability';
import { type CloseReason, clientOps, closeRows } from '@derailed/shared/protocol';
import { Counter, Gauge, Histogram } from 'prom-client';

/** Why a connection ended that we did not close. */
type Departure = 'client_goodbye' | 'client_gone';

/** Why no WebSocket came of a connection: its address has too many, the node has, or there is nothing at its path. */
const refusals = ['per_address', 'full', 'path'] as const;
export type Refusal = (typeof refusals)[number];

/** Every figure of the ws-gateway, its labels bound. */
export class GatewayMetrics {
  readonly dispatches: Counter.Internal;
  readonly resumes: Counter.Internal;
  readonly stray: Counter.Internal;
  readonly gaps: Counter.Internal;
  readonly pressed: Counter.Internal;
  private readonly writes: Counter.Internal;
  private readonly frames: Counter.Internal;
  private readonly bytes: Counter.Internal;
  private readonly flushBusy: Histogram.Internal<never>;
  private readonly flushWait: Histogram.Internal<never>;
  private readonly publishToFlush: Histogram.Internal<never>;
  private readonly closes = new Map<string, Counter.Internal>();
  private readonly inbound = new Map<number, Counter.Internal>();
  private readonly inboundOther: Counter.Internal;
  private readonly refusals = new Map<string, Counter.Internal>();

  constructor(
    registry: Registry,
    connections: () => number,
    wires: { readonly contexts: number; readonly contextBytes: number },
    waiting: () => number,
  ) {
    const registers = [registry];
    const counter = (name: string, help: string): Counter.Internal =>
      new Counter({ name: `derailed_gateway_${name}`, help, registers }).labels();
    new Gauge({
      name: 'derailed_gateway_connections',
      help: 'WebSocket connections, identified or not.',
      registers,
      collect() {
        this.set(connections());
      },
    });
    new Gauge({
      name: 'derailed_gateway_entries_waiting',
      help: 'Identifies and resumes that wait for their turn (IDENTIFY_AT_ONCE).',
      registers,
      collect() {
        this.set(waiting());
      },
    });
    new Gauge({
      name: 'derailed_gateway_compressors',
      help: 'Connections that have a compressor of their own.',
      registers,
      collect() {
        this.set(wires.contexts);
      },
    });
    new Gauge({
      name: 'derailed_gateway_compressor_bytes',
      help: 'What those take of COMPRESSION_CONTEXT_MB, in bytes.',
      registers,
      collect() {
        this.set(wires.contextBytes);
      },
    });
    this.writes = counter('writes_total', 'Writes to sockets.');
    this.frames = counter('frames_total', 'Frames written to sockets.');
    this.bytes = counter('bytes_total', 'Bytes of frames written to sockets, before TLS.');
    this.dispatches = counter('dispatches_total', 'Dispatches taken for sockets.');
    this.resumes = counter('resumes_total', 'Resumes that a session accepted.');
    this.stray = counter(
      'stray_dispatches_total',
      'Dispatches for connections that are gone or bound elsewhere; dropped.',
    );
    this.gaps = counter(
      'gaps_total',
      'Dispatches that were not the next one; their connections were closed.',
    );
    this.pressed = counter(
      'pressed_total',
      'Times that a socket did not drain, so that its session held back volatile events.',
    );
    const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];
    const histogram = (name: string, help: string): Histogram.Internal<never> =>
      new Histogram({ name: `derailed_gateway_${name}`, help, buckets, registers }).labels();
    this.flushBusy = histogram('flush_seconds', 'Time that a flush spent writing.');
    this.flushWait = histogram(
      'flush_wait_seconds',
      'From the first frame that waited for a flush to its end.',
    );
    this.publishToFlush = histogram(
      'publish_to_flush_seconds',
      'From an event at the tunnel to the end of the flush that wrote its frames, by the clocks of both machines.',
    );
    const closes = new Counter({
      name: 'derailed_gateway_closes_total',
      help: 'Connections that ended, by reason (docs/reference/close-codes.md).',
      labelNames: ['reason'],
      registers,
    });
    for (const reason of [...Object.keys(closeRows), 'client_goodbye', 'client_gone']) {
      this.closes.set(reason, closes.labels(reason));
    }
    const inbound = new Counter({
      name: 'derailed_gateway_payloads_total',
      help: 'Payloads from clients, by opcode (docs/reference/protocol.md).',
      labelNames: ['op'],
      registers,
    });
    for (const [op, label] of clientOps) this.inbound.set(op, inbound.labels(label));
    this.inboundOther = inbound.labels('other');
    const refused = new Counter({
      name: 'derailed_gateway_refused_total',
      help: 'Connections that were refused before an upgrade, by reason.',
      labelNames: ['reason'],
      registers,
    });
    for (const reason of refusals) this.refusals.set(reason, refused.labels(reason));
  }

  closed(reason: CloseReason | Departure): void {
    this.closes.get(reason)?.inc();
  }

  refused(reason: Refusal): void {
    this.refusals.get(reason)?.inc();
  }

  received(op: number): void {
    (this.inbound.get(op) ?? this.inboundOther).inc();
  }

  wrote(writes: number, frames: number, bytes: number): void {
    this.writes.inc(writes);
    this.frames.inc(frames);
    this.bytes.inc(bytes);
  }

  flushed(busyMs: number, waitedMs: number): void {
    this.flushBusy.observe(busyMs / 1000);
    this.flushWait.observe(waitedMs / 1000);
  }

  /** @param publishedAt when the tunnel took each event. A clock that is ahead of ours counts as no wait. */
  delivered(publishedAt: readonly number[], now: number): void {
    for (const then of publishedAt) this.publishToFlush.observe(Math.max(0, now - then) / 1000);
  }
}
