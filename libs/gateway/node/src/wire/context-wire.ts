import {
  type PayloadEncoding,
  type Tail,
  finBinary,
  frameHeaderLength,
  storedHeaderLength,
  writeFrameHeader,
  writeStoredHeader,
} from '@derailed/shared/protocol';
import type { Compressor } from './compressor';
import { DeflatedTail, type EventTails } from './event-tails';
import type { Wire } from './wire';

/** Bodies so long that they fill the whole window: what a compressor has learnt is gone after them anyway. */
const sharedFrom = 8192;

/** A connection with a compressor of its own. What waits in its outbox is plain; each frame is packed when it leaves. */
export class ContextWire implements Wire {
  private readonly scratch: Scratch;
  private opening: Uint8Array | undefined;
  private released = false;

  /**
   * @param opening stands in front of all else in the stream
   * @param onRelease the compressor's memory is free again
   */
  constructor(
    private readonly encoding: PayloadEncoding,
    private readonly compressor: Compressor,
    opening: Uint8Array | undefined,
    scratch: Scratch,
    private readonly onRelease: () => void,
  ) {
    this.opening = opening;
    this.scratch = scratch;
  }

  tail(tails: EventTails): Tail {
    const plain = tails.plain(this.encoding);
    const shared = this.compressor.reset !== undefined && plain.length >= sharedFrom;
    return shared ? tails.deflated(this.encoding) : plain;
  }

  payload(json: string): Tail {
    return this.encoding.payload(json);
  }

  greeting(json: string): Tail {
    return this.encoding.payload(json);
  }

  pack(seq: number, tail: Tail): Tail {
    const packed = tail instanceof DeflatedTail ? this.splice(seq, tail) : [this.compress(seq, tail)];
    const parts = this.opening ? [this.opening, ...packed] : packed;
    this.opening = undefined;
    return { parts, length: parts.reduce((total, part) => total + part.length, 0) };
  }

  /** Frames are measured and written after they were packed, when nothing stands before their tail. */
  overhead(_seq: number, tail: Tail): number {
    return frameHeaderLength(tail.length);
  }

  writeHead(target: Uint8Array, offset: number, _seq: number, tail: Tail): number {
    return writeFrameHeader(target, offset, finBinary, tail.length);
  }

  writeEnd(_target: Uint8Array, offset: number): number {
    return offset;
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    this.compressor.close();
    this.onRelease();
  }

  private compress(seq: number, tail: Tail): Uint8Array {
    const plain = this.scratch.take(this.encoding.openingLength(seq) + tail.length);
    let at = this.encoding.writeOpening(plain, 0, seq);
    for (const part of tail.parts) {
      plain.set(part, at);
      at += part.length;
    }
    return this.compressor.compress(plain);
  }

  /** Blocks of others stand in the stream where the compressor does not know of them: it may not look back past them. */
  private splice(seq: number, tail: DeflatedTail): Uint8Array[] {
    const length = this.encoding.openingLength(seq);
    const head = new Uint8Array(storedHeaderLength + length);
    this.encoding.writeOpening(head, writeStoredHeader(head, 0, length), seq);
    this.compressor.reset?.();
    return [head, ...tail.parts];
  }
}

/** Memory in which payloads are put together before they are compressed, one after the other. */
export class Scratch {
  private bytes = new Uint8Array(65_536);

  /** To be used up before the next call. */
  take(length: number): Uint8Array {
    return length > this.bytes.length ? new Uint8Array(length) : this.bytes.subarray(0, length);
  }
}
