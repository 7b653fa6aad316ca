import { ConnectRequest } from '@derailed/shared/contract';
import { Fifo } from '../fifo';
import { Lane, type Waiting } from './lane';
import { openMessages } from './wire';

export interface OutboxLimits {
  /** Bytes sent and not received at which data waits. */
  readonly window: number;
  /** Bytes of data that may wait, and of signals that may be unreceived. */
  readonly queue: number;
  /** Messages over this many bytes are cut into parts of it. */
  readonly chunk: number;
}

interface SentFrame {
  readonly seq: number;
  readonly bytes: Buffer;
  readonly cost: number;
  readonly data: boolean;
}

/** What a frame counts for at least, so that a window bounds their number too. */
const leastCost = 1024;

/**
 * The sender's half of a link, for one epoch after the other: puts messages into frames, keeps each frame until
 * it is received, and holds data back that the peer has given no credit for. Knows no stream and no time.
 *
 * Frames are made from lanes in turn. Signals have one; data has one, and each flow with a message over the
 * chunk size has its own for as long as anything of it waits, so that others pass and its own order stays.
 */
export class Outbox {
  private readonly signals = new Lane();
  private readonly main = new Lane();
  private readonly flows = new Map<string, Lane>();
  private readonly longSignals = new Set<Lane>();
  private readonly sent = new Fifo<SentFrame>();
  private turns: Lane[] = [];
  /** Long signals and data take turns. */
  private dataFirst = false;
  private lastSeq = 0;
  private lastMessage = 0;
  /** How many of `sent` went over the present stream. */
  private written = 0;
  private waitingData = 0;
  private waitingSignals = 0;
  private unreceivedData = 0;
  private unreceivedSignals = 0;

  constructor(private readonly limits: OutboxLimits) {}

  get queuedBytes(): number {
    return this.waitingData + this.waitingSignals;
  }

  get unreceivedBytes(): number {
    return this.unreceivedData + this.unreceivedSignals;
  }

  /** Whether all that was ever said is received. */
  get empty(): boolean {
    return this.queuedBytes === 0 && this.unreceivedBytes === 0;
  }

  /** False: the queue is full. */
  push(flow: string, bytes: Uint8Array): boolean {
    if (this.waitingData + bytes.length > this.limits.queue) return false;
    this.waitingData += bytes.length;
    this.main.push({ flow, bytes });
    return true;
  }

  /** False: more signals are unreceived than any living peer would leave. */
  signal(bytes: Uint8Array): boolean {
    if (this.waitingSignals + this.unreceivedSignals + bytes.length > this.limits.queue) return false;
    this.waitingSignals += bytes.length;
    const long = bytes.length > this.limits.chunk && this.openLanes < openMessages;
    const lane = long ? new Lane() : this.signals;
    if (long) this.longSignals.add(lane);
    lane.push({ flow: '', bytes });
    return true;
  }

  /** The next frame that may go now: repeated ones first, then signals, then data within the credit. */
  next(): Buffer | undefined {
    const again = this.sent.at(this.written);
    if (again) {
      this.written++;
      return again.bytes;
    }
    const signals = this.frameOf(this.signals, false);
    if (signals) return signals;
    this.dataFirst = !this.dataFirst;
    return this.dataFirst
      ? (this.dataFrame() ?? this.longSignalFrame())
      : (this.longSignalFrame() ?? this.dataFrame());
  }

  /** All frames up to `seq` were handled. False: the peer says so of a frame that it never got. */
  received(seq: number): boolean {
    if (seq > this.lastSeq) return false;
    for (let first = this.sent.at(0); first && first.seq <= seq; first = this.sent.at(0)) {
      this.sent.shift();
      // It may be handled from an earlier stream before it goes again over the present one.
      if (this.written > 0) this.written--;
      if (first.data) this.unreceivedData -= first.cost;
      else this.unreceivedSignals -= first.cost;
    }
    return true;
  }

  /** A new stream of the same epoch begins: what was handled is forgotten, the rest goes again. False: as in received. */
  rewind(seq: number): boolean {
    this.written = 0;
    return this.received(seq);
  }

  /** A new epoch begins. */
  clear(): void {
    for (const lane of [this.main, this.signals]) lane.clear();
    this.flows.clear();
    this.longSignals.clear();
    this.sent.clear();
    this.turns = [];
    this.lastSeq = this.lastMessage = this.written = 0;
    this.waitingData = this.waitingSignals = this.unreceivedData = this.unreceivedSignals = 0;
  }

  private get openLanes(): number {
    return this.flows.size + this.longSignals.size;
  }

  private longSignalFrame(): Buffer | undefined {
    for (const lane of this.longSignals) {
      const part = this.frameOf(lane, false);
      this.longSignals.delete(lane);
      if (lane.head) this.longSignals.add(lane);
      return part;
    }
    return undefined;
  }

  private dataFrame(): Buffer | undefined {
    if (this.unreceivedData >= this.limits.window) return undefined;
    while (this.waitingData > 0) {
      const lane = this.turns.pop();
      if (!lane) {
        this.turns = [this.main, ...this.flows.values()];
        continue;
      }
      const frame = this.frameOf(lane, true);
      if (lane.flow !== undefined && !lane.head) this.flows.delete(lane.flow);
      if (frame) return frame;
    }
    return undefined;
  }

  private frameOf(lane: Lane, data: boolean): Buffer | undefined {
    const { chunk } = this.limits;
    const envelopes: Buffer[] = [];
    let size = 0;
    for (let head = this.headOf(lane); head && size < chunk; head = this.headOf(lane)) {
      const { bytes } = head;
      if (bytes.length > chunk) break;
      envelopes.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
      size += bytes.length;
      lane.shift();
    }
    if (envelopes.length > 0) return this.keep({ $case: 'batch', value: { envelopes } }, size, data);

    const whole = lane.head?.bytes.length ?? 0;
    const part = lane.part(chunk, () => ++this.lastMessage);
    return part && this.keep({ $case: 'chunk', value: part }, part.last ? whole : 0, data);
  }

  /**
   * The message that is next in the lane. From the main lane, those whose flow has its own move there first, and a
   * long one gives its flow one, unless too many are open: then the main lane waits for it.
   */
  private headOf(lane: Lane): Waiting | undefined {
    if (lane !== this.main) return lane.head;
    for (let head = lane.head; head; head = lane.head) {
      let own = this.flows.get(head.flow);
      if (!own) {
        if (head.bytes.length <= this.limits.chunk || lane.begun || this.openLanes >= openMessages)
          return head;
        this.flows.set(head.flow, (own = new Lane(head.flow)));
      }
      own.push(head);
      lane.shift();
    }
    return undefined;
  }

  /** @param done bytes of messages that are wholly on their way with this frame */
  private keep(kind: NonNullable<ConnectRequest['kind']>, done: number, data: boolean): Buffer {
    const seq = ++this.lastSeq;
    const encoded = ConnectRequest.encode({ seq, kind }).finish();
    const bytes = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.length);
    const cost = Math.max(bytes.length, leastCost);
    this.sent.push({ seq, bytes, cost, data });
    this.written++;
    if (data) {
      this.waitingData -= done;
      this.unreceivedData += cost;
    } else {
      this.waitingSignals -= done;
      this.unreceivedSignals += cost;
    }
    return bytes;
  }
}
