import {
  type Acked,
  Audience,
  type AudienceLimits,
  type Draft,
  type Event,
  Kind,
  Pulse,
  type Settled,
} from '@derailed/audience/core';
import {
  CallError,
  Code,
  invalidArgument,
  isSnowflake,
  SparseMap,
  unavailable,
} from '@derailed/shared/kernel';
import type { Entry } from './agenda';
import { IdentifyCounts } from './identify-counts';
import { IdentifyLedger, exhaustedPause } from './identify-ledger';
import type { Kit } from './kit';
import type { Answer, AudienceSync, AudienceTerm, NodeRef, Presence, Publish, Subscribe } from './messages';
import { flowOf } from './flow';
import { mergedPresence, saysTheSame } from './merged-presence';
import { draftOf } from './user-events';

/** A call that waits for the acks of one or more users' audiences. */
interface PublishCall {
  readonly call: number;
  readonly answer: 'published' | 'disconnectUserReply';
  waiting: number;
  sessions: number;
  failed: boolean;
}

interface User {
  /** Tells this one from others that the node has had, or will have, for the same user. */
  readonly term: number;
  readonly audience: Audience<PublishCall>;
  /** By session id; undefined for a session that shows nothing. */
  readonly presences: SparseMap<string, Presence | undefined>;
  /** Nodes whose queue was full, and that are sent what they miss in a moment. */
  readonly stalled: SparseMap<string, true>;
  timer: Entry | undefined;
}

type Identifying = NonNullable<Subscribe['identifying']>;

/** Milliseconds. */
const redeliverAfter = 100;
const idBytes = 16;
/** What /gateway/bot proposes; a shard may hold 2,500 before it is refused. */
const guildsPerProposedShard = 1000;
const empty = new Uint8Array(0);

/** The owner's side of the audiences of users: all sessions of a user, on whichever node. */
export class Users {
  private readonly byId = new Map<string, User>();
  /** Which start of each session-node the subscribers are of. */
  private readonly incarnations = new Map<string, string>();
  private readonly pulse = new Pulse();
  readonly counts: IdentifyCounts;
  private readonly ledger: IdentifyLedger;
  private lastTerm = 0;

  constructor(
    private readonly kit: Kit,
    private readonly limits: AudienceLimits,
  ) {
    this.ledger = new IdentifyLedger(kit.limits.identifies, kit.agenda);
    this.counts = new IdentifyCounts(kit, this.ledger);
  }

  get size(): number {
    return this.byId.size;
  }

  /** Whether a session-node is behind in a user's audience, or seems about to be: it can catch up only here. */
  lags(now: number): boolean {
    return [...this.byId.values()].some(({ audience }) => audience.lags(now));
  }

  subscribe(
    { audienceId, sessionId, presence, identifying, rejoins, followed, view }: Readonly<Subscribe>,
    from: NodeRef,
    now: number,
  ): void {
    if (!isSnowflake(audienceId)) return;
    this.meet(from);
    if (identifying !== undefined && !this.has(audienceId, sessionId, from.id)) {
      const delayMs = this.refusal(audienceId, identifying, now);
      if (delayMs > 0) {
        this.kit.outbox.send(from.id, flowOf(Kind.user, audienceId), {
          $case: 'subscribeRefused',
          value: { kind: Kind.user, audienceId, sessionId, unavailable: false, delayMs, view },
        });
        return;
      }
    }
    const known = this.byId.get(audienceId);
    if ((rejoins || followed === undefined) && known?.audience.isAway(from.id) === true) {
      // It follows nobody here. Its sessions have left, or they were subscribed, and that was lost with what came behind it.
      if (rejoins && known.audience.hasMissed(from.id)) return this.nodeBehind(audienceId, from.id);
      this.remove(audienceId, known, from.id);
    }
    const user = this.open(audienceId);
    user.audience.subscribe(from.id, sessionId);
    this.shows(user, sessionId, presence, from);
    this.kit.outbox.send(from.id, flowOf(Kind.user, audienceId), {
      $case: 'subscribed',
      value: {
        kind: Kind.user,
        audienceId,
        index: user.audience.index,
        sessionId,
        classId: 0,
        snapshot: undefined,
        sameData: false,
        shownUserIds: [],
        term: user.term,
        view,
      },
    });
  }

  unsubscribe(userId: string, sessionIds: readonly string[], from: NodeRef): void {
    const user = this.byId.get(userId);
    if (user === undefined) return;
    for (const sessionId of sessionIds) {
      if (!user.audience.sessionsOf(from.id)?.has(sessionId)) continue;
      this.settle(user.audience.unsubscribe(from.id, sessionId));
      if (!isElsewhere(user, sessionId, from.id)) user.presences.delete(sessionId);
    }
    this.tidy(userId, user);
  }

  ack(userId: string, index: number, sessions: number, from: NodeRef, now: number): void {
    const user = this.byId.get(userId);
    if (user !== undefined) this.acked(user, user.audience.ack(from.id, index, sessions, now));
  }

