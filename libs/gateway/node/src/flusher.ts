import { type Tail, rewriteSeq, writeHead } from '@derailed/shared/protocol';
import type { EventLoop } from './event-loop';
import { type Outbox, uncopiedFrom } from './outbox';
import { Slab } from './slab';
import type { Wire } from './wire/wire';

/** What a flush reports. */
export interface FlushObserver {
  /** @param frames of them `dispatches` have a sequence number */
  wrote(writes: number, frames: number, bytes: number): void;
  /** @param waitedMs from the first frame that waited to the end of the flush */
  flushed(busyMs: number, waitedMs: number): void;
  /** The frames of these events have left; when the tunnel took each, in milliseconds since the Unix epoch. */
  delivered(publishedAt: readonly number[]): void;
  /** The socket does not drain as fast as it is written to, or it has drained after all. */
  pressure(outbox: Outbox, pressed: boolean): void;
  /** More than the limit waits in the socket; nothing was written. */
  tooSlow(outbox: Outbox): void;
}

/** Bytes that wait in a socket because its peer does not read fast enough. */
export interface SocketLimits {
  /** Over it the session is told, and sends less. */
  readonly outboundPressure: number;
  /** Over it the connection closes. What is sent at the pace of the socket's drain does not count. */
  readonly outboundLimit: number;
}

export const pacing = {
  /** A flush that takes longer lets others have the event loop. */
  sliceMs: 5,
  /** The longest rest between flushes. */
  restMs: 25,
} as const;

const slabBytes = 1 << 20;

/**
 * What waited for longer may be from before the process stood still, and the clients with others by now: nothing of it leaves
 * before it is sure that this node is on the member list still. Milliseconds.
 */
export const standstill = { after: 1_000, lookEvery: 20 } as const;

/** How many sockets are written between two looks at the clock. */
const socketsPerLook = 8;

/**
 * Writes what waits for the sockets: each socket once per flush, whatever is waiting. A flush begins at the end of
 * the turn in which the first frame came; under load (frames shared writes, or came during the last flush) no sooner
 * after the last one than that one took, so that they go on to.
 */
export class Flusher {
  private waiting: Outbox[] = [];
  private current: Outbox[] = [];
  private waitingEvents: number[] = [];
  private currentEvents: number[] = [];
  private at = 0;
  private scheduled = false;
  private busyMs = 0;
  private restUntil = 0;
  private waitingSince = 0;
  private currentSince = 0;
  private writes = 0;
  private frames = 0;
  private bytes = 0;
  private readonly slab = new Slab(slabBytes);
  /** The tail of the one frame that `stampedOn` holds; undefined when it holds anything else. */
  private stamped: Tail | undefined;
  private stampedOn: Uint8Array | undefined;

  constructor(
    private readonly loop: EventLoop,
    private readonly limits: SocketLimits,
    private readonly observer: FlushObserver,
    private readonly isMember: () => boolean,
  ) {}

  /** Something waits in the outbox. */
  enqueue(outbox: Outbox): void {
    if (outbox.queued) return;
    outbox.queued = true;
    if (this.waiting.push(outbox) === 1) this.waitingSince = this.loop.monotonic();
    if (!this.scheduled) this.schedule();
  }

  /** What was enqueued last is of an event that the tunnel took then. */
  carries(publishedAt: number): void {
    this.waitingEvents.push(publishedAt);
  }

  /** Writes now what waits for this one socket, whatever its limit: a close frame follows. */
  flushNow(outbox: Outbox): void {
    if (outbox.count > 0 && outbox.mayWrite) this.write(outbox, outbox.sink.writableLength);
  }

  private schedule(): void {
    this.scheduled = true;
    const rest = this.restUntil - this.loop.monotonic();
    // Timers are no finer than a millisecond: a shorter rest is none.
    if (rest < 1) this.loop.turn(this.begin);
    else this.loop.after(rest, this.begin);
  }

  private readonly begin = (): void => {
    const written = this.current;
    this.current = this.waiting;
    this.waiting = written;
    const measured = this.currentEvents;
    this.currentEvents = this.waitingEvents;
    this.waitingEvents = measured;
    this.currentSince = this.waitingSince;
    this.at = 0;
    this.busyMs = 0;
    this.slice();
  };

  private readonly slice = (): void => {
    const start = this.loop.monotonic();
    if (start - this.currentSince > standstill.after && !this.isMember()) {
      this.loop.after(standstill.lookEvery, this.slice);
      return;
    }
    let now = start;
    while (this.at < this.current.length && now - start < pacing.sliceMs) {
      const end = Math.min(this.at + socketsPerLook, this.current.length);
      while (this.at < end) this.flush(this.current[this.at++]!);
      now = this.loop.monotonic();
    }
    this.busyMs += now - start;
    if (this.at < this.current.length) this.loop.turn(this.slice);
    else this.end(now);
  };

