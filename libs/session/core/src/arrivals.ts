import { Kind } from '@derailed/audience/core';
import { isSnowflake } from '@derailed/shared/kernel';
import { sessionRingKey } from '@derailed/shared/protocol';
import { AdoptedSessions } from './adopted-sessions';
import { Adoption, type AdoptionParts } from './adoption';
import { type Arrival, arrivalOf, isPast, isSame, pointsOf } from './arrival';
import type { AudienceView, JoinWait } from './audience-view';
import type { Outbound, NodeRef, Resume } from './messages';
import { close } from './doorstep';
import type { Arrived } from './event-stream';
import {
  type ClientMessage,
  type ConnectionReleased,
  type RecentEvents,
  type ReplayEvents,
  type SessionOffer,
  type SessionState,
  forwarded,
  moveFlow,
} from './move-messages';
import { Session } from './session';
import { flowOf } from './flow';

export interface ArrivalParts extends AdoptionParts {
  /** What a client said while its session moved. */
  readonly heard: (message: ClientMessage, gateway: NodeRef, now: number) => void;
  /** The session lives here now. */
  readonly settled: (session: Session, now: number) => void;
}

/** Sessions that may be on their way here at once; more are tried again later. */
const mostArrivals = 1024;
/** What a client may say, and how often it may try to resume, before its session is here. */
const mostMessages = 128;
/** Between two looks whether this node has come as far as the one before, in milliseconds. */
const lookAgain = 5;
/** How long a ws-gateway may take to hand a connection over, in milliseconds: one that is dead is known to be by then. */
const releaseWithin = 10_000;
/** How much longer than the other node this one waits for a move. */
const slack = 2;

/**
 * Sessions that come here from other nodes. This node subscribes for each and queues what comes; with its state, and
 * once this node has come as far as the other one in every audience, the session lives here. What the other one gave
 * it already is left out of the queue, and the rest follows.
 */
export class Arrivals {
  private readonly byId = new Map<string, Arrival>();
  private readonly adoption: Adoption;
  private readonly adopted: AdoptedSessions;

  constructor(private readonly parts: ArrivalParts) {
    this.adoption = new Adoption(parts);
    this.adopted = new AdoptedSessions({
      agenda: parts.kit.agenda,
      forgetSession: (sessionId) => {
        const session = parts.sessions.get(sessionId);
        if (session !== undefined) this.adoption.forgetPast(session);
      },
      forgetOrigin: (origin) => this.adoption.forgetOrigin(origin),
    });
  }

  /** Sessions that do not live here yet. */
  get size(): number {
    let count = 0;
    for (const { adopted } of this.byId.values()) if (!adopted) count++;
    return count;
  }

  offered(offer: SessionOffer, from: NodeRef, now: number): void {
    const { sessionId, traits } = offer;
    const known = this.byId.get(sessionId);
    if (known !== undefined && !known.adopted && isSame(known.from, from)) {
      this.enter(known, offer.guildIds, now);
      return;
    }
    if (known?.adopted === false) this.fail(known, now, false);
    const isHere = this.parts.sessions.get(sessionId) !== undefined;
    if (traits === undefined || isHere || this.byId.size >= mostArrivals || !this.isOurs(offer)) {
      this.tell(from, { $case: 'sessionOfferEnded', value: { sessionId } });
      return;
    }
    const arrival = this.expect(offer, traits, from, now);
    this.enter(arrival, offer.guildIds, now);
  }

  /** The session is in one of the audiences that it was said to be in. */
  entered(view: AudienceView, session: Session): void {
    const arrival = this.byId.get(session.id);
    const { point } = view;
    if (arrival === undefined || arrival.adopted || point === undefined) return;
    arrival.points.set(view.flow, point);
    arrival.since.set(view.flow, view.handled);
    this.accept(arrival);
  }

