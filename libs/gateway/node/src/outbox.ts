import { type Tail, headLength } from '@derailed/shared/protocol';
import type { Wire } from './wire/wire';

/** What the flusher needs of a socket; a net.Socket or TLSSocket is one. */
export interface Sink {
  /** Bytes that the socket holds because the peer does not read fast enough. */
  readonly writableLength: number;
  write(bytes: Uint8Array, done?: (error?: Error | null) => void): boolean;
  /** Once: all that it held has gone to the peer's side. */
  once(event: 'drain', listener: () => void): unknown;
  cork(): void;
  uncork(): void;
}

/** Tails from this length on are written from where they are; shorter ones are copied behind their head. */
export const uncopiedFrom = 16_384;

/** WebSocket.OPEN */
const open = 1;

/**
 * The frames that wait for one socket: references to tails that many sockets share, and the sequence number of each.
 * The first frame has fields of its own: when events come one at a time it is the only one, and what a delivery
 * costs is the memory that it has to fetch.
 */
export class Outbox {
  count = 0;
  /** Bytes of all heads and of the tails that will be copied. */
  copied = 0;
  /** Bytes of the other tails. */
  uncopied = 0;
  /** Whether the flusher has it on its list. */
  queued = false;
  /** Set when somebody wants to know that all of this has left. */
  drained: ((error?: Error | null) => void) | undefined;
  /** The socket holds more than it should, and its session knows. */
  pressed = false;
  /** Bytes in the socket that do not count for its limit: who sends them waits until they have left. */
  paced = 0;
  /** Writes with `drained` that have not left. */
  private awaited = 0;
  /** How its frames are written; undefined: JSON in text frames, which nobody has to be asked about. Set while empty. */
  wire: Wire | undefined;
  private closed = false;
  private firstTail: Tail | undefined;
  private firstSeq = 0;
  private readonly tails: Tail[] = [];
  private readonly seqs: number[] = [];

  constructor(
    readonly sink: Sink,
    /** The number of the connection that it is of. */
    readonly connection: number,
    private readonly ws: { readonly readyState: number },
  ) {}

  /** Once a close frame was sent, by us or in answer to the client's, no other frame may follow it. */
  get mayWrite(): boolean {
    return this.ws.readyState === open;
  }

  /** @param seq 0: the tail is a payload that is no dispatch */
  push(tail: Tail, seq: number): void {
    if (this.closed) return;
    if (this.count === 0) {
      this.firstTail = tail;
      this.firstSeq = seq;
    } else {
      this.tails[this.count - 1] = tail;
      this.seqs[this.count - 1] = seq;
    }
    this.count++;
    this.measure(tail, seq);
  }

  /** What waits becomes what is written, on wires that compress at that moment. */
  pack(): void {
    const { wire } = this;
    if (wire?.pack === undefined) return;
    this.copied = 0;
    this.uncopied = 0;
    for (let index = 0; index < this.count; index++) {
      const packed = wire.pack(this.seqAt(index), this.tailAt(index));
      if (index === 0) {
        this.firstTail = packed;
        this.firstSeq = 0;
      } else {
        this.tails[index - 1] = packed;
        this.seqs[index - 1] = 0;
      }
      this.measure(packed, 0);
    }
  }

  /** Calls `left` once, when all that waits now has left; until then it does not count for the socket's limit. */
  awaitDrain(left: () => void): void {
    if (this.drained === undefined) this.awaited++;
    this.drained = (error) => {
      if (--this.awaited === 0) this.paced = 0;
      if (!error) left();
    };
  }

  /** @param index below count */
  tailAt(index: number): Tail {
    return (index === 0 ? this.firstTail : this.tails[index - 1])!;
  }

  seqAt(index: number): number {
    return index === 0 ? this.firstSeq : this.seqs[index - 1]!;
  }

  /** Forgets what waits, and gives back the columns' room: most connections are idle at any time. */
  clear(): void {
    if (this.count > 1) {
      this.tails.length = 0;
      this.seqs.length = 0;
    }
    this.firstTail = undefined;
    this.count = 0;
    this.copied = 0;
    this.uncopied = 0;
    this.drained = undefined;
  }

  /** Nothing leaves any more: a close frame has gone out. */
  close(): void {
    this.closed = true;
    this.clear();
    this.wire?.release();
  }

  private measure(tail: Tail, seq: number): void {
    this.copied += this.wire === undefined ? headLength(seq, tail.length) : this.wire.overhead(seq, tail);
    if (tail.length < uncopiedFrom) this.copied += tail.length;
    else this.uncopied += tail.length;
  }
}
