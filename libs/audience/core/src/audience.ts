import { SparseMap } from '@derailed/shared/kernel';
import { type AudienceEvent, type Draft, type Kind } from './event';
import { EventLog } from './event-log';
import { type AudienceLimits, defaultAudienceLimits } from './limits';
import type { Acked, Publication, Settled, Witnesses } from './outcome';
import { type NodeState, newNode } from './node-state';
import { Pulse } from './pulse';
import { RecentIds } from './recent-ids';

interface Pending<Ticket> {
  readonly index: number;
  readonly id: string;
  readonly since: number;
  /** When its wait is looked at. */
  deadline: number;
  readonly tickets: Ticket[];
  waiting: number;
  sessions: number;
}

const nothing: never[] = [];

/**
 * What a guild and a user have in common: sessions on session-nodes that get the same events in the same order.
 * It gives each event its index, knows which session-nodes hold subscribers, and tells when all of them have an
 * event (design: "ack means delivered to sessions"). Who of a node's sessions may see an event is decided there.
 *
 * One Audience is owned by one node. The shell sends; this class never does. Ticket is whatever the shell wants
 * back when a publish is settled.
 */
export class Audience<Ticket> {
  private readonly nodes = new SparseMap<string, NodeState>();
  private readonly log: EventLog;
  private readonly ids: RecentIds<Pending<Ticket>>;
  /** Unsettled publishes by index, in the order of their deadlines. */
  private readonly pending = new SparseMap<number, Pending<Ticket>>();
  /** Nodes that get what is published now; rebuilt when membership or revocation changes. */
  private current: readonly string[] | undefined;
  /** Nodes that get nothing now, of which nobody else knows; rebuilt with `current`. */
  private unknown: readonly string[] = nothing;
  private lastIndex = 0;
  private sessionCount = 0;

  constructor(
    readonly kind: Kind,
    readonly id: string,
    private readonly witnesses: Witnesses,
    private readonly limits: AudienceLimits = defaultAudienceLimits,
    private readonly pulse = new Pulse(),
  ) {
    this.log = new EventLog(limits.logEvents, limits.logBytes);
    this.ids = new RecentIds(limits.recentIds);
  }

  /** Index of the last event; 0 before the first. A new subscriber sees what comes after it. */
  get index(): number {
    return this.lastIndex;
  }

  /** Whether an event with this id was published before; one that is published again goes nowhere. */
  recognises(eventId: string): boolean {
    return eventId !== '' && this.ids.has(eventId);
  }

  /** Subscribed sessions, on nodes that are revoked too. */
  get sessions(): number {
    return this.sessionCount;
  }

  /** Whether publishes still wait for acks. */
  get busy(): boolean {
    return this.pending.size > 0;
  }

  /**
   * Whether a session-node is behind others, or seems about to be: what it lacks may be acked without it, and it can catch up
   * from this log alone. Where the audience goes the log does not.
   */
  lags(now: number): boolean {
    for (const { revoked, acked, catchesUpTo } of this.nodes.values())
      if (revoked || acked < catchesUpTo) return true;
    for (const { since } of this.pending.values()) return now - since >= this.limits.ackTimeout / 2;
    return false;
  }

  /** Every session-node with subscribers, revoked ones included. */
  nodeIds(): IterableIterator<string> {
    return this.nodes.keys();
  }

  /** Subscribed sessions of a node. */
  sessionsOf(node: string): Pick<SparseMap<string, true>, 'has' | 'keys'> | undefined {
    return this.nodes.get(node)?.sessions;
  }

  /** False when the session was subscribed already. */
  subscribe(node: string, sessionId: string): boolean {
    let state = this.nodes.get(node);
    if (state === undefined) {
      state = newNode(this.lastIndex);
      this.nodes.set(node, state);
      this.current = undefined;
    }
    if (state.sessions.has(sessionId)) return false;
    state.sessions.set(sessionId, true);
    this.sessionCount++;
    return true;
  }

  /** The node stays in the audience until its last session is gone, and is then owed nothing. */
  unsubscribe(node: string, sessionId: string): readonly Settled<Ticket>[] {
    const state = this.nodes.get(node);
    if (!state?.sessions.delete(sessionId)) return nothing;
    this.sessionCount--;
    return state.sessions.size === 0 ? this.removeNode(node) : nothing;
  }

  /** The session-node is gone with all its sessions. */
  removeNode(node: string): readonly Settled<Ticket>[] {
    const state = this.nodes.get(node);
    if (state === undefined) return nothing;
    const settled = this.release(state);
    this.nodes.delete(node);
    this.sessionCount -= state.sessions.size;
    this.current = undefined;
    return settled;
  }