  private flush(outbox: Outbox): void {
    outbox.queued = false;
    if (outbox.count === 0) return;
    if (!outbox.mayWrite) {
      outbox.clear();
      return;
    }
    const held = outbox.sink.writableLength;
    if (held > this.limits.outboundLimit + outbox.paced) this.observer.tooSlow(outbox);
    else this.write(outbox, held);
  }

  private end(now: number): void {
    this.current.length = 0;
    // When frames come one at a time there is nothing to gain from waiting for more.
    const loaded = this.frames > this.writes || this.waiting.length > 0;
    this.restUntil = loaded ? now + Math.min(this.busyMs, pacing.restMs) : now;
    this.observer.wrote(this.writes, this.frames, this.bytes);
    this.observer.flushed(this.busyMs, now - this.currentSince);
    this.observer.delivered(this.currentEvents);
    this.currentEvents.length = 0;
    this.writes = this.frames = this.bytes = 0;
    this.scheduled = false;
    if (this.waiting.length > 0) this.schedule();
  }

  /** @param heldBefore bytes that the socket holds already */
  private write(outbox: Outbox, heldBefore: number): void {
    const { sink, drained } = outbox;
    outbox.pack();
    // A slow socket gets memory of its own: a few bytes must not keep a whole slab alive.
    const slow = heldBefore > 0;
    const target = slow ? Buffer.allocUnsafe(outbox.copied) : this.slab.take(outbox.copied);
    this.writes++;
    this.frames += outbox.count;
    this.bytes += outbox.copied + outbox.uncopied;
    if (outbox.uncopied === 0) {
      if (!this.restamp(outbox, target)) fill(outbox, target);
      sink.write(target, drained);
    } else {
      this.stamped = undefined;
      writeParts(outbox, target);
    }
    const held = sink.writableLength;
    if (held > 0) {
      if (!slow) this.slab.keep();
      if (drained) outbox.paced = held;
      if (held > this.limits.outboundPressure && !outbox.pressed) this.press(outbox);
    }
    outbox.clear();
  }

  /**
   * Whether only the seq had to be written: the socket before got one frame with the same tail, and it lies there
   * still. When events come one at a time that is so at nearly every recipient.
   */
  private restamp(outbox: Outbox, target: Uint8Array): boolean {
    const tail = outbox.count === 1 && outbox.wire === undefined ? outbox.tailAt(0) : undefined;
    const seq = outbox.seqAt(0);
    if (tail !== undefined && tail === this.stamped && target === this.stampedOn && seq !== 0) {
      rewriteSeq(target, 0, seq, tail.length);
      return true;
    }
    this.stamped = tail;
    this.stampedOn = target;
    return false;
  }

  private press(outbox: Outbox): void {
    outbox.pressed = true;
    this.observer.pressure(outbox, true);
    outbox.sink.once('drain', () => {
      outbox.pressed = false;
      this.observer.pressure(outbox, false);
    });
  }
}

function fill(outbox: Outbox, target: Uint8Array): void {
  if (outbox.wire !== undefined) return fillOnWire(outbox, outbox.wire, target);
  let at = 0;
  for (let index = 0; index < outbox.count; index++) {
    const tail = outbox.tailAt(index);
    at = writeHead(target, at, outbox.seqAt(index), tail.length);
    for (const part of tail.parts) {
      target.set(part, at);
      at += part.length;
    }
  }
}

function fillOnWire(outbox: Outbox, wire: Wire, target: Uint8Array): void {
  let at = 0;
  for (let index = 0; index < outbox.count; index++) {
    const tail = outbox.tailAt(index);
    const seq = outbox.seqAt(index);
    at = wire.writeHead(target, at, seq, tail);
    for (const part of tail.parts) {
      target.set(part, at);
      at += part.length;
    }
    at = wire.writeEnd(target, at, seq, tail);
  }
}

/** One writev: copied stretches between the long tails, which stay where they are. */
function writeParts(outbox: Outbox, target: Uint8Array): void {
  const { sink, drained, wire } = outbox;
  sink.cork();
  let from = 0;
  let at = 0;
  for (let index = 0; index < outbox.count; index++) {
    const tail = outbox.tailAt(index);
    const seq = outbox.seqAt(index);
    at = wire === undefined ? writeHead(target, at, seq, tail.length) : wire.writeHead(target, at, seq, tail);
    if (tail.length < uncopiedFrom) {
      for (const part of tail.parts) {
        target.set(part, at);
        at += part.length;
      }
    } else {
      sink.write(target.subarray(from, at));
      from = at;
      for (const part of tail.parts) sink.write(part);
    }
    if (wire !== undefined) at = wire.writeEnd(target, at, seq, tail);
  }
  if (from < at || drained) sink.write(target.subarray(from, at), drained);
  sink.uncork();
}
