import { status } from '@grpc/grpc-js';
import { Envelope, type Hello } from '@derailed/shared/contract';
import { parseAddress } from '@derailed/platform/config';
import type { Logger } from '@derailed/platform/observability';
import type { Clock, Rng } from '@derailed/shared/kernel';
import type { MeshConfig } from '../config';
import type { Link, LinkReceiver } from '../link';
import { DeliveryQueue } from '../local/delivery-queue';
import type { NodeRef, PeerEvent } from '../mesh';
import type { MeshMetrics } from '../metrics';
import type { Scheduler } from '../scheduler';
import type { IncomingStream, Visitor } from './door';
import { type Arrival, Peer, type PeerHost } from './peer';
import { type Transport, type TransportDoor, grpcTransport } from './transport';

export interface GrpcLinkParts {
  readonly self: NodeRef;
  readonly config: MeshConfig;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly scheduler: Scheduler;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly metrics: MeshMetrics;
  /** Absent: gRPC. */
  readonly transport?: Transport | undefined;
}

/** How long a node that stops waits for its peers. */
const lastWordsMs = 500;

/** The way to other processes: one gRPC stream in each direction that has something to say. */
export class GrpcLink implements Link, PeerHost {
  readonly self: NodeRef;
  readonly line: PeerHost['line'];
  readonly limits: PeerHost['limits'];
  private readonly peers = new Map<string, Peer>();
  private readonly arrivals: DeliveryQueue<Arrival>;
  private readonly door: TransportDoor;
  private receiver: LinkReceiver | undefined;
  private lastEpoch = 0;

  /** @throws OperatorError for settings that do not go together */
  constructor(private readonly parts: GrpcLinkParts) {
    const { config, clock, rng, scheduler, metrics } = parts;
    const transport = parts.transport ?? grpcTransport(parts);
    this.self = parts.self;
    this.line = { dial: transport.dial, clock, rng };
    this.limits = { ...config, assembly: 2 * config.queue, arrivals: config.window + 2 * config.queue };
    this.door = transport.door(this);
    // Each peer bounds what it may have here.
    this.arrivals = new DeliveryQueue(clock, scheduler, Infinity, (arrival) => this.handle(arrival));
    metrics.watchLinks({
      peers: () => this.countPeers(),
      queuedBytes: () => this.sum((peer) => peer.outbox.queuedBytes),
      unreceivedBytes: () => this.sum((peer) => peer.outbox.unreceivedBytes),
    });
  }

  get clock(): Clock {
    return this.parts.clock;
  }

  get scheduler(): Scheduler {
    return this.parts.scheduler;
  }

  get metrics(): MeshMetrics {
    return this.parts.metrics;
  }

  get logger(): GrpcLinkParts['logger'] {
    return this.parts.logger;
  }

  attach(receiver: LinkReceiver): void {
    this.receiver = receiver;
  }

  send(node: string, flow: string, envelope: Envelope): boolean {
    const peer = this.peer(node);
    if (!peer?.reachable()) return false;
    const bytes = this.encode(envelope);
    return bytes !== undefined && peer.send(flow, bytes);
  }

  signal(node: string, envelope: Envelope): boolean {
    const peer = this.peer(node);
    if (!peer?.reachable()) return false;
    const bytes = this.encode(envelope);
    return bytes !== undefined && peer.signal(bytes);
  }

  /** @throws OperatorError */
  async listen(): Promise<void> {
    await this.door.listen();
  }

  /** Waits a moment for peers to receive what was said last. */
  async close(): Promise<void> {
    await this.lastWords();
    this.receiver = undefined;
    this.arrivals.clear();
    for (const peer of this.peers.values()) peer.stop();
    this.peers.clear();
    this.door.close();
  }

  // ---- for peers and the door -------------------------------------------------------------------------

  hello(hello: Hello, stream: IncomingStream): Visitor | undefined {
    const address = parseAddress(hello.nodeId);
    if (!address || address.port === 0 || hello.nodeId === this.self.id) {
      stream.refuse(
        status.INVALID_ARGUMENT,
        `nodeId: ${JSON.stringify(hello.nodeId)} is not the address of another node (LINK_ADVERTISE)`,
      );
      return undefined;
    }
    const peer = this.peer(hello.nodeId);
    if (peer) return peer.visit(hello, stream);
    stream.refuse(
      status.RESOURCE_EXHAUSTED,
      `${this.self.id} keeps links with ${this.parts.config.peers} nodes at most (LINK_PEERS)`,
    );
    return undefined;
  }

  nextEpoch(): number {
    return ++this.lastEpoch;
  }

  sawEpoch(epoch: number): void {
    this.lastEpoch = Math.max(this.lastEpoch, epoch);
  }

  arrived(arrival: Arrival): void {
    this.arrivals.push(arrival);
  }

  changed(event: PeerEvent): void {
    this.receiver?.peerChanged(event);
  }

  forget(peer: Peer): void {
    if (this.peers.get(peer.id) === peer) this.peers.delete(peer.id);
  }

  // -----------------------------------------------------------------------------------------------------

  private peer(node: string): Peer | undefined {
    const known = this.peers.get(node);
    if (known) return known;
    const address = parseAddress(node);
    if (!this.receiver || !address || address.port === 0 || this.peers.size >= this.parts.config.peers)
      return undefined;
    const peer = new Peer(node, this);
    this.peers.set(node, peer);
    return peer;
  }

  private encode(envelope: Envelope): Uint8Array | undefined {
    const bytes = Envelope.encode(envelope).finish();
    if (bytes.length <= this.limits.message) return bytes;
    this.logger.error(
      { kind: envelope.message?.$case, bytes: bytes.length },
      'a message is over LINK_MESSAGE and was not sent',
    );
    return undefined;
  }

  private handle(arrival: Arrival): void {
    const envelope = arrival.bytes.length > 0 ? arrival.peer.open(arrival) : undefined;
    if (envelope) this.receiver?.received(envelope, arrival.peer.ref);
    arrival.peer.close(arrival);
  }

  private lastWords(): Promise<void> {
    const { clock } = this.parts;
    const end = clock.monotonic() + lastWordsMs;
    return new Promise((resolve) => {
      const look = (): void => {
        const said = [...this.peers.values()].every((peer) => !peer.listens || peer.outbox.empty);
        if (said || clock.monotonic() >= end) resolve();
        else clock.after(5, look);
      };
      look();
    });
  }

  private countPeers(): { connecting: number; up: number; gone: number } {
    const counts = { connecting: 0, up: 0, gone: 0 };
    for (const peer of this.peers.values()) counts[peer.state]++;
    return counts;
  }

  private sum(of: (peer: Peer) => number): number {
    let total = 0;
    for (const peer of this.peers.values()) total += of(peer);
    return total;
  }
}
