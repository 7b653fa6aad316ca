import type { Compression, EncodingName } from '@derailed/gateway/core';
import { type PayloadEncoding, etfEncoding, jsonEncoding, zlibHeader } from '@derailed/shared/protocol';
import { type CompressorKind, deflateContexts } from './compressor';
import { ContextWire, Scratch } from './context-wire';
import { BlockCache } from './deflate';
import { PayloadZlibWire, PlainWire, RawZstdWire, SharedZlibWire } from './shared-wires';
import type { Wire } from './wire';

const encodings = { json: jsonEncoding, etf: etfEncoding } as const;

/** Compressed bodies that a node keeps in case they come again. */
const cachedBytes = 16 * 1024 * 1024;

interface PerEncoding {
  readonly json: Wire;
  readonly etf: Wire;
}

function each(make: (encoding: PayloadEncoding) => Wire): PerEncoding {
  return { json: make(jsonEncoding), etf: make(etfEncoding) };
}

/** The wires of a node's connections, and its memory for compressors: given out at connect, as long as it lasts. */
export class Wires {
  /** Long bodies, compressed. */
  readonly blocks = new BlockCache(cachedBytes);
  private readonly plain = each((encoding) => new PlainWire(encoding));
  private readonly zlib = each((encoding) => new SharedZlibWire(encoding));
  private readonly zstd = each((encoding) => new RawZstdWire(encoding));
  private readonly payload = new PayloadZlibWire();
  private readonly scratch = new Scratch();
  private used = 0;
  private count = 0;

  /**
   * @param budget bytes for compressors
   * @param zstdKind undefined: zstd can't be served
   */
  constructor(
    private readonly budget: number,
    private readonly zstdKind: CompressorKind | undefined,
  ) {}

  /** Whether `compress=zstd-stream` can be served. */
  get hasZstd(): boolean {
    return this.zstdKind !== undefined;
  }

  /** Connections that have a compressor. */
  get contexts(): number {
    return this.count;
  }

  /** Bytes of the budget that they take. */
  get contextBytes(): number {
    return this.used;
  }

  /** The wire of one connection, until it is released. Undefined: JSON in text frames. */
  open(encoding: EncodingName, compression: Compression): Wire | undefined {
    switch (compression) {
      case 'none':
        return encoding === 'json' ? undefined : this.plain[encoding];
      case 'payload':
        return this.payload;
      case 'zlib-stream':
        return this.context(encodings[encoding], deflateContexts, zlibHeader) ?? this.zlib[encoding];
      case 'zstd-stream':
        return (
          (this.zstdKind && this.context(encodings[encoding], this.zstdKind, undefined)) ??
          this.zstd[encoding]
        );
    }
  }

  private context(
    encoding: PayloadEncoding,
    { cost, open }: CompressorKind,
    opening: Uint8Array | undefined,
  ): Wire | undefined {
    if (this.used + cost > this.budget) return undefined;
    this.used += cost;
    this.count++;
    return new ContextWire(encoding, open(), opening, this.scratch, () => {
      this.used -= cost;
      this.count--;
    });
  }
}