  /** The other node gives it up. */
  ended(sessionId: string, from: NodeRef, now: number): void {
    const arrival = this.byId.get(sessionId);
    if (arrival === undefined || arrival.adopted || !isSame(arrival.from, from)) return;
    // It may be this node that is wrong about a stream.
    for (const { kind, audienceId } of arrival.points.values()) {
      const view = this.parts.views.get(kind, audienceId);
      if (view !== undefined) this.parts.subscriptions.verify(view);
    }
    this.fail(arrival, now, false);
  }

  /** It can't be subscribed here as it is there. */
  stuck(session: Session, now: number): void {
    const arrival = this.byId.get(session.id);
    if (arrival?.adopted === false) this.fail(arrival, now, true);
  }

  events(value: ReplayEvents, from: NodeRef): void {
    this.adoption.events(value, from);
  }

  recent(value: RecentEvents, from: NodeRef): void {
    this.adoption.recent(value, from);
  }

  arrived(state: SessionState, from: NodeRef, now: number): void {
    const { sessionId } = state;
    const arrival = this.byId.get(sessionId);
    if (arrival === undefined || arrival.adopted || !isSame(arrival.from, from)) {
      this.say(from, sessionId, this.adopted.has(sessionId, from));
      return;
    }
    arrival.state = state;
    if (!this.adoption.isWhole(state, from)) {
      this.fail(arrival, now, true);
      return;
    }
    this.adoption.note(arrival, state);
    this.adoption.passJoins(arrival, state, now);
    this.proceed(arrival, now);
  }

  asked(sessionId: string, from: NodeRef): void {
    const arrival = this.byId.get(sessionId);
    // Its state is here, or comes: the answer follows.
    if (arrival?.state !== undefined && !arrival.adopted) return;
    this.say(from, sessionId, this.adopted.has(sessionId, from));
  }

  /** All that the connection was sent before has arrived there. */
  released(value: ConnectionReleased, gateway: NodeRef, now: number): void {
    const arrival = this.byId.get(value.sessionId);
    if (arrival === undefined) {
      // Of what did not come to live here, the node before takes the connection back, unless it is gone.
      const isWaitedFor = value.forsaken || this.adopted.hasOf(value.sessionId, value.epoch);
      if (value.open && isWaitedFor) this.letGo(value, gateway);
      return;
    }
    arrival.released = { value, gateway };
    if (arrival.adopted && isReleased(arrival)) this.attach(arrival, now);
  }

  /** Keeps what a client says until its session is here. False: that is not on its way. */
  keep(message: ClientMessage, gateway: NodeRef, now: number): boolean {
    const arrival = this.byId.get(message.value.sessionId);
    if (arrival === undefined) return false;
    if (arrival.messages.length < mostMessages) arrival.messages.push({ message, gateway });
    const { $case, value } = message;
    if ($case === 'connectionEnded' && value.epoch === arrival.session.epoch) this.expectNoMore(arrival, now);
    return true;
  }

  /** Keeps a resume until then. */
  await(value: Resume, gateway: NodeRef, now: number): boolean {
    const arrival = this.byId.get(value.sessionId);
    if (arrival === undefined) return false;
    if (this.expectNoMore(arrival, now)) return false;
    if (arrival.resumes.length < mostMessages) arrival.resumes.push({ value, gateway });
    else this.parts.sessions.doorstep.refuse(gateway, value.connection, close.tryAgain);
    return true;
  }

  joins(session: Session, join: JoinWait): void {
    this.byId.get(session.id)?.joins.push(join);
  }

  left(session: Session, guildId: string, { kind, audienceId, index }: Arrived): void {
    this.byId.get(session.id)?.left.set(guildId, { flow: flowOf(kind, audienceId), index });
  }

  closing(session: Session, event: Arrived): void {
    const arrival = this.byId.get(session.id);
    if (arrival !== undefined) arrival.closing ??= event;
  }

