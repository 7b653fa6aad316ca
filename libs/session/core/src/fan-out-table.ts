import { SparseMap } from '@derailed/shared/kernel';
import type { Held } from './replay-buffer';
import type { VolatileEvent } from './missed-presences';
import type { Session } from './session';

/** Whom an event is for. */
export interface Filter {
  /** Not empty: classes that see this channel. */
  readonly channelId: string;
  /** Not 0: sessions with one of these intent bits. */
  readonly intents: number;
  /** Not empty: classes with one of these permission bits (decimal). */
  readonly permissions: string;
  /** Not empty: this user's sessions need no intents. */
  readonly alwaysUserId: string;
  /** Only classes that may manage the channel. */
  readonly managesChannel: boolean;
  /** Each once: these users' sessions get it with one of alsoIntents too. */
  readonly alsoUserIds: readonly string[];
  readonly alsoIntents: number;
}

/** The sessions of these classes and these sessions, without the excepted ones, as far as their intents want it. */
export interface Addressees {
  readonly classIds: readonly number[];
  readonly sessionIds: readonly string[];
  readonly exceptSessionIds: readonly string[];
  readonly intents: number;
}

interface VisibilityClass {
  readonly id: number;
  channels: ReadonlySet<string>;
  managed: ReadonlySet<string>;
  permissions: bigint;
}

/** Sessions that pass or fail every filter together. */
interface Group {
  readonly of: VisibilityClass;
  readonly intents: number;
  /** All of them hold back volatile events: tested once a group, not once a recipient. */
  readonly quiet: boolean;
  /** Dense; the order means nothing. */
  readonly sessions: Session[];
}

interface Row {
  readonly session: Session;
  group: Group;
  /** Place in group.sessions. */
  place: number;
}

const nobody: readonly Session[] = [];
const noChannels: ReadonlySet<string> = new Set();

/**
 * The subscribers of one audience on this node, grouped by class and intents, so that an event costs one check a
 * group and one step a recipient.
 */
export class FanOutTable {
  private readonly classes = new SparseMap<number, VisibilityClass>();
  private readonly groups = new SparseMap<string, Group>();
  private readonly byUser = new SparseMap<string, Row[]>();
  private count = 0;
  private quietGroups = 0;

  get size(): number {
    return this.count;
  }

  /** Whether any session here holds back volatile events. */
  get hasQuiet(): boolean {
    return this.quietGroups > 0;
  }

  /** Defines a class, or what it sees from now on. */
  setClass(
    id: number,
    channelIds: readonly string[],
    permissions: string,
    managedChannelIds: readonly string[] = [],
  ): void {
    const known = this.classOf(id);
    known.channels = new Set(channelIds);
    known.managed = managedChannelIds.length === 0 ? noChannels : new Set(managedChannelIds);
    known.permissions = BigInt(permissions || '0');
  }

  has(session: Session): boolean {
    return this.rowOf(session) !== undefined;
  }

  add(session: Session, classId: number): void {
    if (this.has(session)) return;
    const { group, place } = this.enter(session, classId);
    const row: Row = { session, group, place };
    const rows = this.byUser.get(session.userId);
    if (rows === undefined) this.byUser.set(session.userId, [row]);
    else rows.push(row);
    this.count++;
  }

  remove(session: Session): boolean {
    const rows = this.byUser.get(session.userId);
    const at = rows?.findIndex((row) => row.session === session) ?? -1;
    const row = rows?.[at];
    if (rows === undefined || row === undefined) return false;
    rows.splice(at, 1);
    if (rows.length === 0) this.byUser.delete(session.userId);
    this.leaveGroup(row);
    this.count--;
    return true;
  }

  reclass(userId: string, classId: number): void {
    for (const row of this.byUser.get(userId) ?? []) {
      if (row.group.of.id !== classId) this.regroup(row, classId);
    }
  }

  /** Has to be called when session.quiet has changed. */
  quietChanged(session: Session): void {
    const row = this.rowOf(session);
    if (row !== undefined && row.group.quiet !== session.quiet) this.regroup(row, row.group.of.id);
  }

  /** Runs the task as if these sessions were not here. */
  without(sessions: readonly Session[], task: () => number): number {
    const rows = sessions.map((session) => this.rowOf(session)).filter((row) => row !== undefined);
    for (const row of rows) this.leaveGroup(row);
    const result = task();
    for (const row of rows) Object.assign(row, this.enter(row.session, row.group.of.id));
    return result;
  }

  sessionsOf(userId: string): readonly Session[] {
    return this.byUser.get(userId)?.map(({ session }) => session) ?? nobody;
  }

  /** The channels that each session's class sees. */
  sights(): Map<Session, ReadonlySet<string>> {
    const sights = new Map<Session, ReadonlySet<string>>();
    for (const { of, sessions } of this.groups.values()) {
      for (const session of sessions) sights.set(session, of.channels);
    }
    return sights;
  }

  /** Whether the class sees these channels and no others. */
  seesJust(classId: number, channels: ReadonlySet<string>): boolean {
    const seen = this.classOf(classId).channels;
    return seen.size === channels.size && [...seen].every((id) => channels.has(id));
  }

