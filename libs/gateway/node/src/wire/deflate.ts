import { createHash } from 'node:crypto';
import { constants, deflateRawSync } from 'node:zlib';
import { LruBytes } from './lru-bytes';

const smallestWindow = 9;
const largestWindow = 15;
/** From so many bytes on the fastest level: the event loop waits for it. */
const longBody = 65_536;

/** Deflate blocks of their own: they end with a sync flush, and refer to nothing before them. */
export function deflateBlock(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  const windowBits = Math.min(largestWindow, Math.max(smallestWindow, Math.ceil(Math.log2(bytes.length))));
  return deflateRawSync(bytes, {
    level: bytes.length < longBody ? constants.Z_DEFAULT_COMPRESSION : constants.Z_BEST_SPEED,
    windowBits,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
}

/** Deflated bodies by what is in them: the same GUILD_CREATE or chunk comes again for every session that asks. */
export class BlockCache {
  private readonly kept: LruBytes;

  /** @param limit bytes of all blocks that are kept */
  constructor(limit: number) {
    this.kept = new LruBytes(limit);
  }

  block(parts: readonly Uint8Array[]): Uint8Array {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    const key = hash.digest('base64');
    const known = this.kept.get(key);
    if (known) return known;
    const block = deflateBlock(parts);
    this.kept.set(key, block);
    return block;
  }
}
