import { createRequire } from 'node:module';
import * as zlib from 'node:zlib';
import { DeflateRaw, ZstdCompress, constants } from 'minizlib';

/** A compressor with a memory of what went before, of one connection. */
export interface Compressor {
  /** The bytes of one payload, flushed: a peer that has them has the payload. */
  compress(payload: Uint8Array): Uint8Array;
  /** Forgets what went before; where it can't, nothing else may be put into the stream. */
  reset?(): void;
  close(): void;
}

/** A kind of compressor. */
export interface CompressorKind {
  /**
   * Resident bytes of one, as the bench `compression` measures them: most of a deflater is a hash table that the zlib in
   * Node makes with 32,768 entries however little memory it is told to use.
   */
  readonly cost: number;
  open(): Compressor;
}

/** Memory that output is made in; most payloads of a warm compressor are far shorter. */
const chunkBytes = 512;

/** 4 KB of history: on messages 9.5 to 1, where the full 32 KB give 11 to 1 for three times the memory. */
const deflateSettings = { windowBits: 12, memLevel: 3, level: 6 } as const;

export const deflateContexts: CompressorKind = { cost: 96 * 1024, open: () => new DeflateContext() };

/** minizlib hands its options on to Node, of which its types know some. */
const deflateOptions = { ...deflateSettings, chunkSize: chunkBytes, flush: constants.Z_SYNC_FLUSH };

/** Node has no call of its own that goes on with a stream at once; minizlib, which npm stands on, does that. */
class DeflateContext implements Compressor {
  private readonly stream = new DeflateRaw(deflateOptions);

  compress(payload: Uint8Array): Uint8Array {
    this.stream.write(Buffer.from(payload.buffer, payload.byteOffset, payload.length));
    return this.stream.read() as Buffer;
  }

  reset(): void {
    this.stream.reset();
  }

  close(): void {
    this.stream.close();
  }
}

const zstdSettings = { compressionLevel: 3, windowLog: 12, hashLog: 11, chainLog: 11 } as const;
type ZstdParameter = keyof typeof zstdSettings;
const zstdParameters = Object.keys(zstdSettings) as ZstdParameter[];
const zstdCost = 64 * 1024;
const zstdOptions = {
  chunkSize: chunkBytes,
  flush: constants.ZSTD_e_flush,
  params: Object.fromEntries(zstdParameters.map((name) => [constants[`ZSTD_c_${name}`], zstdSettings[name]])),
};

/** Of the Node that runs, or of zstd-napi when an operator installed it; undefined when there is neither. */
export function zstdContexts(): CompressorKind | undefined {
  if ('createZstdCompress' in zlib) return { cost: zstdCost, open: () => new NodeZstdContext() };
  const binding = loadZstdNapi();
  return binding && { cost: zstdCost, open: () => new NapiZstdContext(binding) };
}

/** From Node 22.15 on. */
class NodeZstdContext implements Compressor {
  private readonly stream = new ZstdCompress(zstdOptions);

  compress(payload: Uint8Array): Uint8Array {
    this.stream.write(Buffer.from(payload.buffer, payload.byteOffset, payload.length));
    return this.stream.read() as Buffer;
  }

  close(): void {
    this.stream.close();
  }
}

/** What is used of zstd-napi/binding. */
export interface ZstdNapi {
  readonly CCtx: new () => {
    setParameter(parameter: number, value: number): void;
    /** Answers how many bytes wait to be flushed, were written and were read. */
    compressStream2(target: Uint8Array, source: Uint8Array, directive: number): [number, number, number];
  };
  readonly CParameter: Readonly<Record<ZstdParameter, number>>;
  readonly EndDirective: { readonly flush: number };
}

function loadZstdNapi(): ZstdNapi | undefined {
  try {
    return createRequire(__filename)('zstd-napi/binding') as ZstdNapi;
  } catch {
    return undefined;
  }
}

class NapiZstdContext implements Compressor {
  private readonly context: InstanceType<ZstdNapi['CCtx']>;

  constructor(private readonly binding: ZstdNapi) {
    this.context = new binding.CCtx();
    for (const name of zstdParameters)
      this.context.setParameter(binding.CParameter[name], zstdSettings[name]);
  }

  compress(payload: Uint8Array): Uint8Array {
    const { flush } = this.binding.EndDirective;
    const parts: Uint8Array[] = [];
    for (let from = 0; ;) {
      const target = Buffer.allocUnsafe(Math.max(chunkBytes, (payload.length - from) >> 2));
      const [waiting, written, read] = this.context.compressStream2(target, payload.subarray(from), flush);
      parts.push(target.subarray(0, written));
      from += read;
      if (waiting === 0 && from === payload.length)
        return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    }
  }

  /** Its memory goes with it. */
  close(): void {}
}
