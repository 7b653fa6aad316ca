import { Envelope, type ConnectRequest, type Hello, type Welcome } from '@derailed/shared/contract';
import type { Logger } from '@derailed/platform/observability';
import type { Cancel, Clock } from '@derailed/shared/kernel';
import { status } from '@grpc/grpc-js';
import type { NodeRef, PeerEvent } from '../mesh';
import type { MeshMetrics } from '../metrics';
import type { Scheduler } from '../scheduler';
import type { IncomingStream, Visitor } from './door';
import { Inbox, type InboxLimits, LinkFault } from './inbox';
import { Line, type LineOwner, type LineParts } from './line';
import { Outbox, type OutboxLimits } from './outbox';
import { compatible, contractVersion } from './wire';

/** An encoded envelope in the queue of all that waits to be handled. */
export interface Arrival {
  readonly peer: Peer;
  readonly epoch: number;
  readonly bytes: Buffer;
  /** The frame that is handled when this envelope is; 0: more of that frame follow. */
  readonly completes: number;
}

export interface PeerLimits {
  /** Milliseconds that a direction may be without a stream. */
  readonly grace: number;
  /** Milliseconds that a peer is looked for after it is gone and nobody asks for it. */
  readonly forget: number;
  /** Bytes of one peer that may wait to be handled; a peer that waits for credit has less. */
  readonly arrivals: number;
}

/** What all peers of a node share. */
export interface PeerHost {
  readonly self: NodeRef;
  readonly line: LineParts;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly limits: OutboxLimits & InboxLimits & PeerLimits;
  readonly metrics: MeshMetrics;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** A greater epoch than any that was seen. */
  nextEpoch(): number;
  sawEpoch(epoch: number): void;
  arrived(arrival: Arrival): void;
  changed(event: PeerEvent): void;
  forget(peer: Peer): void;
}

export type PeerState = 'connecting' | 'up' | 'gone';

/**
 * Another node, as this one sees it: its incarnation, the epoch that holds between the two, our line to it and its
 * stream to us. Both directions live and die together: a new epoch forgets what either had not handled.
 */
export class Peer implements LineOwner {
  readonly outbox: Outbox;
  private readonly inbox: Inbox;
  private readonly line: Line;
  private currentState: PeerState = 'connecting';
  private incarnation = '';
  private epoch: number;
  private incoming: IncomingStream | undefined;
  /** Whether there was a stream from it in this epoch. */
  private heard = false;
  private arriving = 0;
  private handled = 0;
  private acknowledged = 0;
  private stopGrace: Cancel | undefined;
  private askedFor: number;
  private overflowed = false;
  private flushing = false;
  private acknowledging = false;
  private lastComplaint = '';

  constructor(
    readonly id: string,
    private readonly host: PeerHost,
  ) {
    this.epoch = host.nextEpoch();
    this.askedFor = host.clock.monotonic();
    this.outbox = new Outbox(host.limits);
    this.inbox = new Inbox(host.limits);
    this.line = new Line(this, host.line);
  }

  get state(): PeerState {
    return this.currentState;
  }

  /** Whether our line to it carries frames. */
  get listens(): boolean {
    return this.line.ready;
  }

  get ref(): NodeRef {
    return { id: this.id, incarnation: this.incarnation };
  }

  // ---- what we say ------------------------------------------------------------------------------------

  send(flow: string, bytes: Uint8Array): boolean {
    return this.reachable() && this.outbox.push(flow, bytes) && this.flushSoon();
  }

  signal(bytes: Uint8Array): boolean {
    if (!this.reachable() || this.overflowed) return false;
    if (this.outbox.signal(bytes)) return this.flushSoon();
    this.overflowed = true;
    // Not from within the caller's send: nobody expects `gone` there.
    this.host.scheduler.microtask(() => {
      if (this.overflowed) this.lose('more acks and answers wait for it than LINK_QUEUE allows');
    });
    return false;
  }

  hello(): Hello | undefined {
    const { clock, limits, self } = this.host;
    const wanted = this.currentState !== 'gone' || clock.monotonic() - this.askedFor < limits.forget;
    if (!wanted) {
      this.host.forget(this);
      return undefined;
    }
    this.host.metrics.dials.inc();
    return {
      contractVersion,
      nodeId: self.id,
      incarnation: self.incarnation,
      peerIncarnation: this.currentState === 'up' ? this.incarnation : '',
      epoch: this.epoch,
    };
  }

