import {
  type Tail,
  writeRawBlockHeader,
  zstdBlockBytes,
  zstdBlockHeaderLength,
} from '@derailed/shared/protocol';

/** A tail for zstd's raw blocks: the header of the first one is not in it, because it also spans what stands before. */
export interface BlocksTail extends Tail {
  /** Bytes of the tail in the first block. */
  readonly first: number;
}

/** Room in the first block for what stands before the tail. */
const spare = 64;

/** Cuts a tail into raw blocks. */
export function rawBlocks({ parts, length }: Tail): BlocksTail {
  const first = Math.min(length, zstdBlockBytes - spare);
  if (first === length) return { parts, length, first };
  const cut: Uint8Array[] = [];
  let block = first;
  let room = first;
  let rest = length - first;
  let total = length;
  for (const part of parts) {
    for (let from = 0; from < part.length;) {
      if (room === 0) {
        block = room = Math.min(rest, zstdBlockBytes);
        rest -= block;
        const header = new Uint8Array(zstdBlockHeaderLength);
        writeRawBlockHeader(header, 0, block);
        cut.push(header);
        total += header.length;
      }
      const taken = Math.min(room, part.length - from);
      cut.push(part.subarray(from, from + taken));
      from += taken;
      room -= taken;
    }
  }
  return { parts: cut, length: total, first };
}
