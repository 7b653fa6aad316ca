import {
  Audience,
  type CatchUp,
  type Draft,
  type Event,
  Kind,
  type Publication,
  type Pulse,
  type Settled,
} from '@derailed/audience/core';
import { type Snowflake, unavailable } from '@derailed/shared/kernel';
import { Intent } from '@derailed/shared/protocol';
import { ClassStream } from './class-stream';
import type { ClassView, Reclassing } from './classes';
import type { GuildLimits } from './limits';
import type { Request } from './member-loads';
import type { Send } from './messages';
import type { Outbox } from './outbox';
import { type Subscriber, Subscribers } from './subscribers';

/** A session-node that is sent nothing until it caught up. */
interface Stall {
  /** Subscribes, by session, that wait until then: their answers belong behind the events that the node misses. */
  readonly requests: Map<string, Request>;
  /** Its queue was full: when to try again, and up to where it had been sent everything. */
  refused?: { readonly retryAt: number; readonly sent: number };
  /** Its link broke: when its subscriptions end. */
  awayUntil?: number;
}

/** A session whose subscription ended with the event of this index, which its node has not acked yet. */
interface Leaving {
  readonly sessionId: string;
  readonly userId: Snowflake;
  readonly index: number;
  /** The user is a member again: the session is to be called once its node knows that it was out. */
  again: boolean;
  /** The audience counts it no more. */
  gone: boolean;
}

/** What the guild knows that a delivery needs. */
export interface Insight {
  /** What the subscribed user sees. */
  viewOf(userId: Snowflake): ClassView | undefined;
  /** The user has no subscriber left. */
  released(userId: Snowflake): void;
  /** The node that sent this Subscribe has caught up: treat it as if it came now. */
  resume(request: Request): void;
}

/**
 * Who is subscribed, on which session-nodes, and the guild's stream to each of these: every node gets all of the
 * stream in order, or is stalled and catches up from the logs, or is lost.
 */
export class Delivery {
  readonly subscribers = new Subscribers(Intent.GUILD_PRESENCES);
  private readonly audience: Audience<number | undefined>;
  /** Whether publishes still wait for acks, and whether a session-node is behind. */
  readonly acks: Pick<Audience<unknown>, 'busy' | 'lags'>;
  private readonly stream: ClassStream;
  private readonly stalls = new Map<string, Stall>();
  /** By node. */
  private readonly leaving = new Map<string, Leaving[]>();

  constructor(
    private readonly guildId: Snowflake,
    private readonly term: number,
    private readonly limits: GuildLimits,
    pulse: Pulse,
    private readonly out: Outbox,
    private readonly insight: Insight,
  ) {
    this.acks = this.audience = new Audience(Kind.guild, guildId, out, limits, pulse);
    this.stream = new ClassStream(guildId, limits.logEvents, out);
  }

  /** Whether the node has sessions in the audience, this one or any. */
  holds(node: string, sessionId?: string): boolean {
    const sessions = this.audience.sessionsOf(node);
    return sessionId === undefined ? sessions !== undefined : sessions?.has(sessionId) === true;
  }

  /** Keeps the request until its node has caught up; false if there is nothing to wait for. */
  defer(request: Request): boolean {
    const { rejoins, followed } = request.subscribe;
    if ((rejoins || followed === undefined) && this.audience.isAway(request.node)) {
      // It follows nobody here. Its sessions have left, or they were subscribed, and that was lost with what came behind it.
      const isLost = rejoins && this.audience.hasMissed(request.node);
      if (isLost) this.sayLost(request.node);
      this.giveUp(request.node);
      if (isLost) return true;
    }
    const stall = this.stalls.get(request.node);
    stall?.requests.set(request.subscribe.sessionId, request);
    return stall !== undefined;
  }

  /**
   * Subscribes a session and answers in the stream.
   * @param snapshot makes GUILD_CREATE; told whether the node holds the shared data
   * @param online those who are not offline
   */
  subscribe(
    { node, subscribe: request }: Request,
    view: ClassView,
    version: number,
    snapshot: (sameData: boolean) => Event,
    online: () => Snowflake[],
  ): void {
    const { sessionId, userId, intents } = request;
    for (const left of this.leaving.get(node) ?? []) this.takeOut(node, left);
    this.stream.keep(node, request.view, this.audience.index + 1);
    if (this.subscribers.get(node, sessionId) !== undefined) this.stream.doubt(node, view);
    this.audience.subscribe(node, sessionId);
    if (!this.subscribers.wantPresences) this.stream.forgetPresences();
    this.subscribers.add({ node, sessionId, userId, intents });
    const { index } = this.audience;
    this.stream.introduce(node, view, index + 1);
    const sameData = request.wantsSnapshot && this.stream.holdsData(node, view, version);
    const value = {
      kind: Kind.guild,
      audienceId: this.guildId,
      index,
      sessionId,
      classId: view.id,
      snapshot: request.wantsSnapshot ? snapshot(sameData) : undefined,
      sameData,
      term: this.term,
      shownUserIds: this.tellsPresences(node, request) ? online() : [],
      view: request.view,
    };
    this.out.send([node], { $case: 'subscribed', value }, index + 1, request);
  }

