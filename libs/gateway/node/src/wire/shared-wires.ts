import {
  type PayloadEncoding,
  type Tail,
  adler32,
  adler32Of,
  finBinary,
  frameHeaderLength,
  jsonEncoding,
  lastBlock,
  storedHeaderLength,
  syncMarker,
  writeFrameHeader,
  writeRawBlockHeader,
  writeStoredHeader,
  zlibHeader,
  zstdBlockHeaderLength,
  zstdFrameHeader,
} from '@derailed/shared/protocol';
import { deflateBlock } from './deflate';
import { DeflatedTail, type EventTails } from './event-tails';
import { type BlocksTail, rawBlocks } from './raw-blocks';
import type { Wire } from './wire';

/** Wires without anything of a connection's own: one object serves all. */
abstract class SharedWire implements Wire {
  constructor(
    protected readonly encoding: PayloadEncoding,
    private readonly frame: number,
  ) {}

  abstract tail(tails: EventTails): Tail;
  abstract payload(json: string): Tail;
  abstract greeting(json: string): Tail;
  /** Bytes between the frame's header and the tail. */
  protected abstract innerLength(seq: number): number;
  protected abstract writeInner(target: Uint8Array, offset: number, seq: number, tail: Tail): number;

  overhead(seq: number, tail: Tail): number {
    const inner = this.innerLength(seq);
    return frameHeaderLength(inner + tail.length) + inner;
  }

  writeHead(target: Uint8Array, offset: number, seq: number, tail: Tail): number {
    const at = writeFrameHeader(target, offset, this.frame, this.innerLength(seq) + tail.length);
    return seq === 0 ? at : this.writeInner(target, at, seq, tail);
  }

  writeEnd(_target: Uint8Array, offset: number, _seq: number, _tail: Tail): number {
    return offset;
  }

  release(): void {}
}

/** An encoding in frames of its own kind, with nothing around it. */
export class PlainWire extends SharedWire {
  constructor(encoding: PayloadEncoding) {
    super(encoding, encoding.frame);
  }

  tail(tails: EventTails): Tail {
    return tails.plain(this.encoding);
  }

  payload(json: string): Tail {
    return this.encoding.payload(json);
  }

  greeting(json: string): Tail {
    return this.payload(json);
  }

  protected innerLength(seq: number): number {
    return this.encoding.openingLength(seq);
  }

  protected writeInner(target: Uint8Array, offset: number, seq: number): number {
    return this.encoding.writeOpening(target, offset, seq);
  }
}

/** Payloads below so many bytes hardly get shorter. */
const deflatedFrom = 128;

/**
 * A zlib stream without a compressor: a session's part in a stored block, then the event's, which were compressed once.
 * Each payload ends with a sync flush, in one frame.
 */
export class SharedZlibWire extends SharedWire {
  constructor(encoding: PayloadEncoding) {
    super(encoding, finBinary);
  }

  tail(tails: EventTails): Tail {
    return tails.deflated(this.encoding);
  }

  payload(json: string): Tail {
    const { parts, length } = this.encoding.payload(json);
    return join(length < deflatedFrom ? [storedHeader(length), ...parts, syncMarker] : [deflateBlock(parts)]);
  }

  greeting(json: string): Tail {
    return join([zlibHeader, ...this.payload(json).parts]);
  }

  protected innerLength(seq: number): number {
    return seq === 0 ? 0 : storedHeaderLength + this.encoding.openingLength(seq);
  }

  protected writeInner(target: Uint8Array, offset: number, seq: number): number {
    const at = writeStoredHeader(target, offset, this.encoding.openingLength(seq));
    return this.encoding.writeOpening(target, at, seq);
  }
}

/** A zstd frame of raw blocks: what a connection gets when no compressor is left for it. */
export class RawZstdWire extends SharedWire {
  constructor(encoding: PayloadEncoding) {
    super(encoding, finBinary);
  }

  tail(tails: EventTails): Tail {
    return tails.rawBlocks(this.encoding);
  }

  payload(json: string): Tail {
    const blocks = rawBlocks(this.encoding.payload(json));
    const header = new Uint8Array(zstdBlockHeaderLength);
    writeRawBlockHeader(header, 0, blocks.first);
    return join([header, ...blocks.parts]);
  }

  greeting(json: string): Tail {
    return join([zstdFrameHeader, ...this.payload(json).parts]);
  }

  protected innerLength(seq: number): number {
    return seq === 0 ? 0 : zstdBlockHeaderLength + this.encoding.openingLength(seq);
  }

  protected writeInner(target: Uint8Array, offset: number, seq: number, tail: Tail): number {
    const length = this.encoding.openingLength(seq) + (tail as BlocksTail).first;
    const at = writeRawBlockHeader(target, offset, length);
    return this.encoding.writeOpening(target, at, seq);
  }
}

/** Dispatches of so many bytes and more are compressed where a client asked for it in its Identify. */
const documentFrom = 1024;
const checksumLength = 4;

/**
 * JSON of which long payloads are whole zlib documents in binary frames. Their blocks are those of SharedZlibWire; the
 * checksum at the end is put together from the sums of both parts.
 */
export class PayloadZlibWire extends PlainWire {
  constructor() {
    super(jsonEncoding);
  }

  override tail(tails: EventTails): Tail {
    const plain = tails.plain(this.encoding);
    return plain.length < documentFrom ? plain : tails.deflated(this.encoding);
  }

  override overhead(seq: number, tail: Tail): number {
    if (!(tail instanceof DeflatedTail)) return super.overhead(seq, tail);
    const around = this.documentLength(seq);
    return frameHeaderLength(around + tail.length) + around;
  }

  override writeHead(target: Uint8Array, offset: number, seq: number, tail: Tail): number {
    if (!(tail instanceof DeflatedTail)) return super.writeHead(target, offset, seq, tail);
    let at = writeFrameHeader(target, offset, finBinary, this.documentLength(seq) + tail.length);
    target.set(zlibHeader, at);
    at = writeStoredHeader(target, at + zlibHeader.length, this.encoding.openingLength(seq));
    return this.encoding.writeOpening(target, at, seq);
  }

  override writeEnd(target: Uint8Array, offset: number, seq: number, tail: Tail): number {
    if (!(tail instanceof DeflatedTail)) return offset;
    target.set(lastBlock, offset);
    const at = offset + lastBlock.length;
    const opening = new Uint8Array(this.encoding.openingLength(seq));
    this.encoding.writeOpening(opening, 0, seq);
    const sum = adler32Of(adler32(opening), tail.adler, tail.plain.length);
    new DataView(target.buffer, target.byteOffset).setUint32(at, sum);
    return at + checksumLength;
  }

  /** Bytes of a document that are not the tail's. */
  private documentLength(seq: number): number {
    const inner = storedHeaderLength + this.encoding.openingLength(seq);
    return zlibHeader.length + inner + lastBlock.length + checksumLength;
  }
}

function storedHeader(length: number): Uint8Array {
  const header = new Uint8Array(storedHeaderLength);
  writeStoredHeader(header, 0, length);
  return header;
}

function join(parts: readonly Uint8Array[]): Tail {
  const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  return { parts: [bytes], length: bytes.length };
}