  peerGone(node: string, now: number): void {
    for (const arrival of [...this.byId.values()]) {
      if (arrival.from.id === node && !arrival.adopted && arrival.state === undefined) {
        for (const { value, gateway } of arrival.resumes.splice(0))
          this.parts.sessions.doorstep.refuse(gateway, value.connection, close.tryAgain);
        this.fail(arrival, now, false);
      } else if (arrival.adopted && arrival.state?.connection?.gateway === node) this.attach(arrival, now);
    }
  }

  private isOurs({ generation, traits }: SessionOffer): boolean {
    const { placement } = this.parts.kit;
    if (traits === undefined || !isSnowflake(traits.userId)) return false;
    const key = sessionRingKey({
      userId: traits.userId,
      shardId: traits.sharded ? traits.shardId : undefined,
    });
    // Of a list that this node has not seen yet the other one knows better.
    return (
      generation > placement.generation() || placement.ownerOf('session-node', key) === placement.self.id
    );
  }

  private expect(
    { sessionId, generation }: SessionOffer,
    { sharded, shardId, shardCount, ...traits }: NonNullable<SessionOffer['traits']>,
    from: NodeRef,
    now: number,
  ): Arrival {
    const { kit, sessions } = this.parts;
    const shard = sharded ? { id: shardId, count: shardCount } : undefined;
    const session = new Session({ ...traits, id: sessionId, shard }, kit.limits.replay, sessions.memory);
    session.state = 'arriving';
    session.admitted = true;
    session.placedBy = generation;
    this.adopted.delete(sessionId, from);
    const arrival = arrivalOf(session, from);
    arrival.timer = kit.agenda.add(now + kit.limits.moves.timeout * slack, (then) =>
      this.fail(arrival, then, true),
    );
    this.byId.set(sessionId, arrival);
    sessions.expect(session);
    return arrival;
  }

  private enter(arrival: Arrival, guildIds: readonly string[], now: number): void {
    const { session, wanted } = arrival;
    const entrance = { wantsSnapshot: false, announced: true };
    const { subscriptions } = this.parts;
    const news = guildIds.filter(
      (guildId) => isSnowflake(guildId) && !wanted.has(flowOf(Kind.guild, guildId)),
    );
    for (const guildId of news) wanted.add(flowOf(Kind.guild, guildId));
    if (!wanted.has(flowOf(Kind.user, session.userId))) {
      wanted.add(flowOf(Kind.user, session.userId));
      subscriptions.enter(session, Kind.user, session.userId, entrance, now);
    }
    for (const guildId of news) subscriptions.enter(session, Kind.guild, guildId, entrance, now);
    this.accept(arrival);
  }

  private accept({ session, from, wanted, points }: Arrival): void {
    if (points.size < wanted.size) return;
    const value = { sessionId: session.id, points: [...points.values()] };
    this.tell(from, { $case: 'sessionOfferAccepted', value });
  }

  /** Adopts the session when this node has come as far as the other; else looks again soon. */
  private proceed(arrival: Arrival, now: number): void {
    const { session, state } = arrival;
    if (state === undefined || this.byId.get(session.id) !== arrival || arrival.adopted) return;
    switch (this.adoption.standing(arrival, state)) {
      case 'wrong':
        this.fail(arrival, now, true);
        break;
      case 'behind':
        this.parts.kit.agenda.add(now + lookAgain, (then) => this.proceed(arrival, then));
        break;
      case 'even':
        this.adopt(arrival, state, now);
    }
  }

  private adopt(arrival: Arrival, state: SessionState, now: number): void {
    const { agenda, counts } = this.parts.kit;
    agenda.drop(arrival.timer);
    this.adoption.adopt(arrival, state, now);
    counts.movedIn++;
    this.adopted.add(arrival.session.id, arrival.from, state.epoch, now);
    if (state.connection === undefined) this.settle(arrival, now);
    else if (isReleased(arrival)) this.attach(arrival, now);
    else arrival.timer = agenda.add(now + releaseWithin, (then) => this.attach(arrival, then));
  }

