import type { Registry } from '@derailed/platform/observability';
import { Counter, Gauge } from 'prom-client';

/** What the gauges read when they are scraped. */
export interface MeshReadings {
  readonly callsOut: () => number;
  readonly callsIn: () => number;
}

export interface LinkReadings {
  readonly peers: () => { readonly connecting: number; readonly up: number; readonly gone: number };
  readonly queuedBytes: () => number;
  readonly unreceivedBytes: () => number;
}

/** Every counter of the mesh, its labels bound. */
export class MeshMetrics {
  readonly sendsRefused: Counter.Internal;
  readonly handlerFailures: Counter.Internal;
  readonly unhandled: Counter.Internal;
  readonly fenced: Counter.Internal;
  readonly framesOut: Counter.Internal;
  readonly framesIn: Counter.Internal;
  readonly framesAgain: Counter.Internal;
  readonly bytesOut: Counter.Internal;
  readonly bytesIn: Counter.Internal;
  readonly dials: Counter.Internal;
  readonly peersLost: Counter.Internal;
  readonly streamsRefused: Counter.Internal;

  constructor(private readonly registry: Registry) {
    const counter = (name: string, help: string): Counter.Internal =>
      new Counter({ name: `derailed_mesh_${name}`, help, registers: [registry] }).labels();
    const directed = (name: string, help: string): [Counter.Internal, Counter.Internal] => {
      const both = new Counter({
        name: `derailed_mesh_${name}`,
        help,
        labelNames: ['direction'],
        registers: [registry],
      });
      return [both.labels('out'), both.labels('in')];
    };
    this.sendsRefused = counter('sends_refused_total', 'Sends that found a full queue or no such node.');
    this.handlerFailures = counter('handler_failures_total', 'Handlers that threw something unexpected.');
    this.unhandled = counter('unhandled_total', 'Messages that nobody here handles.');
    this.fenced = counter('fenced_total', 'Messages of starts that are off the member list, dropped.');
    [this.framesOut, this.framesIn] = directed(
      'frames_total',
      'Frames over gRPC links, repeated ones included.',
    );
    [this.bytesOut, this.bytesIn] = directed('bytes_total', 'Bytes of frames over gRPC links.');
    this.framesAgain = counter('frames_again_total', 'Frames that came twice and were dropped.');
    this.dials = counter('dials_total', 'Attempts to open a stream to a peer.');
    this.peersLost = counter('peers_lost_total', 'Peers that were up and are gone.');
    this.streamsRefused = counter('streams_refused_total', 'Incoming streams that were refused.');
  }

  watchMesh({ callsIn, callsOut }: MeshReadings): void {
    new Gauge({
      name: 'derailed_mesh_calls',
      help: 'Calls in flight: out, waiting for an answer; in, being answered.',
      labelNames: ['direction'],
      registers: [this.registry],
      collect() {
        this.labels('out').set(callsOut());
        this.labels('in').set(callsIn());
      },
    });
  }

  watchLocal(waiting: () => number): void {
    new Gauge({
      name: 'derailed_mesh_local_queue',
      help: 'Messages waiting between the roles of this process.',
      registers: [this.registry],
      collect() {
        this.set(waiting());
      },
    });
  }

  watchLinks({ peers, queuedBytes, unreceivedBytes }: LinkReadings): void {
    new Gauge({
      name: 'derailed_mesh_peers',
      help: 'Other nodes by the state of their link.',
      labelNames: ['state'],
      registers: [this.registry],
      collect() {
        for (const [state, number] of Object.entries(peers())) this.labels(state).set(number);
      },
    });
    new Gauge({
      name: 'derailed_mesh_queue_bytes',
      help: 'Bytes that wait for credit or a stream.',
      registers: [this.registry],
      collect() {
        this.set(queuedBytes());
      },
    });
    new Gauge({
      name: 'derailed_mesh_unreceived_bytes',
      help: 'Bytes that were sent, or are about to be, and not yet acknowledged.',
      registers: [this.registry],
      collect() {
        this.set(unreceivedBytes());
      },
    });
  }
}
