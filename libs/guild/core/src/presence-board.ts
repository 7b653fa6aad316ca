import type { Snowflake } from '@derailed/shared/kernel';
import { presenceUpdateJson } from '@derailed/shared/protocol';
import type { PresenceChanged } from './messages';

/** What the members of a guild show of themselves, as its Presence last told. Who is not here is offline. */
export class PresenceBoard {
  /** User id to JSON text, as in PRESENCE_UPDATE without guild_id. */
  private readonly shown = new Map<Snowflake, string>();

  /** Members that are not offline. */
  get size(): number {
    return this.shown.size;
  }

  /** False when that is what was known already. */
  put(presence: PresenceChanged): boolean {
    const { userId, status, activities, clientStatus } = presence;
    if (status === 'offline') return this.shown.delete(userId);
    const text = presenceUpdateJson({ userId, status, activities, clientStatus });
    if (this.shown.get(userId) === text) return false;
    this.shown.set(userId, text);
    return true;
  }

  remove(userId: Snowflake): void {
    this.shown.delete(userId);
  }

  clear(): void {
    this.shown.clear();
  }

  get(userId: Snowflake): string | undefined {
    return this.shown.get(userId);
  }

  all(): string[] {
    return [...this.shown.values()];
  }
}
