import { parseLossless } from '@derailed/shared/protocol';
import { partBytes } from './replay';
import type { Held } from './replay-buffer';

/** An event that a client which does not keep up can do without. */
export interface VolatileEvent {
  /** The guild that it is of; empty for a user's. */
  readonly guildId: string;
  /** Not empty: a presence of this user, of which the last one counts. */
  readonly aboutUserId: string;
}

const mostPresences = 1024;

/** The last presence of each user that a session was not sent. Bounded: what was missed longest ago goes first. */
export class MissedPresences {
  private readonly byKey = new Map<string, Held>();
  private bytes = 0;

  put(presence: Held, { guildId, aboutUserId }: VolatileEvent): void {
    const key = `${guildId}:${aboutUserId}`;
    this.remove(key);
    this.byKey.set(key, presence);
    this.bytes += presence.bytes;
    for (const oldest of this.byKey.keys()) {
      if (this.byKey.size <= mostPresences && this.bytes <= partBytes) return;
      this.remove(oldest);
    }
  }

  /** The user is no member of the guild any more: what it was there is over, and nobody says that it is offline. */
  forget(guildId: string, aboutUserId: string): void {
    this.remove(`${guildId}:${aboutUserId}`);
  }

  /** The session is out of the guild: its presences are not for it any more. */
  leave(guildId: string): void {
    for (const key of [...this.byKey.keys()]) if (key.startsWith(`${guildId}:`)) this.remove(key);
  }

  all(): Iterable<Held> {
    return this.byKey.values();
  }

  /** What put() was told, the oldest first. */
  *entries(): IterableIterator<VolatileEvent & { readonly presence: Held }> {
    for (const [key, presence] of this.byKey) {
      const [guildId = '', aboutUserId = ''] = key.split(':');
      yield { guildId, aboutUserId, presence };
    }
  }

  private remove(key: string): void {
    this.bytes -= this.byKey.get(key)?.bytes ?? 0;
    this.byKey.delete(key);
  }
}

const maxDepth = 64;

/** Whose presence the data of a PRESENCE_UPDATE is, one that the monolith published; empty when it does not say. */
export function userOfPresence(data: Uint8Array): string {
  try {
    const presence = parseLossless(new TextDecoder().decode(data), maxDepth) as {
      user?: { id?: unknown };
    } | null;
    return String(presence?.user?.id ?? '');
  } catch {
    return '';
  }
}