  /**
   * Gives the event its index. A publish whose event id is remembered shares the outcome of the first one; an event
   * without id is always new.
   * @param now monotonic milliseconds
   */
  publish(draft: Draft, ticket: Ticket, now: number): Publication<Ticket> {
    const { id } = draft.event;
    const known = id === '' ? undefined : this.ids.get(id);
    if (known !== undefined) {
      if (known.waiting === 0)
        return { event: undefined, nodes: nothing, settled: [{ ticket, sessions: known.sessions }] };
      known.tickets.push(ticket);
      return { event: undefined, nodes: nothing, settled: nothing };
    }

    const index = ++this.lastIndex;
    const event: AudienceEvent = {
      kind: this.kind,
      audienceId: this.id,
      index,
      event: draft.event,
      channelId: draft.channelId ?? '',
      intents: draft.intents ?? 0,
      permissions: draft.permissions ?? '',
      endsUserId: draft.endsUserId ?? '',
      alwaysUserId: draft.alwaysUserId ?? '',
      closeCode: draft.closeCode ?? 0,
      joinsGuildId: draft.joinsGuildId ?? '',
      leavesGuildId: draft.leavesGuildId ?? '',
      aboutUserId: draft.aboutUserId ?? '',
      aboutOffline: draft.aboutOffline ?? false,
      classIds: draft.classIds ?? nothing,
      sessionIds: draft.sessionIds ?? nothing,
      exceptSessionIds: draft.exceptSessionIds ?? nothing,
      managesChannel: draft.managesChannel ?? false,
      alsoUserIds: draft.alsoUserIds ?? nothing,
      alsoIntents: draft.alsoIntents ?? 0,
    };
    this.log.push(event);

    const nodes = this.receivers();
    const waiting = nodes.length + this.unknown.length;
    const deadline = now + this.limits.ackTimeout;
    const entry: Pending<Ticket> = {
      index,
      id,
      since: now,
      deadline,
      tickets: [ticket],
      waiting,
      sessions: 0,
    };
    if (id !== '') this.ids.put(id, entry);
    for (const node of nodes) {
      const state = this.nodes.get(node);
      if (state !== undefined) state.sent = index;
    }
    if (waiting === 0) return { event, nodes, settled: this.settle(entry) };
    this.pending.set(index, entry);
    for (const node of this.unknown) this.ask(node);
    return { event, nodes, settled: nothing };
  }

  /**
   * The node has all up to `index` in its sessions' replay buffers; `sessions` of them got the event of that very
   * index. From a revoked node that has now handled all it was sent, this is the moment to catch up.
   */
  ack(node: string, index: number, sessions: number, now: number): Acked<Ticket> {
    const state = this.nodes.get(node);
    // An index that was never sent is a peer's mistake: believing it would ack what nobody has.
    if (state === undefined || index <= state.acked || index > state.sent) return { settled: nothing };
    this.pulse.beat(node, now);
    const exact = index > state.owesAfter ? this.pending.get(index) : undefined;
    if (exact !== undefined) exact.sessions += sessions;
    const settled = this.settleUpTo(state, index);
    state.acked = index;
    if (!state.revoked && state.catchesUpTo > 0 && index >= state.catchesUpTo) this.tell(node, state, 0);
    return state.revoked && index === state.sent ? this.catchUp(node, state, index, settled) : { settled };
  }

  /**
   * The node's link was reset; it has all up to `index` and asks for the rest, which publishes go on to wait for.
   * Unknown nodes are lost.
   */
  sync(node: string, index: number): Acked<Ticket> {
    const state = this.nodes.get(node);
    if (state === undefined || index > this.lastIndex)
      return { settled: nothing, catchUp: { node, events: undefined } };
    const settled = this.settleUpTo(state, index);
    state.acked = Math.max(state.acked, index);
    return this.catchUp(node, state, index, settled);
  }

  /** Its link broke: revoked until it says how far it is. */
  away(node: string): void {
    const state = this.nodes.get(node);
    if (state !== undefined) state.away = true;
    this.revoke(node);
  }

  /** Whether it has not said since its link broke how far it is. */
  isAway(node: string): boolean {
    return this.nodes.get(node)?.away === true;
  }

  /** Whether there are events since the node was subscribed that it has not acked. */
  hasMissed(node: string): boolean {
    const state = this.nodes.get(node);
    return state !== undefined && state.acked < this.lastIndex;
  }

  /** The node is sent nothing until it caught up, and nobody waits for it once others know that it is behind. */
  revoke(node: string): void {
    const state = this.nodes.get(node);
    if (state === undefined || state.revoked) return;
    state.revoked = true;
    state.word = 'none';
    this.current = undefined;
    if (this.pending.size > 0 && this.lastIndex > Math.max(state.acked, state.owesAfter)) this.ask(node);
  }

  /** send() refused this event and all before it had gone out: the node never got it, so it is revoked from there. */
  refused(node: string, index: number): void {
    const state = this.nodes.get(node);
    if (state === undefined) return;
    state.sent = Math.min(state.sent, index - 1);
    this.revoke(node);
  }