  all(): Session[] {
    return [...this.byUser.values()].flatMap((rows) => rows.map(({ session }) => session));
  }

  /**
   * Hands the dispatch to every session that the filter lets pass; how many that were.
   * @param onlyClass leaves out all other classes
   * @param volatile what quiet sessions keep of it, if anything; undefined: they get it like all others
   */
  deliver(dispatch: Held, filter: Filter, onlyClass?: number, volatile?: VolatileEvent): number {
    const { channelId, intents, alwaysUserId, managesChannel, alsoUserIds } = filter;
    const permissions = bitsOf(filter.permissions);
    let delivered = 0;
    for (const group of this.groups.values()) {
      if (onlyClass !== undefined && group.of.id !== onlyClass) continue;
      if (!sees(group.of, channelId, permissions, managesChannel)) continue;
      if (intents !== 0 && (group.intents & intents) === 0) continue;
      if (group.quiet && volatile !== undefined) {
        for (const session of group.sessions) session.miss(dispatch, volatile);
        continue;
      }
      for (const session of group.sessions) session.take(dispatch);
      delivered += group.sessions.length;
    }
    if (intents === 0) return delivered;
    if (alwaysUserId !== '') delivered += this.deliverBeside(dispatch, filter, alwaysUserId, 0, volatile);
    for (const userId of alsoUserIds)
      delivered += this.deliverBeside(dispatch, filter, userId, filter.alsoIntents, volatile);
    return delivered;
  }

  /** To those sessions of a user that the filter's own intents leave out. @param enough intents; 0: none is needed */
  private deliverBeside(
    dispatch: Held,
    { channelId, intents, permissions, managesChannel }: Filter,
    userId: string,
    enough: number,
    volatile: VolatileEvent | undefined,
  ): number {
    let delivered = 0;
    for (const { session, group } of this.byUser.get(userId) ?? []) {
      if ((group.intents & intents) !== 0 || (enough !== 0 && (group.intents & enough) === 0)) continue;
      if (!sees(group.of, channelId, bitsOf(permissions), managesChannel)) continue;
      if (group.quiet && volatile !== undefined) {
        session.miss(dispatch, volatile);
        continue;
      }
      session.take(dispatch);
      delivered++;
    }
    return delivered;
  }

  private regroup(row: Row, classId: number): void {
    this.leaveGroup(row);
    const { group, place } = this.enter(row.session, classId);
    row.group = group;
    row.place = place;
  }

  /** Hands the dispatch to those whom it names; how many that were. */
  deliverTo(dispatch: Held, { classIds, sessionIds, exceptSessionIds, intents }: Addressees): number {
    const excepted = new Set(exceptSessionIds);
    const named = new Set(sessionIds);
    let delivered = 0;
    for (const { of, intents: wanted, sessions } of this.groups.values()) {
      if (intents !== 0 && (wanted & intents) === 0) continue;
      const inClass = classIds.includes(of.id);
      if (!inClass && named.size === 0) continue;
      for (const session of sessions) {
        if (inClass ? excepted.has(session.id) : !named.has(session.id)) continue;
        session.take(dispatch);
        delivered++;
      }
    }
    return delivered;
  }

  private rowOf(session: Session): Row | undefined {
    return this.byUser.get(session.userId)?.find((row) => row.session === session);
  }

  private leaveGroup({ group, place }: Row): void {
    const moved = group.sessions.pop();
    if (moved !== undefined && place < group.sessions.length) {
      group.sessions[place] = moved;
      const row = this.rowOf(moved);
      if (row !== undefined) row.place = place;
    }
    if (group.sessions.length > 0) return;
    this.groups.delete(keyOf(group.of.id, group.intents, group.quiet));
    if (group.quiet) this.quietGroups--;
  }

  /** A class that nobody defined yet sees nothing. */
  private classOf(id: number): VisibilityClass {
    let known = this.classes.get(id);
    if (known === undefined) {
      known = { id, channels: noChannels, managed: noChannels, permissions: 0n };
      this.classes.set(id, known);
    }
    return known;
  }

  private enter(session: Session, classId: number): Pick<Row, 'group' | 'place'> {
    const { intents } = session.traits;
    const { quiet } = session;
    const key = keyOf(classId, intents, quiet);
    const known = this.groups.get(key);
    if (known !== undefined) return { group: known, place: known.sessions.push(session) - 1 };
    // Born with its one session: an empty array that grows takes room for seventeen, and most users stay alone.
    const group = { of: this.classOf(classId), intents, quiet, sessions: [session] };
    this.groups.set(key, group);
    if (quiet) this.quietGroups++;
    return { group, place: 0 };
  }
}

function bitsOf(permissions: string): bigint {
  return permissions === '' ? 0n : BigInt(permissions);
}

function keyOf(classId: number, intents: number, quiet: boolean): string {
  return quiet ? `${classId}:${intents}:quiet` : `${classId}:${intents}`;
}

function sees(visible: VisibilityClass, channelId: string, permissions: bigint, manages: boolean): boolean {
  return (
    (channelId === '' || (manages ? visible.managed : visible.channels).has(channelId)) &&
    (permissions === 0n || (visible.permissions & permissions) !== 0n)
  );
}