  /** The connection is here, or is not to be had. */
  private attach(arrival: Arrival, now: number): void {
    const { sessions, quiet } = this.parts;
    const { session, released } = arrival;
    if (this.byId.get(session.id) !== arrival) return;
    const { state } = session;
    if (state === 'replaying' && isReleased(arrival) && released?.value.open === true) {
      const { connection, epoch, pressed } = released.value;
      sessions.bind(session, released.gateway, connection, now);
      session.formerEpoch = epoch;
      quiet.pressure(session, pressed);
      sessions.replay(session, now);
    } else if (state === 'replaying') {
      this.disown(arrival);
      sessions.detach(session, now);
    }
    this.settle(arrival, now);
  }

  /** The connection is over, or its client has another one by now. False: the session does not live here yet. */
  private expectNoMore(arrival: Arrival, now: number): boolean {
    if (arrival.adopted) this.attach(arrival, now);
    return arrival.adopted;
  }

  /** The other node may forget it. */
  private settle(arrival: Arrival, now: number): void {
    const { kit, sessions, heard, settled } = this.parts;
    const { session, from, closing, messages, resumes } = arrival;
    kit.agenda.drop(arrival.timer);
    this.byId.delete(session.id);
    this.say(from, session.id, true);
    for (const { message, gateway } of messages) heard(message, gateway, now);
    for (const { value, gateway } of resumes) sessions.resume(value, gateway, now);
    const points = arrival.state === undefined ? undefined : pointsOf(arrival.state);
    if (closing !== undefined && !isPast(points, flowOf(closing.kind, closing.audienceId), closing.index))
      sessions.end(session, now, closing.closeCode);
    else settled(session, now);
  }

  /** Nothing comes of it: the session stays where it is. */
  private fail(arrival: Arrival, now: number, tells: boolean): void {
    const { kit, sessions } = this.parts;
    const { session, from, state, released } = arrival;
    if (this.byId.get(session.id) !== arrival || arrival.adopted) return;
    this.byId.delete(session.id);
    kit.agenda.drop(arrival.timer);
    sessions.release(session, now);
    this.adoption.joinAll(arrival, now);
    if (state !== undefined) this.say(from, session.id, false);
    else if (tells) this.tell(from, { $case: 'sessionOfferEnded', value: { sessionId: session.id } });
    this.sendBack(arrival);
    // The other node takes the connection back, if it is there.
    if (released?.value.open === true && released.value.forsaken)
      this.letGo(released.value, released.gateway);
  }

  /** Clients that have waited for the session here get it where it stays. */
  private sendBack({ from, resumes }: Arrival): void {
    for (const { value, gateway } of resumes) this.tell(from, forwarded({ $case: 'resume', value }, gateway));
  }

  /** Another connection has the session by now, or nobody has it. */
  private letGo(
    { connection, epoch }: Pick<ConnectionReleased, 'connection' | 'epoch'>,
    gateway: NodeRef,
  ): void {
    this.parts.kit.outbox.tell(gateway.id, {
      $case: 'closeConnection',
      value: { connection, epoch, closeCode: close.tryAgain },
    });
  }

  /** Its ws-gateway was not heard in time. If the connection is there still, nothing would ever come through it. */
  private disown({ session, state }: Arrival): void {
    if (state?.connection === undefined) return;
    const { connection, gateway: id, incarnation } = state.connection;
    this.letGo({ connection, epoch: session.epoch }, { id, incarnation });
  }

  private say(to: NodeRef, sessionId: string, adopted: boolean): void {
    this.tell(to, { $case: 'sessionMoved', value: { sessionId, adopted } });
  }

  private tell(to: NodeRef, message: Outbound): void {
    this.parts.kit.outbox.send(to.id, moveFlow, message);
  }
}

/** Whether the connection was handed over with the state that came, not at a try before. */
function isReleased({ released, state }: Arrival): boolean {
  return released !== undefined && released.value.epoch === state?.epoch;
}