  sync({ audienceId, index, term }: Readonly<AudienceSync>, from: NodeRef): void {
    const user = this.byId.get(audienceId);
    // A node of the version before names no term.
    if (user === undefined || (term !== 0 && user.term !== term)) this.lost(audienceId, from.id);
    else this.acked(user, user.audience.sync(from.id, index));
  }

  publish(call: number, { audienceIds, event }: Publish, now: number): void {
    const draft = event === undefined ? invalidArgument('event', 'is missing') : draftOf(this.named(event));
    if (draft instanceof CallError) {
      this.kit.outbox.answer(call, draft);
      return;
    }
    this.send(call, 'published', audienceIds, draft, now);
  }

  disconnect(call: number, userId: string, closeCode: number, now: number): void {
    const event: Event = {
      id: this.kit.rng.token(idBytes),
      name: '',
      data: empty,
      own: empty,
      volatile: false,
    };
    this.send(call, 'disconnectUserReply', [userId], { event, closeCode: closeCode || 4000 }, now);
  }

  presence(userId: string): Answer {
    const user = this.byId.get(userId);
    const merged = mergedPresence(user?.presences.values() ?? []);
    return { $case: 'userPresenceReply', value: { ...merged, sessions: user?.presences.size ?? 0 } };
  }

  /** @param guilds that the user is in */
  identifyBudget(userId: string, guilds: number, now: number): Answer {
    const shards = Math.max(1, Math.ceil(guilds / guildsPerProposedShard));
    return { $case: 'identifyBudgetReply', value: { ...this.ledger.budget(userId, now), shards } };
  }

  /**
   * The mesh could not take an event for that node, which had all before it: nobody waits for the node, and a little
   * later it is sent what it misses.
   */
  undelivered(userId: string, index: number, node: string, now: number): void {
    const user = this.byId.get(userId);
    if (user === undefined) return;
    user.audience.refused(node, index);
    if (user.stalled.has(node)) return;
    user.stalled.set(node, true);
    this.kit.agenda.add(now + redeliverAfter, () => {
      user.stalled.delete(node);
      if (this.byId.get(userId) === user) this.acked(user, user.audience.sync(node, index - 1));
    });
  }

  /** The node gets nothing; it may come back and catch up. */
  peerGone(node: string): void {
    for (const user of this.byId.values()) user.audience.away(node);
  }

  /** Somebody else knows that the node is behind in this term of the user's audience. */
  known(userId: string, term: number, node: string, needs: number): void {
    const user = this.byId.get(userId);
    if (user?.term === term) this.settle(user.audience.known(node, needs));
  }

  /** The node's sessions have missed events of an owner before for good: they end. */
  nodeBehind(userId: string, node: string): void {
    const user = this.byId.get(userId);
    if (user === undefined) return;
    this.remove(userId, user, node);
    this.lost(userId, node);
  }

  /** What was said to the node before is lost. */
  peerUp(node: NodeRef, now: number): void {
    this.meet(node);
    this.counts.tell(now, node.id);
  }

  /** Another start of a node has none of the sessions of the one before. */
  meet(node: NodeRef): void {
    const known = this.incarnations.get(node.id);
    this.incarnations.set(node.id, node.incarnation);
    if (known !== undefined && known !== node.incarnation) this.nodeLost(node.id);
  }

  /** Nodes that are off the list have no sessions any more, and users that another node owns now are forgotten here. */
  listChanged(now: number): void {
    const { placement, agenda } = this.kit;
    for (const [userId, user] of this.byId) {
      if (placement.ownerOf('session-node', userId) === placement.self.id) continue;
      agenda.drop(user.timer);
      this.byId.delete(userId);
    }
    for (const [id, incarnation] of this.incarnations) {
      if (placement.isMember({ id, incarnation })) continue;
      this.incarnations.delete(id);
      this.nodeLost(id);
    }
    this.counts.tell(now);
  }

  /** A node says that it has sessions of the user, subscribed in that term. */
  held({ audienceId, term }: Readonly<AudienceTerm>, from: NodeRef): void {
    if (this.holds(audienceId, term, from.id)) return;
    this.kit.outbox.send(from.id, flowOf(Kind.user, audienceId), {
      $case: 'audienceReset',
      value: { kind: Kind.user, audienceId, term },
    });
  }

  holds(userId: string, term: number, node: string): boolean {
    const user = this.byId.get(userId);
    return user?.term === term && user.audience.sessionsOf(node) !== undefined;
  }

  /**
   * How a session is seen from now on. Last said, last in the map: of equals it speaks for the user. A node that a session
   * is on its way to has nothing to say of it yet, and what it says again is no news.
   */
  private shows(user: User, sessionId: string, presence: Presence | undefined, from: NodeRef): void {
    const before = user.presences.get(sessionId);
    const isNews = presence === undefined || before === undefined || !saysTheSame(before, presence);
    if (before !== undefined && presence === undefined && isElsewhere(user, sessionId, from.id)) return;
    if (isNews) user.presences.delete(sessionId);
    user.presences.set(sessionId, presence);
  }