  refuse({ node, subscribe }: Request, unavailable: boolean): void {
    const { sessionId, view } = subscribe;
    const about = { kind: Kind.guild, audienceId: this.guildId, sessionId, view };
    const value = { ...about, unavailable, delayMs: 0 } as const;
    this.out.send([node], { $case: 'subscribeRefused', value }, this.audience.index + 1, subscribe);
  }

  unsubscribe(node: string, sessionIds: readonly string[]): void {
    const requests = this.stalls.get(node)?.requests;
    for (const sessionId of sessionIds) {
      requests?.delete(sessionId);
      if (this.subscribers.get(node, sessionId) === undefined) continue;
      this.drop(node, sessionId);
      this.removeFromNode(node, sessionId);
    }
  }

  /** Whether the event was published before. */
  recognises(eventId: string): boolean {
    return this.audience.recognises(eventId);
  }

  /** Gives an event its index. Undefined: it was published before, and its caller shares the first one's answer. */
  index(draft: Draft, call: number | undefined, now: number): Publication<number | undefined> | undefined {
    const publication = this.audience.publish(draft, call, now);
    this.settle(publication.settled);
    return publication.event === undefined ? undefined : publication;
  }

  broadcast({ event, nodes }: Publication<number | undefined>): void {
    if (event === undefined || nodes.length === 0) return;
    this.out.send(nodes, { $case: 'audienceEvent', value: event }, event.index);
  }

  /** Class changes that come before the event with index `at`; by default the next one. */
  reclass(change: Reclassing, at = this.audience.index + 1): void {
    const receiving: string[] = [];
    for (const node of this.audience.nodeIds()) if (!this.stalls.has(node)) receiving.push(node);
    this.stream.change(change, at, receiving, (node, userId) => this.subscribers.hosts(node, userId));
  }

  /** The subscriptions of a user (`*`: all) end with the event of this index. */
  end(userId: Snowflake, index: number): void {
    for (const left of this.leavingOf(userId)) left.again = false;
    for (const { node, sessionId, userId: who } of this.subscribers.of(userId)) {
      this.drop(node, sessionId);
      const left: Leaving = { sessionId, userId: who, index, again: false, gone: false };
      const leaving = this.leaving.get(node);
      if (leaving === undefined) this.leaving.set(node, [left]);
      else leaving.push(left);
    }
  }

  /**
   * The user is a member again. False: no session-node still has to hear that it was none. Else its sessions, which
   * would take a call to subscribe for one that they have answered, are called when their nodes have heard.
   */
  rejoins(userId: Snowflake): boolean {
    const leaving = this.leavingOf(userId);
    for (const left of leaving) left.again = true;
    return leaving.length > 0;
  }

  /** The database has the user as a member, of whom no event told. */
  call(userId: Snowflake): void {
    if (!this.rejoins(userId)) this.out.joined(userId);
  }

  ack(node: string, index: number, sessions: number, now: number): void {
    const { settled, catchUp } = this.audience.ack(node, index, sessions, now);
    this.settle(settled);
    this.finishLeaving(node, index);
    if (catchUp !== undefined && this.stalls.has(node)) this.catchUp(catchUp, index);
  }

  sync(node: string, index: number): void {
    this.goOn(node, index, () => this.finishLeaving(node, index));
  }

  /** These, in order, never left for the node: it is revoked from the first of them on. */
  undelivered(node: string, sends: readonly Send[], now: number): void {
    const [first] = sends;
    if (first === undefined) return;
    this.audience.refused(node, first.at);
    this.stream.forget(node);
    const stall = this.stall(node);
    stall.refused = { retryAt: now + this.limits.refusedRetry, sent: first.at - 1 };
    for (const { answers } of sends) {
      if (answers !== undefined)
        stall.requests.set(answers.sessionId, { node, subscribe: answers, reads: 0 });
    }
  }

  /** The link to the node broke: it may come back with a sync. */
  nodeAway(node: string, now: number): void {
    if (this.audience.sessionsOf(node) === undefined) {
      this.stalls.delete(node);
      return;
    }
    this.audience.away(node);
    const stall = this.stall(node);
    delete stall.refused;
    stall.awayUntil = now + this.limits.nodeGrace;
  }

  /** Somebody else knows that the node is behind. */
  known(node: string, needs: number): void {
    this.settle(this.audience.known(node, needs));
  }

  /** The node's sessions have missed events for good: it is to end them. */
  sayLost(node: string): void {
    const value = { kind: Kind.guild, audienceId: this.guildId };
    this.out.send([node], { $case: 'audienceLost', value }, this.audience.index + 1);
  }

  /** The node's sessions are no more. */
  nodeLost(node: string): void {
    const sessions = [...(this.audience.sessionsOf(node)?.keys() ?? [])];
    this.settle(this.audience.removeNode(node));
    this.forgetNode(node, sessions);
    this.stalls.delete(node);
  }