  welcomed(welcome: Welcome, hello: Hello): 'ready' | 'again' | 'unfit' {
    const unfit = this.unfit(welcome);
    if (unfit !== undefined) {
      this.complain(unfit);
      return 'unfit';
    }
    if (this.currentState !== 'up') this.meet(welcome.incarnation, Math.max(welcome.epoch, this.epoch));
    else if (welcome.epoch > this.epoch) this.meet(welcome.incarnation, welcome.epoch);
    else if (welcome.incarnation !== this.incarnation) this.meet(welcome.incarnation, this.host.nextEpoch());
    if (hello.epoch !== this.epoch || welcome.epoch !== this.epoch) return 'again';
    if (this.outbox.rewind(welcome.received)) return 'ready';
    this.lose('it acknowledges what it was never sent');
    return 'again';
  }

  received(seq: number): void {
    if (!this.outbox.received(seq)) this.lose('it acknowledges what it was never sent');
    else this.flush();
  }

  writable(): void {
    this.lastComplaint = '';
    this.watch();
    this.flush();
  }

  broken(why: string): void {
    this.complain(why);
    this.watch();
  }

  // ---- what it says -----------------------------------------------------------------------------------

  /** The peer opened a stream. Undefined: not for frames; it will come again with the epoch that holds. */
  visit(hello: Hello, stream: IncomingStream): Visitor | undefined {
    const { self } = this.host;
    const stale = hello.peerIncarnation !== '' && hello.peerIncarnation !== self.incarnation;
    const offered = stale ? hello.epoch + 1 : hello.epoch;
    if (this.currentState !== 'up') this.meet(hello.incarnation, Math.max(offered, this.epoch));
    else if (hello.incarnation !== this.incarnation)
      this.meet(hello.incarnation, Math.max(offered, this.host.nextEpoch()));
    else if (offered > this.epoch) this.meet(hello.incarnation, offered);
    const { epoch, handled: received } = this;
    stream.welcome({ contractVersion, nodeId: self.id, incarnation: self.incarnation, received, epoch });
    if (hello.epoch !== epoch) {
      stream.end();
      return undefined;
    }
    this.incoming?.end();
    this.incoming = stream;
    this.heard = true;
    this.acknowledged = received;
    this.watch();
    return {
      frame: (frame) => {
        if (this.incoming === stream) this.take(frame, stream);
      },
      closed: () => {
        if (this.incoming !== stream) return;
        this.incoming = undefined;
        this.watch();
      },
    };
  }

  /** The envelope of an arrival, if it is still wanted. */
  open(arrival: Arrival): Envelope | undefined {
    if (arrival.epoch !== this.epoch || this.currentState !== 'up') return undefined;
    try {
      return Envelope.decode(arrival.bytes);
    } catch (error) {
      this.lose(`it sent what is no message (${(error as Error).message})`);
      return undefined;
    }
  }

  /** The arrival was handled. */
  close(arrival: Arrival): void {
    if (arrival.epoch !== this.epoch) return;
    this.arriving -= arrival.bytes.length;
    if (arrival.completes > 0) this.completed(arrival.completes);
  }

  /** The node stops: no more events. */
  stop(): void {
    this.stopGrace?.();
    this.currentState = 'gone';
    this.line.drop();
    this.incoming?.end();
    this.incoming = undefined;
  }

  private take(frame: ConnectRequest, stream: IncomingStream): void {
    const { metrics } = this.host;
    metrics.framesIn.inc();
    let envelopes: readonly Buffer[] | undefined;
    try {
      envelopes = this.inbox.take(frame);
    } catch (error) {
      if (!(error instanceof LinkFault)) throw error;
      stream.refuse(status.FAILED_PRECONDITION, error.message);
      return this.lose(`it broke the contract: ${error.message}`);
    }
    if (!envelopes) return metrics.framesAgain.inc();
    const { epoch } = this;
    const last = envelopes.length - 1;
    for (const bytes of envelopes) this.arriving += bytes.length;
    if (this.arriving > this.host.limits.arrivals) return this.lose('it does not wait for credit');
    envelopes.forEach((bytes, index) => {
      this.host.arrived({ peer: this, epoch, bytes, completes: index === last ? frame.seq : 0 });
    });
    if (last < 0) this.host.arrived({ peer: this, epoch, bytes: Buffer.alloc(0), completes: frame.seq });
  }

