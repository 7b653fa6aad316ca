import type { Snowflake } from '@derailed/shared/kernel';
import { mergePresences, offline, type PublicPresence, samePresence, type SessionPresence } from './merge';

export interface PresenceLimits {
  /** A user's changes are told at most this often (ms), the first of a burst at once. */
  readonly coalesce: number;
  /** How long (ms) the sessions of a session-node that is gone still count. */
  readonly grace: number;
}

/** For how long (ms) a change counts as recent: longer than a guild can be without an owner. */
const recentFor = 60_000;

export const defaultPresenceLimits: PresenceLimits = { coalesce: 1000, grace: 10_000 };

/** derailed.link.v1.PresenceChanged. */
export interface PresenceChange extends PublicPresence {
  readonly guildId: Snowflake;
  readonly userId: Snowflake;
}

interface SessionEntry {
  readonly id: string;
  readonly node: string;
  readonly presence: SessionPresence;
  /** Of the session's nodes the later ones have greater ones. 0: it was not said. */
  readonly hop: number;
}

interface UserEntry {
  /** The one that changed last at the end. Most users have one. */
  sessions: readonly SessionEntry[];
  told: PublicPresence;
  /** False: what was told last may not have arrived. */
  delivered: boolean;
  /** Monotonic ms before which nothing more is told. */
  quietUntil: number;
}

/** derailed.link.v1.PresenceBoard: who is not named is offline. */
export interface Board {
  readonly presences: PresenceChange[];
  /** Of each: whether it was told something else not longer ago than a minute. */
  readonly recent: boolean[];
}

const nothing: readonly PresenceChange[] = [];

/**
 * What the members of one guild show of themselves, merged over their sessions. Every method returns the changes
 * that the guild is to be told; equal states are not told twice. An entry goes when its user is offline and quiet.
 */
export class GuildPresence {
  private readonly users = new Map<Snowflake, UserEntry>();
  /** Users that have a change to tell, or nothing left to remember, once they were quiet long enough. */
  private readonly due = new Set<Snowflake>();
  /** No later than the first of them is due. Too early does no harm, and asking costs nothing however many there are. */
  private dueAt: number | undefined;
  /** Session-nodes that are gone: which of their sessions have not been heard of since, and until when they count. */
  private readonly away = new Map<
    string,
    { readonly deadline: number; readonly sessions: Map<string, Snowflake> }
  >();

  /** Sessions whose nodes have let them go to others that have not spoken yet: until when they count. By session, the first first. */
  private readonly left = new Map<
    string,
    { readonly deadline: number; readonly node: string; readonly userId: Snowflake }
  >();

  private held = false;

  constructor(
    readonly guildId: Snowflake,
    private readonly limits: PresenceLimits = defaultPresenceLimits,
  ) {}

  /** Nothing is remembered: the object can go. */
  get empty(): boolean {
    return this.users.size === 0;
  }

  /** Users of whom something is remembered. */
  get size(): number {
    return this.users.size;
  }

  /** Not all sessions have been heard of: nothing is told until release(). */
  hold(): void {
    this.held = true;
  }

  get isHeld(): boolean {
    return this.held;
  }

  release(now: number): readonly PresenceChange[] {
    this.held = false;
    this.dueAt = now;
    return this.tick(now);
  }

  /**
   * A session says what it shows.
   * @param node the session-node that it lives on, or lived on: the word of an earlier one than spoke last is ignored
   * @param hop greater at each node that the session goes to; 0: not said
   */
  upsert(
    node: string,
    userId: Snowflake,
    sessionId: string,
    presence: SessionPresence,
    now: number,
    hop = 0,
  ): readonly PresenceChange[] {
    const entry: SessionEntry = { id: sessionId, node, presence, hop };
    let user = this.users.get(userId);
    if (user === undefined) {
      user = { sessions: [entry], told: offline, delivered: true, quietUntil: now };
      this.users.set(userId, user);
    } else {
      const known = user.sessions.find(({ id }) => id === sessionId);
      if (known !== undefined && hop > 0 && hop < known.hop) return nothing;
      // What is said again, from another node perhaps, does not make it the last that spoke.
      if (known !== undefined && saysTheSame(known.presence, presence))
        user.sessions = user.sessions.map((other) => (other === known ? entry : other));
      // Not pushed: an empty array that grows takes room for seventeen.
      else user.sessions = without(user, sessionId).concat(entry);
    }
    this.away.get(node)?.sessions.delete(sessionId);
    this.left.delete(sessionId);
    return this.settle(userId, user, now);
  }

