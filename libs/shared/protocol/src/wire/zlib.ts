/**
 * Pieces of zlib streams (RFC 1950, RFC 1951) that need no compressor. Between two pieces a stream stands at the border
 * of a byte, which a stored block and a sync flush both see to.
 */

/** Begins a stream: deflate with a window of up to 32 KB, the default level, no dictionary. */
export const zlibHeader = Uint8Array.of(0x78, 0x9c);

/** What a sync flush ends with, and clients look for: an empty stored block. At a byte's border it is one by itself. */
export const syncMarker = Uint8Array.of(0x00, 0x00, 0x00, 0xff, 0xff);

/** An empty stored block that is the last one of its stream. */
export const lastBlock = Uint8Array.of(0x01, 0x00, 0x00, 0xff, 0xff);

/** Bytes that a stored block has in front of its data. */
export const storedHeaderLength = 5;

/** The most bytes that one stored block takes. */
export const longestStored = 65_535;

/** Writes the header of a stored block around so many bytes. @returns the offset behind it */
export function writeStoredHeader(target: Uint8Array, offset: number, length: number): number {
  target[offset] = 0;
  target[offset + 1] = length & 0xff;
  target[offset + 2] = length >>> 8;
  target[offset + 3] = ~length & 0xff;
  target[offset + 4] = (~length >>> 8) & 0xff;
  return offset + storedHeaderLength;
}

const modulus = 65_521;
/** So many bytes can be summed before the sums have to be reduced, within 53 bits by far. */
const stretch = 5552;

/** Adler-32 of `bytes`, behind what `before` is the sum of; 1 stands for nothing. */
export function adler32(bytes: Uint8Array, before = 1): number {
  let low = before & 0xffff;
  let high = before >>> 16;
  for (let from = 0; from < bytes.length; from += stretch) {
    const end = Math.min(from + stretch, bytes.length);
    for (let at = from; at < end; at++) {
      low += bytes[at]!;
      high += low;
    }
    low %= modulus;
    high %= modulus;
  }
  return ((high << 16) | low) >>> 0;
}

/** Adler-32 of two stretches in a row, of which each one's sum is known. @param secondLength bytes of the second */
export function adler32Of(first: number, second: number, secondLength: number): number {
  const firstLow = first & 0xffff;
  const low = (firstLow + (second & 0xffff) + modulus - 1) % modulus;
  const carried = ((secondLength % modulus) * firstLow) % modulus;
  const high = (carried + (first >>> 16) + (second >>> 16) + modulus - (secondLength % modulus)) % modulus;
  return ((high << 16) | low) >>> 0;
}
