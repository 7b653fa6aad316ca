/** Pieces of a zstd frame (RFC 8878, section 3.1.1) made of raw blocks: what needs no compressor, and can be shared. */

/** The most bytes of one block, and the window that the frame announces. */
export const zstdBlockBytes = 131_072;

/** Magic number; no content size, checksum or dictionary; a window of 128 KB. */
export const zstdFrameHeader = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38);

export const zstdBlockHeaderLength = 3;

/** Writes the header of a raw block that is not the last one. @returns the offset behind it */
export function writeRawBlockHeader(target: Uint8Array, offset: number, length: number): number {
  target[offset] = (length << 3) & 0xff;
  target[offset + 1] = (length >>> 5) & 0xff;
  target[offset + 2] = length >>> 13;
  return offset + zstdBlockHeaderLength;
}
