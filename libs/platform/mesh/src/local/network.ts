import type { Envelope } from '@derailed/shared/contract';
import type { Logger } from '@derailed/platform/observability';
import type { Cancel, Clock, Rng } from '@derailed/shared/kernel';
import { Registry } from 'prom-client';
import type { Link, LinkReceiver } from '../link';
import type { NodeRef, PeerEvent } from '../mesh';
import { MeshMetrics } from '../metrics';
import { NodeMesh } from '../node-mesh';
import { type Scheduler, systemScheduler } from '../scheduler';
import { DeliveryQueue } from './delivery-queue';
import { LoopbackLink } from './loopback';

export interface NetworkOptions {
  readonly clock: Clock;
  /** For incarnations. */
  readonly rng: Rng;
  readonly scheduler?: Scheduler;
  readonly logger?: Pick<Logger, 'warn' | 'error'>;
  /** Milliseconds that a cut may last before the peers are gone to each other. */
  readonly graceMs?: number;
  /** Messages that may wait on the way from one node to another, and from a node to itself. */
  readonly queue?: number;
  /** Calls in flight from one node to another. */
  readonly calls?: number;
}

type Delivery = { readonly envelope: Envelope } | { readonly event: PeerEvent };

/** Several meshes in one process, joined without serialisation. What is between two of them can be cut. */
export class InProcessNetwork {
  private readonly stations = new Map<string, Station>();
  /** Pairs that are cut, and what stops their grace. */
  private readonly severed = new Map<string, Cancel>();
  private lastEpoch = 0;

  constructor(private readonly options: NetworkOptions) {}

  /** A new incarnation of the node `id`. If one is there, it leaves first. */
  join(id: string, metrics = new MeshMetrics(new Registry())): NodeMesh {
    this.leave(id);
    const {
      clock,
      rng,
      scheduler = systemScheduler,
      logger = silent,
      queue = 65_536,
      calls = 16_384,
    } = this.options;
    const self: NodeRef = { id, incarnation: rng.token(12) };
    const station = new Station(self, this);
    this.stations.set(id, station);
    const loopback = new LoopbackLink(self, clock, scheduler, queue);
    return new NodeMesh({ self, loopback, remote: station, clock, logger, metrics, calls });
  }

  /** The node dies. Those that knew it hear at once that it is gone. */
  leave(id: string): void {
    const station = this.stations.get(id);
    if (!station) return;
    this.stations.delete(id);
    station.receiver = undefined;
    for (const peer of [...station.wires.keys()]) this.part(station, peer);
  }

  /** Nothing passes between the two until `heal`; after the grace they are gone to each other. */
  cut(a: string, b: string): void {
    const pair = pairOf(a, b);
    if (this.severed.has(pair)) return;
    const stop = this.options.clock.after(this.options.graceMs ?? 5000, () => {
      const station = this.stations.get(a);
      if (station) this.part(station, b);
    });
    this.severed.set(pair, stop);
    for (const wire of this.wiresBetween(a, b)) wire.queue.pause();
  }

  heal(a: string, b: string): void {
    const pair = pairOf(a, b);
    this.severed.get(pair)?.();
    this.severed.delete(pair);
    for (const wire of this.wiresBetween(a, b)) wire.queue.resume();
  }

  /** First contact, or contact after `gone`: both hear `up` before anything else. */
  connect(from: Station, to: string): Wire | undefined {
    const peer = this.stations.get(to);
    if (!peer || this.stations.get(from.self.id) !== from || this.severed.has(pairOf(from.self.id, to)))
      return undefined;
    const epoch = ++this.lastEpoch;
    this.lay(peer, from, epoch);
    return this.lay(from, peer, epoch);
  }

  private lay(from: Station, to: Station, epoch: number): Wire {
    const { clock, scheduler = systemScheduler, queue: limit = 65_536 } = this.options;
    const queue = new DeliveryQueue<Delivery>(clock, scheduler, limit, (delivery) => {
      if ('envelope' in delivery) return to.receiver?.received(delivery.envelope, from.self);
      wire.announced = true;
      to.receiver?.peerChanged(delivery.event);
    });
    const wire: Wire = { queue, epoch, announced: false };
    from.wires.set(to.self.id, wire);
    queue.push({ event: { kind: 'up', node: from.self, epoch } });
    return wire;
  }

  private part(station: Station, peerId: string): void {
    const forth = station.wires.get(peerId);
    const peer = this.stations.get(peerId);
    const back = peer?.wires.get(station.self.id);
    forth?.queue.clear();
    back?.queue.clear();
    station.wires.delete(peerId);
    peer?.wires.delete(station.self.id);
    if (peer) sayGone(peer, station.self, forth);
    if (peer) sayGone(station, peer.self, back);
  }

  private *wiresBetween(a: string, b: string): Iterable<Wire> {
    const wires = [this.stations.get(a)?.wires.get(b), this.stations.get(b)?.wires.get(a)];
    for (const wire of wires) if (wire) yield wire;
  }
}

/** One direction between two incarnations. */
interface Wire {
  readonly queue: DeliveryQueue<Delivery>;
  readonly epoch: number;
  /** Whether the receiver has heard `up`. */
  announced: boolean;
}

/** A node's place in the network. */
class Station implements Link {
  /** To whom there is contact: the direction away from here. */
  readonly wires = new Map<string, Wire>();
  receiver: LinkReceiver | undefined;

  constructor(
    readonly self: NodeRef,
    private readonly network: InProcessNetwork,
  ) {}

  attach(receiver: LinkReceiver): void {
    this.receiver = receiver;
  }

  send(node: string, _flow: string, envelope: Envelope): boolean {
    return this.wireTo(node)?.queue.offer({ envelope }) ?? false;
  }

  signal(node: string, envelope: Envelope): boolean {
    const wire = this.wireTo(node);
    wire?.queue.push({ envelope });
    return wire !== undefined;
  }

  async listen(): Promise<void> {
    // Joining was enough.
  }

  async close(): Promise<void> {
    this.network.leave(this.self.id);
  }

  private wireTo(node: string): Wire | undefined {
    return this.wires.get(node) ?? this.network.connect(this, node);
  }
}

function sayGone(to: Station | undefined, from: NodeRef, wire: Wire | undefined): void {
  if (wire?.announced) to?.receiver?.peerChanged({ kind: 'gone', node: from, epoch: wire.epoch });
}

const pairOf = (a: string, b: string): string => JSON.stringify(a < b ? [a, b] : [b, a]);
const silent = { warn: () => undefined, error: () => undefined };