  /** The node has let the session go to another one, which speaks for it, or will within the grace period. */
  moved(node: string, userId: Snowflake, sessionId: string, now: number): readonly PresenceChange[] {
    const entry = this.users.get(userId)?.sessions.find(({ id }) => id === sessionId);
    if (entry?.node === node && !this.left.has(sessionId))
      this.left.set(sessionId, { deadline: now + this.limits.grace, node, userId });
    return nothing;
  }

  /** A session shows nothing any more. A word from a node that it has left is ignored. */
  clear(node: string, userId: Snowflake, sessionId: string, now: number): readonly PresenceChange[] {
    const user = this.users.get(userId);
    if (user?.sessions.find(({ id }) => id === sessionId)?.node !== node) return nothing;
    user.sessions = without(user, sessionId);
    this.away.get(node)?.sessions.delete(sessionId);
    this.left.delete(sessionId);
    return this.settle(userId, user, now);
  }

  /** A session-node is gone: those of its sessions that say nothing again within the grace period are cleared. */
  nodeGone(node: string, now: number): readonly PresenceChange[] {
    const sessions = new Map<string, Snowflake>();
    for (const [userId, user] of this.users) {
      for (const entry of user.sessions) if (entry.node === node) sessions.set(entry.id, userId);
    }
    if (sessions.size > 0) this.away.set(node, { deadline: now + this.limits.grace, sessions });
    return nothing;
  }

  /** These never left this node: they are told again after the quiet time. */
  undelivered(changes: readonly PresenceChange[]): void {
    for (const { userId } of changes) {
      const user = this.users.get(userId);
      if (user === undefined) continue;
      user.delivered = false;
      this.plan(userId, user);
    }
  }

  /** All as last told: for a guild-node that may not know it. */
  board(now: number): Board {
    const board: Board = { presences: [], recent: [] };
    for (const [userId, { told, quietUntil }] of this.users) {
      if (told.status === 'offline') continue;
      board.presences.push(this.change(userId, told));
      board.recent.push(now < quietUntil - this.limits.coalesce + recentFor);
    }
    return board;
  }

  /** When tick() has something to do, in monotonic milliseconds. */
  nextWake(): number | undefined {
    let wake = this.dueAt;
    for (const { deadline } of this.away.values()) if (wake === undefined || deadline < wake) wake = deadline;
    for (const { deadline } of this.left.values()) {
      if (wake === undefined || deadline < wake) wake = deadline;
      break;
    }
    return wake;
  }

  tick(now: number): readonly PresenceChange[] {
    const changes: PresenceChange[] = [];
    for (const [node, gone] of this.away) {
      if (gone.deadline > now) continue;
      this.away.delete(node);
      for (const [sessionId, userId] of gone.sessions)
        changes.push(...this.clear(node, userId, sessionId, now));
    }
    for (const [sessionId, { deadline, node, userId }] of this.left) {
      if (deadline > now) break;
      this.left.delete(sessionId);
      changes.push(...this.clear(node, userId, sessionId, now));
    }
    this.dueAt = undefined;
    for (const userId of [...this.due]) {
      const user = this.users.get(userId);
      if (user === undefined) this.due.delete(userId);
      else if (user.quietUntil <= now) changes.push(...this.settle(userId, user, now));
      else this.plan(userId, user);
    }
    return changes;
  }

  /** Tells the user's state if it differs from what was told, now or after the quiet time. */
  private settle(userId: Snowflake, user: UserEntry, now: number): readonly PresenceChange[] {
    const merged = mergePresences(user.sessions.map(({ presence }) => presence));
    const news = !user.delivered || !samePresence(merged, user.told);
    if (this.held) {
      this.due.add(userId);
      return nothing;
    }
    if (user.quietUntil > now) {
      if (news || user.sessions.length === 0) this.plan(userId, user);
      else this.due.delete(userId);
      return nothing;
    }
    this.due.delete(userId);
    if (!news) {
      if (user.sessions.length === 0) this.users.delete(userId);
      return nothing;
    }
    user.told = merged;
    user.delivered = true;
    user.quietUntil = now + this.limits.coalesce;
    if (user.sessions.length === 0) this.plan(userId, user);
    return [this.change(userId, merged)];
  }

  private plan(userId: Snowflake, { quietUntil }: UserEntry): void {
    this.due.add(userId);
    if (this.dueAt === undefined || quietUntil < this.dueAt) this.dueAt = quietUntil;
  }

  private change(userId: Snowflake, { status, activities, clientStatus }: PublicPresence): PresenceChange {
    return { guildId: this.guildId, userId, status, activities, clientStatus };
  }
}

function saysTheSame(one: SessionPresence, other: SessionPresence): boolean {
  return one.status === other.status && one.activities === other.activities && one.client === other.client;
}

function without({ sessions }: UserEntry, sessionId: string): readonly SessionEntry[] {
  return sessions.filter(({ id }) => id !== sessionId);
}
