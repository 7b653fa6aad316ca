import type { Snowflake } from '@derailed/shared/kernel';
import { presenceUpdateJson } from '@derailed/shared/protocol';
import type { PresenceChanged } from './messages';

/** Users who have left and of whom something is remembered. */
const mostAbsent = 4096;

/**
 * What the members of a guild show of themselves, as its Presence last told. Who is not here is offline. What is told
 * of somebody who has left is kept for when it is back: its Presence need not have noticed, and says nothing twice.
 */
export class PresenceBoard {
  private readonly shown = new Map<Snowflake, PresenceChanged>();
  private readonly absent = new Map<Snowflake, PresenceChanged>();
  private whole = false;
  private given = false;

  /** Members that are not offline. */
  get size(): number {
    return this.shown.size;
  }

  /** Whether the Presence has told all once. */
  get isWhole(): boolean {
    return this.whole;
  }

  /** False when that is what was known already, or nobody's business now. */
  put(presence: PresenceChanged): boolean {
    const { userId, status, activities, clientStatus } = presence;
    if (this.absent.delete(userId)) {
      if (status !== 'offline') this.absent.set(userId, presence);
      return false;
    }
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

  /**
   * All that the Presence knows: who is not named is offline. The first time most of it is what an owner before has told,
   * and only what was otherwise lately is news.
   * @param recent of each: whether it was otherwise lately
   * @returns whom clients may know otherwise
   */
  putAll(presences: readonly PresenceChanged[], recent: readonly boolean[]): Snowflake[] {
    const isAnew = !this.whole;
    const named = new Set(presences.map(({ userId }) => userId));
    const news = [...this.shown.keys()].filter((userId) => !named.has(userId));
    for (const userId of news) this.shown.delete(userId);
    for (const userId of this.absent.keys()) if (!named.has(userId)) this.absent.delete(userId);
    presences.forEach((presence, at) => {
      const isNew = this.put(presence);
      if (isAnew ? recent[at] === true || (isNew && this.given) : isNew) news.push(presence.userId);
    });
    this.whole = true;
    return news;
  }

  /** The user is no member any more. */
  leave(userId: Snowflake): void {
    const presence = this.shown.get(userId);
    if (presence === undefined) return;
    this.shown.delete(userId);
    this.absent.set(userId, presence);
    const [oldest] = this.absent.keys();
    if (this.absent.size > mostAbsent && oldest !== undefined) this.absent.delete(oldest);
  }

  /** The user is a member (again). @returns what is to be told of it */
  join(userId: Snowflake): PresenceChanged | undefined {
    const presence = this.absent.get(userId);
    if (presence === undefined) return undefined;
    this.absent.delete(userId);
    this.shown.set(userId, presence);
    return presence;
  }

  /** The guild is no more. */
  clear(): void {
    this.shown.clear();
    this.absent.clear();
  }

  has(userId: Snowflake): boolean {
    return this.shown.has(userId);
  }

  /** How the user is; undefined: it has left. */
  of(userId: Snowflake): PresenceChanged | undefined {
    if (this.absent.has(userId)) return undefined;
    return this.shown.get(userId) ?? { userId, status: 'offline', activities: '[]', clientStatus: '{}' };
  }

  /** JSON text, as in PRESENCE_UPDATE without guild_id; undefined when offline. */
  get(userId: Snowflake): string | undefined {
    const presence = this.shown.get(userId);
    return presence && textOf(presence);
  }

  /** Of all, for a client. */
  all(): string[] {
    this.given = true;
    return Array.from(this.shown.values(), textOf);
  }

  /** Whom all() names. */
  userIds(): Snowflake[] {
    this.given = true;
    return [...this.shown.keys()];
  }
}

/** Without the guild's id, which what came over a link has too. */
function textOf({ userId, status, activities, clientStatus }: PresenceChanged): string {
  return presenceUpdateJson({ userId, status, activities, clientStatus });
}
