import { SparseMap } from '@derailed/shared/kernel';
import { type AudienceEvent, type Draft, type Kind } from './event';
import { EventLog } from './event-log';
import { RecentIds } from './recent-ids';

export interface AudienceLimits {
  /** How many events, and bytes of them, a session-node that was away can catch up on. */
  readonly logEvents: number;
  readonly logBytes: number;
  /** How many event ids are remembered to recognise a publish that comes again. */
  readonly recentIds: number;
  /** A session-node that leaves an event unacked for longer (ms) is revoked: nobody waits for it any more. */
  readonly ackTimeout: number;
}

export const defaultAudienceLimits: AudienceLimits = {
  logEvents: 1024,
  logBytes: 4 * 1024 * 1024,
  recentIds: 4096,
  ackTimeout: 2000,
};

/** A publish whose wait is over: every session-node has it or was revoked. */
export interface Settled<Ticket> {
  readonly ticket: Ticket;
  /** How many sessions have the event. */
  readonly sessions: number;
}

/** What publish() asks of the shell: send `event` to each of `nodes`; call revoke() for a node whose queue is full. */
export interface Publication<Ticket> {
  /** Undefined for a publish that was recognised by its id: nothing is to be sent. */
  readonly event: AudienceEvent | undefined;
  readonly nodes: readonly string[];
  readonly settled: readonly Settled<Ticket>[];
}

/** What a session-node must be sent after it was away: the events it misses, or word that they are lost. */
export interface CatchUp {
  readonly node: string;
  /** Undefined: the log does not reach back; the node is out of the audience (AudienceLost). */
  readonly events: readonly AudienceEvent[] | undefined;
}

export interface Acked<Ticket> {
  readonly settled: readonly Settled<Ticket>[];
  readonly catchUp?: CatchUp;
}

interface NodeState {
  readonly sessions: SparseMap<string, true>;
  /** All up to here is in the replay buffers there. */
  acked: number;
  /** Publishes up to here do not wait for this node: it joined, or was revoked, after them. */
  owesAfter: number;
  /** All up to here was sent. Behind the audience's index only while revoked. */
  sent: number;
  revoked: boolean;
}

interface Pending<Ticket> {
  readonly index: number;
  readonly deadline: number;
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
  /** Unsettled publishes by index, oldest first. */
  private readonly pending = new SparseMap<number, Pending<Ticket>>();
  /** Nodes that get what is published now; rebuilt when membership or revocation changes. */
  private current: readonly string[] | undefined;
  private lastIndex = 0;
  private sessionCount = 0;

  constructor(
    readonly kind: Kind,
    readonly id: string,
    private readonly limits: AudienceLimits = defaultAudienceLimits,
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
      const index = this.lastIndex;
      state = { sessions: new SparseMap(), acked: index, owesAfter: index, sent: index, revoked: false };
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
    const entry: Pending<Ticket> = {
      index,
      deadline: now + this.limits.ackTimeout,
      tickets: [ticket],
      waiting: nodes.length,
      sessions: 0,
    };
    if (id !== '') this.ids.put(id, entry);
    for (const node of nodes) {
      const state = this.nodes.get(node);
      if (state !== undefined) state.sent = index;
    }
    if (nodes.length === 0) return { event, nodes, settled: this.settle(entry) };
    this.pending.set(index, entry);
    return { event, nodes, settled: nothing };
  }

  /**
   * The node has all up to `index` in its sessions' replay buffers; `sessions` of them got the event of that very
   * index. From a revoked node that has now handled all it was sent, this is the moment to catch up.
   */
  ack(node: string, index: number, sessions: number): Acked<Ticket> {
    const state = this.nodes.get(node);
    // An index that was never sent is a peer's mistake: believing it would ack what nobody has.
    if (state === undefined || index <= state.acked || index > state.sent) return { settled: nothing };
    const exact = index > state.owesAfter ? this.pending.get(index) : undefined;
    if (exact !== undefined) exact.sessions += sessions;
    const settled = state.revoked ? nothing : this.settleUpTo(state, index);
    state.acked = index;
    if (state.revoked && index === state.sent) return { settled, catchUp: this.catchUp(node, state, index) };
    return { settled };
  }

  /** The node's link was reset; it has all up to `index` and asks for the rest. Unknown nodes are lost. */
  sync(node: string, index: number): Acked<Ticket> {
    const state = this.nodes.get(node);
    if (state === undefined || index > this.lastIndex)
      return { settled: nothing, catchUp: { node, events: undefined } };
    const settled = state.revoked ? nothing : this.release(state);
    state.acked = Math.max(state.acked, index);
    return { settled, catchUp: this.catchUp(node, state, index) };
  }

  /** Nobody waits for this node any more, and it is sent nothing until it caught up. */
  revoke(node: string): readonly Settled<Ticket>[] {
    const state = this.nodes.get(node);
    if (state === undefined || state.revoked) return nothing;
    const settled = this.release(state);
    state.revoked = true;
    this.current = undefined;
    return settled;
  }

  /** send() refused this event and all before it had gone out: the node never got it, so it is revoked from there. */
  refused(node: string, index: number): readonly Settled<Ticket>[] {
    const state = this.nodes.get(node);
    if (state === undefined) return nothing;
    state.sent = Math.min(state.sent, index - 1);
    return this.revoke(node);
  }

  /** When tick() has something to do, in monotonic milliseconds. */
  nextWake(): number | undefined {
    for (const entry of this.pending.values()) return entry.deadline;
    return undefined;
  }

  /** Revokes every node that has not acked in time. */
  tick(now: number): { readonly settled: readonly Settled<Ticket>[]; readonly revoked: readonly string[] } {
    let overdue = 0;
    for (const entry of this.pending.values()) {
      if (entry.deadline > now) break;
      overdue = entry.index;
    }
    if (overdue === 0) return { settled: nothing, revoked: nothing };
    const settled: Settled<Ticket>[] = [];
    const revoked: string[] = [];
    for (const [node, state] of this.nodes.entries()) {
      if (state.revoked || Math.max(state.acked, state.owesAfter) >= overdue) continue;
      revoked.push(node);
      settled.push(...this.revoke(node));
    }
    return { settled, revoked };
  }

  private receivers(): readonly string[] {
    if (this.current === undefined) {
      const current: string[] = [];
      for (const [node, state] of this.nodes.entries()) if (!state.revoked) current.push(node);
      this.current = current;
    }
    return this.current;
  }

  private catchUp(node: string, state: NodeState, from: number): CatchUp {
    const events = this.log.after(from, this.lastIndex);
    if (events === undefined) {
      this.removeNode(node);
      return { node, events };
    }
    state.revoked = false;
    state.owesAfter = this.lastIndex;
    state.sent = this.lastIndex;
    this.current = undefined;
    return { node, events };
  }

  /** Stops waiting for a node in every pending publish. */
  private release(state: NodeState): readonly Settled<Ticket>[] {
    if (state.revoked) return nothing;
    const settled = this.settleUpTo(state, this.lastIndex);
    state.owesAfter = this.lastIndex;
    return settled;
  }

  private settleUpTo(state: NodeState, index: number): readonly Settled<Ticket>[] {
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
