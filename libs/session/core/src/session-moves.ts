import { type ArrivalParts, Arrivals } from './arrivals';
import type { Arrived } from './event-stream';
import type { AudienceView, JoinWait } from './audience-view';
import { type DepartureParts, Departures } from './departures';
import { close } from './doorstep';
import type { Inbound, NodeRef, Outbound, Resume } from './messages';
import { type ClientMessage, type ForwardedToSession, forwarded, moveFlow } from './move-messages';
import type { Session } from './session';
import { StrayResumes } from './stray-resumes';

interface Parts extends DepartureParts, Omit<ArrivalParts, 'heard' | 'settled'> {
  /** What a client said, if it is the session's. */
  readonly receive: (message: ClientMessage, gateway: NodeRef, now: number) => void;
}

/** Sessions follow the ring: what this node hears and says about sessions that go, come, or are looked for. */
export class SessionMoves {
  private readonly departures: Departures;
  private readonly arrivals: Arrivals;
  private readonly strays: StrayResumes;

  constructor(private readonly parts: Parts) {
    this.departures = new Departures(parts);
    this.strays = new StrayResumes(parts.kit, parts.sessions);
    this.arrivals = new Arrivals({
      ...parts,
      heard: (message, gateway, now) => this.heard(message, gateway, now),
      settled: (session, now) => this.departures.consider(session, now),
    });
  }

  /** Sessions that are to go or on their way from here. */
  get leaving(): number {
    return this.departures.size;
  }

  /** Sessions on their way here. */
  get arriving(): number {
    return this.arrivals.size;
  }

  /** The member list has changed. */
  review(now: number): void {
    this.departures.review(now);
    this.strays.review(now);
  }

  /** READY was sent, or the session was resumed: if it is another node's, it may go now. */
  consider(session: Session, now: number): void {
    this.departures.consider(session, now);
  }

  peerUp(node: NodeRef, now: number): void {
    this.departures.peerUp(node, now);
  }

  peerGone(node: string, now: number): void {
    this.departures.peerGone(node, now);
    this.arrivals.peerGone(node, now);
  }

  entered(view: AudienceView, session: Session): void {
    if (session.state === 'arriving') this.arrivals.entered(view, session);
  }

  stuck(session: Session, now: number): void {
    this.arrivals.stuck(session, now);
  }

  joins(session: Session, join: JoinWait): void {
    this.arrivals.joins(session, join);
  }

  left(session: Session, guildId: string, event: Arrived): void {
    if (session.state === 'arriving') this.arrivals.left(session, guildId, event);
  }

  /** The event ends the session. False: it does so now. */
  closing(session: Session, event: Arrived): boolean {
    if (session.state !== 'arriving') return false;
    this.arrivals.closing(session, event);
    return true;
  }

  /** Takes what is about moves, or about a session that is not here. False: it is for a session here. */
  take(message: Inbound, from: NodeRef, now: number): boolean {
    const { departures, arrivals } = this;
    switch (message.$case) {
      case 'sessionOffer':
        arrivals.offered(message.value, from, now);
        for (const { value, gateway } of this.strays.found(message.value.sessionId))
          if (!arrivals.await(value, gateway, now)) this.answerFound(value, gateway, from, now);
        return true;
      case 'sessionOfferAccepted':
        departures.accepted(message.value.sessionId, message.value.points, from, now);
        return true;
      case 'sessionOfferEnded':
        departures.declined(message.value.sessionId, from, now);
        arrivals.ended(message.value.sessionId, from, now);
        return true;
      case 'replayEvents':
        arrivals.events(message.value, from);
        return true;
      case 'recentEvents':
        arrivals.recent(message.value, from);
        return true;
      case 'sessionState':
        arrivals.arrived(message.value, from, now);
        return true;
      case 'sessionMoved':
        departures.moved(message.value.sessionId, message.value.adopted, from, now);
        return true;
      case 'sessionMoveAsked':
        arrivals.asked(message.value.sessionId, from);
        return true;
      case 'connectionReleased':
        arrivals.released(message.value, from, now);
        return true;
      default:
        return this.takeOfClient(message, from, now);
    }
  }

  private takeOfClient(message: Inbound, from: NodeRef, now: number): boolean {
    const { departures, arrivals, strays } = this;
    switch (message.$case) {
      case 'sessionWanted': {
        const { sessionId } = message.value;
        if (!departures.wanted(sessionId, from, now))
          this.say(from, { $case: 'sessionUnknown', value: { sessionId } });
        return true;
      }
      case 'sessionUnknown':
        strays.absent(message.value.sessionId, from.id, now);
        return true;
      case 'forwardedToSession':
        this.forwarded(message.value, now);
        return true;
      case 'resume':
        return this.resume(message.value, from, false, now);
      case 'drained':
        return departures.whereabouts(message.value.sessionId) !== undefined;
      case 'setPresence':
      case 'requestMembers':
      case 'connectionEnded':
      case 'socketPressure':
        return arrivals.keep(message, from, now) || departures.forward(message, from);
      default:
        return false;
    }
  }

  private resume(value: Resume, from: NodeRef, isForwarded: boolean, now: number): boolean {
    if (this.arrivals.await(value, from, now)) return true;
    const target = this.departures.whereabouts(value.sessionId);
    if (target !== undefined && !isForwarded) {
      this.say(target, forwarded({ $case: 'resume', value }, from));
      return true;
    }
    const isHere = this.parts.sessions.get(value.sessionId) !== undefined;
    if (target === undefined && isHere) return false;
    // It is between two nodes, and the other one has sent the resume here.
    if (isHere) this.parts.sessions.doorstep.refuse(from, value.connection, close.tryAgain);
    return isHere || this.strays.take(value, from, isForwarded, now);
  }

  /** The session was found and does not come here: it is here already, or stays with the node that offered it. */
  private answerFound(value: Resume, gateway: NodeRef, keeper: NodeRef, now: number): void {
    if (this.parts.sessions.get(value.sessionId) !== undefined)
      this.parts.sessions.resume(value, gateway, now);
    else this.say(keeper, forwarded({ $case: 'resume', value }, gateway));
  }

  private forwarded({ gateway, incarnation, message }: ForwardedToSession, now: number): void {
    const from = { id: gateway, incarnation };
    if (message === undefined) return;
    if (message.$case === 'identify') this.parts.sessions.identify(message.value, from, now);
    else if (message.$case === 'resume') {
      if (!this.resume(message.value, from, true, now)) this.parts.sessions.resume(message.value, from, now);
    } else if (!this.arrivals.keep(message, from, now)) this.heard(message, from, now);
  }

  private heard(message: ClientMessage, gateway: NodeRef, now: number): void {
    const session = this.parts.sessions.get(message.value.sessionId);
    const isOver = message.$case === 'connectionEnded' && message.value.endSession;
    // Its client said goodbye to the node before, and the connection never came here.
    if (isOver && session?.state === 'detached' && session.epoch === message.value.epoch)
      this.parts.sessions.end(session, now);
    else this.parts.receive(message, gateway, now);
  }

  private say(to: NodeRef, message: Outbound): void {
    this.parts.kit.outbox.send(to.id, moveFlow, message);
  }
}
