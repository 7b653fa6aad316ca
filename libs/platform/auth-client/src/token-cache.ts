import { createHash } from 'node:crypto';
import type { User } from '@derailed/shared/protocol';

interface Entry {
  readonly user: User;
  readonly until: number;
}

/**
 * Users by a hash of their token, for `ttl` milliseconds after the token was found valid; a look does not prolong it.
 * Holds `size` entries at most, and forgets the oldest.
 */
export class TokenCache {
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly ttl: number,
    private readonly size: number,
  ) {}

  get(token: string, now: number): User | undefined {
    const key = keyOf(token);
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    if (now < entry.until) return entry.user;
    this.entries.delete(key);
    return undefined;
  }

  /** `askedAt` is when the question was put, not when the answer came: the password may have changed in between. */
  put(token: string, user: User, askedAt: number): void {
    if (this.ttl === 0 || this.size === 0) return;
    const key = keyOf(token);
    this.entries.delete(key);
    if (this.entries.size >= this.size) {
      const oldest = this.entries.keys().next();
      if (!oldest.done) this.entries.delete(oldest.value);
    }
    this.entries.set(key, { user, until: askedAt + this.ttl });
  }
}

function keyOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