  nextWake(): number | undefined {
    let wake = this.audience.nextWake();
    for (const { refused, awayUntil } of this.stalls.values()) {
      const at = refused?.retryAt ?? awayUntil;
      if (at !== undefined && (wake === undefined || at < wake)) wake = at;
    }
    return wake;
  }

  tick(now: number): void {
    const { revoked, failed } = this.audience.tick(now);
    for (const call of failed)
      if (call !== undefined)
        this.out.answer(call, unavailable('no session-node can be told who lacks the event'));
    for (const node of revoked) this.stall(node);
    for (const [node, { refused, awayUntil }] of [...this.stalls]) {
      if (refused !== undefined && refused.retryAt <= now) this.retry(node, refused.sent);
      else if (awayUntil !== undefined && awayUntil <= now) this.giveUp(node);
    }
  }

  /** A node whose session comes from an owner before knows already whom its clients take for online. */
  private tellsPresences(node: string, { intents, rejoins }: Request['subscribe']): boolean {
    if (rejoins || (intents & Intent.GUILD_PRESENCES) === 0) return false;
    return !this.stream.knowsPresences(node);
  }

  private stall(node: string): Stall {
    let stall = this.stalls.get(node);
    if (stall === undefined) this.stalls.set(node, (stall = { requests: new Map() }));
    return stall;
  }

  private retry(node: string, sent: number): void {
    if (this.audience.sessionsOf(node) === undefined) this.resume(node);
    // What it was sent it need not have handled yet.
    else this.goOn(node, sent);
  }

  private goOn(node: string, index: number, before?: () => void): void {
    const { settled, catchUp } = this.audience.sync(node, index);
    this.settle(settled);
    before?.();
    if (catchUp !== undefined) this.catchUp(catchUp, index);
  }

  private giveUp(node: string): void {
    const stall = this.stalls.get(node);
    this.nodeLost(node);
    for (const request of stall?.requests.values() ?? []) this.insight.resume(request);
  }

  private catchUp({ node, events }: CatchUp, after: number): void {
    const sessions = [...(this.audience.sessionsOf(node)?.keys() ?? [])];
    const next = this.audience.index + 1;
    const caughtUp =
      events !== undefined && this.stream.catchUp(node, after, events, this.viewsOn(node, sessions), next);
    if (!caughtUp) {
      this.settle(this.audience.removeNode(node));
      this.forgetNode(node, this.sessionsLeftOn(node));
      this.sayLost(node);
    }
    this.resume(node);
  }

  private resume(node: string): void {
    const stall = this.stalls.get(node);
    this.stalls.delete(node);
    for (const request of stall?.requests.values() ?? []) this.insight.resume(request);
  }

  private viewsOn(node: string, sessions: readonly string[]): Set<ClassView> {
    const views = new Set<ClassView>();
    for (const sessionId of sessions) {
      const userId = this.subscribers.get(node, sessionId)?.userId;
      const view = userId === undefined ? undefined : this.insight.viewOf(userId);
      if (view !== undefined) views.add(view);
    }
    return views;
  }

  private sessionsLeftOn(node: string): string[] {
    return this.subscribers.of('*').flatMap((left) => (left.node === node ? left.sessionId : []));
  }

  private forgetNode(node: string, sessions: readonly string[]): void {
    for (const sessionId of sessions) this.drop(node, sessionId);
    this.stream.forget(node);
    this.leaving.delete(node);
  }

  private finishLeaving(node: string, acked: number): void {
    const leaving = this.leaving.get(node);
    if (leaving === undefined) return;
    const later = leaving.filter(({ index }) => index > acked);
    if (later.length > 0) this.leaving.set(node, later);
    else this.leaving.delete(node);
    const back = new Set<Snowflake>();
    for (const left of leaving) {
      if (left.index > acked) continue;
      this.takeOut(node, left);
      if (left.again) back.add(left.userId);
    }
    for (const userId of back) this.out.joined(userId);
  }

  private leavingOf(userId: Snowflake): Leaving[] {
    return [...this.leaving.values()].flat().filter((left) => userId === '*' || left.userId === userId);
  }

  /** Once: the session may be back. */
  private takeOut(node: string, left: Leaving): void {
    if (!left.gone) this.removeFromNode(node, left.sessionId);
    left.gone = true;
  }

  private removeFromNode(node: string, sessionId: string): void {
    this.settle(this.audience.unsubscribe(node, sessionId));
    if (this.audience.sessionsOf(node) !== undefined) return;
    this.stream.forget(node);
    // There is nothing left that it could catch up on. A full queue is still one.
    if (this.stalls.get(node)?.refused === undefined) this.resume(node);
  }

  private drop(node: string, sessionId: string): Subscriber | undefined {
    const subscriber = this.subscribers.remove(node, sessionId);
    if (subscriber !== undefined && !this.subscribers.has(subscriber.userId))
      this.insight.released(subscriber.userId);
    return subscriber;
  }

  private settle(settled: readonly Settled<number | undefined>[]): void {
    for (const { ticket, sessions } of settled)
      if (ticket !== undefined) this.out.answer(ticket, { sessions });
  }
}
