const c1 = 0xcc9e2d51;
const c2 = 0x1b873593;

/**
 * MurmurHash3_x86_32 by Austin Appleby (public domain): the value for the UTF-8 bytes of `text`, unsigned.
 * Frozen: every node of a cluster must agree on it, so a change would re-map all keys.
 * @see https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp
 */
export function murmur3(text: string, seed = 0): number {
  const length = text.length;
  let hash = seed | 0;
  let block = 0;
  for (let at = 0; at < length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) return murmur3Bytes(utf8(text), seed);
    block |= unit << ((at & 3) << 3);
    if ((at & 3) === 3) {
      hash = absorb(hash, block);
      block = 0;
    }
  }
  return finish(hash, block, length);
}

/** The same for bytes. */
export function murmur3Bytes(bytes: ArrayLike<number>, seed = 0): number {
  const length = bytes.length;
  let hash = seed | 0;
  let block = 0;
  for (let at = 0; at < length; at++) {
    block |= bytes[at]! << ((at & 3) << 3);
    if ((at & 3) === 3) {
      hash = absorb(hash, block);
      block = 0;
    }
  }
  return finish(hash, block, length);
}

function scramble(block: number): number {
  const mixed = Math.imul(block, c1);
  return Math.imul((mixed << 15) | (mixed >>> 17), c2);
}

function absorb(hash: number, block: number): number {
  const mixed = hash ^ scramble(block);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number, tail: number, length: number): number {
  let mixed = hash ^ scramble(tail) ^ length;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** A lone surrogate becomes U+FFFD, as in every encoder of the web platform. */
function utf8(text: string): number[] {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0)!;
    const point = code >= 0xd800 && code <= 0xdfff ? 0xfffd : code;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63));
    else if (point < 0x10000)
      bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
    else
      bytes.push(
        0xf0 | (point >> 18),
        0x80 | ((point >> 12) & 63),
        0x80 | ((point >> 6) & 63),
        0x80 | (point & 63),
      );
  }
  return bytes;
}