  /** Somebody else knows what Witnesses.behind() said. */
  known(node: string, needs: number): readonly Settled<Ticket>[] {
    const state = this.nodes.get(node);
    if (state?.revoked !== true || state.word !== 'asked' || needs !== state.sent + 1) return nothing;
    const settled = this.settleUpTo(state, this.lastIndex);
    state.word = 'known';
    this.current = undefined;
    return settled;
  }

  /** When tick() has something to do, in monotonic milliseconds. */
  nextWake(): number | undefined {
    for (const entry of this.pending.values()) return entry.deadline;
    return undefined;
  }

  /**
   * Revokes every node that has not acked in time, and gives up publishes that nobody can be told of. A revoked node loses what it
   * lacks when the owner dies: one that acks other events is waited for.
   */
  tick(now: number): { readonly revoked: readonly string[]; readonly failed: readonly Ticket[] } {
    const due: Pending<Ticket>[] = [];
    for (const entry of this.pending.values()) {
      if (entry.deadline > now) break;
      due.push(entry);
    }
    if (due.length === 0) return { revoked: nothing, failed: nothing };
    const { ackTimeout, ackPatience } = this.limits;
    const overdue = Math.max(...due.map(({ index }) => index));
    const longOverdue = Math.max(...due.map(({ index, since }) => (now - since < ackPatience ? 0 : index)));
    const revoked: string[] = [];
    for (const [node, state] of this.nodes.entries()) {
      if (state.revoked) continue;
      const isSlow = this.pulse.silence(node, now) < ackTimeout;
      if (Math.max(state.acked, state.owesAfter) >= (isSlow ? longOverdue : overdue)) continue;
      revoked.push(node);
      this.revoke(node);
    }
    return { revoked, failed: due.flatMap((entry) => this.waitOn(entry, now)) };
  }

  /** What is left to wait for is that others know who is behind. @returns who waits no longer */
  private waitOn(entry: Pending<Ticket>, now: number): readonly Ticket[] {
    this.pending.delete(entry.index);
    if (entry.tickets.every((ticket) => ticket === undefined)) {
      entry.waiting = 0;
      return nothing;
    }
    if (now - entry.since < this.limits.witnessTimeout) {
      entry.deadline = now + this.limits.ackTimeout;
      this.pending.set(entry.index, entry);
      return nothing;
    }
    // Who publishes it again gets an answer of its own; those who have it recognise it.
    this.ids.delete(entry.id);
    return entry.tickets.splice(0);
  }

  private ask(node: string): void {
    const state = this.nodes.get(node);
    if (state === undefined || state.word !== 'none') return;
    state.word = 'asked';
    this.witnesses.behind(node, state.sent + 1);
  }

  /** @param upTo what it is sent to catch up on; 0: it lacks nothing any more */
  private tell(node: string, state: NodeState, upTo: number): void {
    state.catchesUpTo = upTo;
    this.witnesses.behind(node, upTo);
  }

  private receivers(): readonly string[] {
    if (this.current === undefined) {
      const current: string[] = [];
      const unknown: string[] = [];
      for (const [node, { revoked, word }] of this.nodes.entries()) {
        if (!revoked) current.push(node);
        else if (word !== 'known') unknown.push(node);
      }
      this.current = current;
      this.unknown = unknown;
    }
    return this.current;
  }

  private catchUp(
    node: string,
    state: NodeState,
    from: number,
    settled: readonly Settled<Ticket>[],
  ): Acked<Ticket> {
    const events = this.log.after(from, this.lastIndex);
    if (events === undefined)
      return { settled: [...settled, ...this.removeNode(node)], catchUp: { node, events } };
    // It is still behind while it has some of what it is sent now, and not all.
    if (state.word !== 'none' || state.catchesUpTo > 0)
      this.tell(node, state, events.length > 0 ? this.lastIndex : 0);
    // What others know to be lacking is owed to nobody.
    if (state.word === 'known') state.owesAfter = this.lastIndex;
    state.word = 'none';
    state.away = false;
    state.revoked = false;
    state.sent = this.lastIndex;
    this.current = undefined;
    return { settled, catchUp: { node, events } };
  }

  /** Stops waiting for a node in every pending publish. */
  private release(state: NodeState): readonly Settled<Ticket>[] {
    const settled = this.settleUpTo(state, this.lastIndex);
    state.owesAfter = this.lastIndex;
    return settled;
  }

  private settleUpTo(state: NodeState, index: number): readonly Settled<Ticket>[] {
    if (state.word === 'known') return nothing;
    let settled: Settled<Ticket>[] | undefined;
    for (let at = Math.max(state.acked, state.owesAfter) + 1; at <= index; at++) {
      const entry = this.pending.get(at);
      if (entry === undefined || --entry.waiting > 0) continue;
      this.pending.delete(at);
      settled ??= [];
      settled.push(...this.settle(entry));
    }
    return settled ?? nothing;
  }

  private settle(entry: Pending<Ticket>): Settled<Ticket>[] {
    return entry.tickets.splice(0).map((ticket) => ({ ticket, sessions: entry.sessions }));
  }
}
