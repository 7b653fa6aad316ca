import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type Snowflake, isSnowflake } from '@derailed/shared/kernel';

/** Longest token that is looked at, in characters; ours have about 90. */
const longest = 512;

/**
 * Tokens `ID.TIME.MAC`, each part base64url: the user id and the milliseconds since the epoch in decimal, and
 * HMAC-SHA-256 of `id.time.hash`. Bound to the password hash, they end when that changes, and nothing has to be stored.
 */
export class TokenSigner {
  constructor(private readonly key: Buffer) {}

  /** `now` is wall time in milliseconds. */
  create(userId: Snowflake, passwordHash: string, now: number): string {
    const time = Math.floor(now).toString();
    const mac = createHmac('sha256', this.key)
      .update(`${userId}.${time}.${passwordHash}`)
      .digest('base64url');
    return `${base64url(userId)}.${base64url(time)}.${mac}`;
  }

  /**
   * Whether this key made the token for this user and hash. What is not even a token takes the same way as a wrong
   * one, and the comparison takes the same time wherever they differ.
   */
  validate(userId: string, passwordHash: string, token: string): boolean {
    const time = Buffer.from(token.slice(0, longest).split('.', 2)[1] ?? '', 'base64url').toString('latin1');
    // Digits only: a dot inside would let the time take the beginning of the hash.
    const wellFormed = isSnowflake(userId) && /^\d{1,15}$/.test(time);
    const expected = this.create(userId, passwordHash, wellFormed ? Number(time) : 0);
    return timingSafeEqual(digest(expected), digest(token)) && wellFormed;
  }
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}

/** timingSafeEqual wants equal lengths. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