  private completed(seq: number): void {
    this.handled = seq;
    if (this.acknowledging) return;
    this.acknowledging = true;
    this.host.scheduler.turn(() => {
      this.acknowledging = false;
      if (this.handled === this.acknowledged || !this.incoming) return;
      this.acknowledged = this.handled;
      this.incoming.received(this.handled);
    });
  }

  // ---- up and gone ------------------------------------------------------------------------------------

  /** Whether anything can be said to it; and somebody wants to. */
  reachable(): boolean {
    if (this.currentState !== 'gone') return true;
    this.askedFor = this.host.clock.monotonic();
    return false;
  }

  private meet(incarnation: string, epoch: number): void {
    const dialling = this.line.active;
    if (this.currentState === 'up') {
      const why = incarnation === this.incarnation ? 'it gave the link up' : 'another incarnation answers';
      this.part(why);
    }
    this.incarnation = incarnation;
    this.epoch = epoch;
    this.host.sawEpoch(epoch);
    this.currentState = 'up';
    if (dialling) this.line.open();
    this.host.logger.info({ node: this.id, incarnation, epoch }, 'peer is up');
    this.host.changed({ kind: 'up', node: this.ref, epoch });
  }

  /** Gives the peer up, and looks for it again. */
  private lose(why: string): void {
    this.part(why);
    this.epoch = this.host.nextEpoch();
    this.line.open();
  }

  private part(why: string): void {
    const { node, epoch } = { node: this.ref, epoch: this.epoch };
    this.currentState = 'gone';
    this.askedFor = this.host.clock.monotonic();
    this.stopGrace?.();
    this.stopGrace = undefined;
    this.line.drop();
    this.incoming?.end();
    this.incoming = undefined;
    this.heard = this.overflowed = false;
    this.arriving = this.handled = this.acknowledged = 0;
    this.outbox.clear();
    this.inbox.clear();
    this.host.metrics.peersLost.inc();
    this.host.logger.warn({ node: this.id, incarnation: node.incarnation, epoch }, `peer is gone: ${why}`);
    this.host.changed({ kind: 'gone', node, epoch });
  }

  /** The grace runs while a direction that is wanted, or was there, has no stream. */
  private watch(): void {
    const broken = (this.line.active && !this.line.ready) || (this.heard && !this.incoming);
    if (this.currentState === 'gone') return;
    if (!broken) {
      this.stopGrace?.();
      this.stopGrace = undefined;
    } else {
      const { grace } = this.host.limits;
      this.stopGrace ??= this.host.clock.after(grace, () => {
        this.stopGrace = undefined;
        this.lose(`no stream for ${grace} ms`);
      });
    }
  }

  /** Once per turn, so that what is said in one goes together. */
  private flushSoon(): true {
    if (!this.line.active) {
      this.line.open();
      this.watch();
    }
    if (!this.flushing) {
      this.flushing = true;
      this.host.scheduler.turn(() => {
        this.flushing = false;
        this.flush();
      });
    }
    return true;
  }

  private flush(): void {
    const { framesOut, bytesOut } = this.host.metrics;
    while (this.line.takesFrames) {
      const frame = this.outbox.next();
      if (!frame) return;
      framesOut.inc();
      bytesOut.inc(frame.length);
      this.line.write(frame);
    }
  }

  private unfit({ contractVersion: theirs, nodeId }: Welcome): string | undefined {
    if (!compatible(theirs))
      return `it speaks contract version ${theirs}, which version ${contractVersion} does not get on with`;
    return nodeId === this.id ? undefined : `it calls itself ${nodeId} (LINK_ADVERTISE)`;
  }

  private complain(why: string): void {
    if (why === this.lastComplaint) return;
    this.lastComplaint = why;
    this.host.logger.warn({ node: this.id }, `the link has trouble: ${why}`);
  }
}