  /** A Subscribe that comes again is no other Identify. */
  has(userId: string, sessionId: string, node: string): boolean {
    return this.byId.get(userId)?.audience.sessionsOf(node)?.has(sessionId) === true;
  }

  private nodeLost(node: string): void {
    this.pulse.forget(node);
    for (const [userId, user] of this.byId) this.remove(userId, user, node);
  }

  private remove(userId: string, user: User, node: string): void {
    for (const sessionId of user.audience.sessionsOf(node)?.keys() ?? [])
      if (!isElsewhere(user, sessionId, node)) user.presences.delete(sessionId);
    this.settle(user.audience.removeNode(node));
    this.tidy(userId, user);
  }

  /** 0: the Identify is counted, and the session may come in. Else the milliseconds until its client is told no. */
  private refusal(userId: string, { bot, shardId }: Identifying, now: number): number {
    const sessions = this.byId.get(userId)?.presences.size ?? 0;
    if (sessions >= this.kit.limits.identifies.sessions) return exhaustedPause;
    return bot ? this.ledger.take(userId, shardId, now) : 0;
  }

  private send(
    call: number,
    answer: PublishCall['answer'],
    userIds: readonly string[],
    draft: Draft,
    now: number,
  ): void {
    const { placement, outbox } = this.kit;
    if (userIds.some((userId) => placement.ownerOf('session-node', userId) !== placement.self.id)) {
      outbox.answer(call, new CallError(Code.ABORTED, 'this node does not own the user (any more)'));
      return;
    }
    const waiting: PublishCall = { call, answer, waiting: 1, sessions: 0, failed: false };
    for (const userId of new Set(userIds)) {
      const user = this.byId.get(userId);
      if (user === undefined) continue;
      waiting.waiting++;
      this.publishTo(userId, user, draft, waiting, now);
    }
    this.settle([{ ticket: waiting, sessions: 0 }]);
  }

  private publishTo(userId: string, user: User, draft: Draft, call: PublishCall, now: number): void {
    const { event, nodes, settled } = user.audience.publish(draft, call, now);
    if (event !== undefined) {
      for (const node of nodes)
        this.kit.outbox.send(node, flowOf(Kind.user, userId), { $case: 'audienceEvent', value: event });
    }
    this.settle(settled);
    this.watch(user);
  }

  /** An event without an id would be taken for every other one without. */
  private named(event: Event): Event {
    return event.id === '' ? { ...event, id: this.kit.rng.token(idBytes) } : event;
  }

  private watch(user: User): void {
    const at = user.audience.nextWake();
    if (at === undefined || user.timer !== undefined) return;
    user.timer = this.kit.agenda.add(at, (now) => {
      user.timer = undefined;
      this.fail(user.audience.tick(now).failed);
      this.watch(user);
    });
  }

  private acked(user: User, { settled, catchUp }: Acked<PublishCall>): void {
    this.settle(settled);
    if (catchUp === undefined) return;
    const { id } = user.audience;
    if (catchUp.events === undefined) this.lost(id, catchUp.node);
    for (const event of catchUp.events ?? [])
      this.kit.outbox.send(catchUp.node, flowOf(Kind.user, id), { $case: 'audienceEvent', value: event });
  }

  private lost(userId: string, node: string): void {
    this.kit.outbox.send(node, flowOf(Kind.user, userId), {
      $case: 'audienceLost',
      value: { kind: Kind.user, audienceId: userId },
    });
  }

  private settle(settled: readonly Settled<PublishCall>[]): void {
    for (const { ticket, sessions } of settled) {
      ticket.sessions += sessions;
      if (--ticket.waiting > 0 || ticket.failed) continue;
      this.kit.outbox.answer(ticket.call, { $case: ticket.answer, value: { sessions: ticket.sessions } });
    }
  }

  private fail(tickets: readonly PublishCall[]): void {
    for (const ticket of tickets.filter(({ failed }) => !failed)) {
      ticket.failed = true;
      this.kit.outbox.answer(ticket.call, unavailable('no session-node can be told who lacks the event'));
    }
  }

  private open(userId: string): User {
    let user = this.byId.get(userId);
    if (user === undefined) {
      const term = ++this.lastTerm;
      const behind = (node: string, needs: number): void =>
        this.kit.outbox.ask({ kind: 'behind', userId, term, node, needs });
      const audience = new Audience<PublishCall>(Kind.user, userId, { behind }, this.limits, this.pulse);
      user = { term, audience, presences: new SparseMap(), stalled: new SparseMap(), timer: undefined };
      this.byId.set(userId, user);
    }
    return user;
  }

  private tidy(userId: string, user: User): void {
    if (user.audience.sessions > 0) return;
    this.kit.agenda.drop(user.timer);
    this.byId.delete(userId);
  }
}

/** A session that moves is at two nodes for a while. */
function isElsewhere({ audience }: User, sessionId: string, node: string): boolean {
  for (const other of audience.nodeIds())
    if (other !== node && audience.sessionsOf(other)?.has(sessionId) === true) return true;
  return false;
}
