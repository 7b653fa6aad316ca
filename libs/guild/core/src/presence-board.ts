import type { Snowflake } from '@derailed/shared/kernel';
import { presenceUpdateJson } from '@derailed/shared/protocol';
import type { PresenceChanged } from './messages';

/** What the members of a guild show of themselves, as its Presence last told. Who is not here is offline. */
export class PresenceBoard {
  private readonly shown = new Map<Snowflake, PresenceChanged>();

  /** Members that are not offline. */
  get size(): number {
    return this.shown.size;
  }

  /** False when that is what was known already. */
  put(presence: PresenceChanged): boolean {
    const { userId, status, activities, clientStatus } = presence;
    if (status === 'offline') return this.shown.delete(userId);
    const known = this.shown.get(userId);
    if (
      known !== undefined &&
      known.status === status &&
      known.activities === activities &&
      known.clientStatus === clientStatus
    )
      return false;
    this.shown.set(userId, presence);
    return true;
  }

  remove(userId: Snowflake): void {
    this.shown.delete(userId);
  }

  clear(): void {
    this.shown.clear();
  }

  has(userId: Snowflake): boolean {
    return this.shown.has(userId);
  }

  /** JSON text, as in PRESENCE_UPDATE without guild_id; undefined when offline. */
  get(userId: Snowflake): string | undefined {
    const presence = this.shown.get(userId);
    return presence && textOf(presence);
  }

  all(): string[] {
    return Array.from(this.shown.values(), textOf);
  }
}

/** Without the guild's id, which what came over a link has too. */
function textOf({ userId, status, activities, clientStatus }: PresenceChanged): string {
  return presenceUpdateJson({ userId, status, activities, clientStatus });
}
