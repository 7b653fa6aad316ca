import type { Snowflake } from '@derailed/shared/kernel';
import type { Sight } from './sight';

/** A visibility class as it was at one moment: the members with this number saw this. Never changed, only replaced. */
export interface ClassView {
  readonly id: number;
  readonly sight: Sight;
}

/** A class whose members all see something else now, together. */
export interface Redefined {
  readonly before: ClassView;
  readonly after: ClassView;
}

/** A user who belongs to another class now. */
export interface Moved {
  readonly userId: Snowflake;
  readonly before: ClassView;
  readonly after: ClassView;
}

/**
 * What a change did to the classes. This is the one place where what a member saw and what it sees now are known
 * together; redefinitions come before the moves that mention them.
 */
export interface Reclassing {
  readonly redefined: readonly Redefined[];
  readonly moved: readonly Moved[];
}

interface Entry {
  view: ClassView;
  users: number;
}

/**
 * Numbers the sights of the subscribed users. A class lives as long as it has users; numbers are used again, so
 * that a session-node's tables never grow beyond the most classes that there were at once.
 */
export class Classes {
  private readonly entries = new Map<number, Entry>();
  private readonly byKey = new Map<string, Entry>();
  private readonly byUser = new Map<Snowflake, Entry>();
  private readonly free: number[] = [];

  get size(): number {
    return this.entries.size;
  }

  has(userId: Snowflake): boolean {
    return this.byUser.has(userId);
  }

  /** Of all that are in use. */
  *views(): IterableIterator<ClassView> {
    for (const { view } of this.entries.values()) yield view;
  }

  viewOf(userId: Snowflake): ClassView | undefined {
    return this.byUser.get(userId)?.view;
  }

  /** Puts a user into the class of its sight: for a user that is new, or whose own sight alone may have changed. */
  assign(userId: Snowflake, sight: Sight): Moved | undefined {
    const before = this.byUser.get(userId);
    if (before?.view.sight.key === sight.key) return undefined;
    const after = this.entryOf(sight);
    this.put(userId, after);
    if (before === undefined) return undefined;
    const moved = { userId, before: before.view, after: after.view };
    this.leave(before);
    return moved;
  }

  remove(userId: Snowflake): void {
    const entry = this.byUser.get(userId);
    if (entry === undefined) return;
    this.byUser.delete(userId);
    this.leave(entry);
  }

  /**
   * After a change that touches everybody. The largest part of a class that still sees the same keeps the number,
   * and the class is redefined; the rest moves. So what changes for all alike is said once, not for each user.
   */
  reassign(sightOf: (userId: Snowflake) => Sight | undefined): Reclassing {
    const parts = this.partsBySight(sightOf);
    const before = new Map([...parts.keys()].map((entry) => [entry, entry.view]));
    const kept = this.keepNumbers(parts);
    const redefined = this.redefine(kept);
    const moved: Moved[] = [];
    for (const [entry, bySight] of parts) {
      for (const [sight, userIds] of bySight) {
        if (kept.get(entry) === sight) continue;
        for (const userId of userIds) {
          const target = this.entryOf(sight);
          this.put(userId, target);
          this.leave(entry);
          moved.push({ userId, before: before.get(entry) as ClassView, after: target.view });
        }
      }
    }
    return { redefined, moved };
  }

  private redefine(kept: Map<Entry, Sight>): Redefined[] {
    const redefined: Redefined[] = [];
    for (const [entry, sight] of kept) {
      const before = entry.view;
      if (before.sight.key === sight.key) continue;
      if (this.byKey.get(before.sight.key) === entry) this.byKey.delete(before.sight.key);
      entry.view = { id: before.id, sight };
      redefined.push({ before, after: entry.view });
    }
    for (const entry of kept.keys()) this.byKey.set(entry.view.sight.key, entry);
    return redefined;
  }

  /** For each class: what its users see now, and who of them sees that. */
  private partsBySight(
    sightOf: (userId: Snowflake) => Sight | undefined,
  ): Map<Entry, Map<Sight, Snowflake[]>> {
    const parts = new Map<Entry, Map<Sight, Snowflake[]>>();
    for (const [userId, entry] of this.byUser) {
      const sight = sightOf(userId);
      if (sight === undefined) continue;
      let bySight = parts.get(entry);
      if (bySight === undefined) parts.set(entry, (bySight = new Map()));
      const users = bySight.get(sight);
      if (users === undefined) bySight.set(sight, [userId]);
      else users.push(userId);
    }
    return parts;
  }

  /** Which sight each class goes on with: its own if somebody still has it, else that of its largest part. */
  private keepNumbers(parts: Map<Entry, Map<Sight, Snowflake[]>>): Map<Entry, Sight> {
    const kept = new Map<Entry, Sight>();
    const taken = new Set<string>();
    for (const [entry, bySight] of parts) {
      for (const sight of bySight.keys()) {
        if (sight.key !== entry.view.sight.key) continue;
        kept.set(entry, sight);
        taken.add(sight.key);
      }
    }
    for (const [entry, bySight] of parts) {
      if (kept.has(entry)) continue;
      const [largest] = [...bySight].sort(([, one], [, other]) => other.length - one.length);
      if (largest === undefined || taken.has(largest[0].key)) continue;
      kept.set(entry, largest[0]);
      taken.add(largest[0].key);
    }
    return kept;
  }

  private entryOf(sight: Sight): Entry {
    const known = this.byKey.get(sight.key);
    if (known !== undefined) return known;
    const entry: Entry = { view: { id: this.free.pop() ?? this.entries.size + 1, sight }, users: 0 };
    this.entries.set(entry.view.id, entry);
    this.byKey.set(sight.key, entry);
    return entry;
  }

  private put(userId: Snowflake, entry: Entry): void {
    entry.users++;
    this.byUser.set(userId, entry);
  }

  private leave(entry: Entry): void {
    if (--entry.users > 0) return;
    this.entries.delete(entry.view.id);
    this.free.push(entry.view.id);
    if (this.byKey.get(entry.view.sight.key) === entry) this.byKey.delete(entry.view.sight.key);
  }
}
