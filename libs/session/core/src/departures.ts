import { Kind, type StreamPoint } from '@derailed/audience/core';
import { sessionRingKey } from '@derailed/shared/protocol';
import type { AudienceView } from './audience-view';
import { type Departure, Packing, departureOf, hasReached, mayGo } from './departure';
import type { Dispatches } from './dispatches';
import { close } from './doorstep';
import type { GuildEntries } from './guild-entries';
import type { Kit } from './kit';
import type { MemberRequests } from './member-requests';
import type { NodeRef, Outbound } from './messages';
import { type ClientMessage, forwarded, moveFlow } from './move-messages';
import type { Binding, Session } from './session';
import type { Sessions } from './sessions';
import { Shelf } from './shelf';
import { flowOf } from './flow';
import type { Subscriptions } from './subscriptions';
import type { Views } from './views';

/** What else of this node a session leaves behind. */
export interface DepartureParts {
  readonly kit: Kit;
  readonly views: Views;
  readonly sessions: Sessions;
  readonly subscriptions: Subscriptions;
  readonly dispatches: Dispatches;
  readonly entries: GuildEntries;
  readonly members: MemberRequests;
}

/** Between two looks at a session that can't go yet, in milliseconds. */
const lookAgain = 10;
/** Until a move that came to nothing is tried again. */
const retry = 500;
/** How long the answer to a request for members may hold up a move. */
const patience = 5_000;
/** How long what comes for a session that has left is passed on. */
const forwardFor = 60_000;
/** The other node may have bound the connection with the epoch after the present one, and spoken with the next hop. */
const epochsApart = 2;

/**
 * The sessions here that are another node's by the ring. Each is offered there; once that node gets all that comes for
 * it, and this one has given it all up to there, its state is sent, and this node only keeps what comes until it hears
 * that the session lives there.
 */
export class Departures {
  private readonly due = new Set<Session>();
  private readonly moves = new Map<string, Departure>();
  private readonly shelves = new Map<string, Shelf>();
  /** Where sessions went. */
  private readonly gone = new Map<string, NodeRef>();
  private readonly packing: Packing;
  private frozenBytes = 0;

  constructor(private readonly parts: DepartureParts) {
    this.packing = new Packing(parts.kit, parts.views, parts.members);
  }

  /** Sessions that are to go, or on their way. */
  get size(): number {
    return this.due.size + this.moves.size;
  }

  /** The member list has changed. */
  review(now: number): void {
    const { sessions, kit } = this.parts;
    for (const move of [...this.moves.values()]) {
      if (move.frozenAt === undefined) {
        if (this.ownerOf(move.session) !== move.to) this.drop(move, now, true);
      } else if (move.target !== undefined && !kit.placement.isMember(move.target)) this.revive(move, now);
    }
    for (const session of sessions.all()) this.note(session);
    this.pump(now);
  }

  /** The session has come here, or may go now. */
  consider(session: Session, now: number): void {
    this.note(session);
    if (this.due.has(session)) this.pump(now);
  }

  accepted(sessionId: string, points: readonly StreamPoint[], from: NodeRef, now: number): void {
    const { subscriptions } = this.parts;
    const move = this.moves.get(sessionId);
    if (move === undefined || move.frozenAt !== undefined || move.to !== from.id) return;
    move.target = from;
    for (const point of points) {
      move.points.set(flowOf(point.kind, point.audienceId), point);
      const view = this.parts.views.get(point.kind, point.audienceId);
      if (view?.owner?.id === point.owner && view.term !== point.term) subscriptions.verify(view);
    }
    this.proceed(move, now);
  }

  /** The other node does not take the session now. */
  declined(sessionId: string, from: NodeRef, now: number): void {
    const move = this.moves.get(sessionId);
    if (move !== undefined && move.frozenAt === undefined && move.to === from.id) this.drop(move, now, false);
  }

  /** @param adopted whether the session lives there now */
  moved(sessionId: string, adopted: boolean, from: NodeRef, now: number): void {
    const move = this.moves.get(sessionId);
    if (move?.frozenAt === undefined || move.to !== from.id) return;
    if (adopted) this.finish(move, from, move.frozenAt, now);
    else this.revive(move, now);
  }

  /** A client waits for it there. False: it is not here. */
  wanted(sessionId: string, from: NodeRef, now: number): boolean {
    const session = this.parts.sessions.get(sessionId);
    if (this.moves.get(sessionId)?.to === from.id) return true;
    if (session === undefined || this.moves.has(sessionId) || !mayGo(session)) return false;
    this.due.delete(session);
    this.start(session, from.id, now);
    return true;
  }

  /** Where the session is, when it has left or all but left. */
  whereabouts(sessionId: string): NodeRef | undefined {
    const move = this.moves.get(sessionId);
    if (move?.frozenAt !== undefined) return move.target;
    return this.parts.sessions.get(sessionId) === undefined ? this.gone.get(sessionId) : undefined;
  }

  /** False: the session has not left. */
  forward(message: ClientMessage, from: NodeRef): boolean {
    const target = this.whereabouts(message.value.sessionId);
    if (target === undefined) return false;
    this.parts.kit.outbox.send(target.id, moveFlow, forwarded(message, from));
    return true;
  }

  peerUp(node: NodeRef, now: number): void {
    for (const move of [...this.moves.values()]) {
      if (move.to !== node.id) continue;
      // What it was offered before is lost.
      if (move.frozenAt === undefined) this.offer(move);
      else if (move.target?.incarnation !== node.incarnation) this.revive(move, now);
      else this.say(move, { $case: 'sessionMoveAsked', value: { sessionId: move.session.id } });
    }
  }

  peerGone(node: string, now: number): void {
    // What becomes of those whose state was sent is not known before the node is back, or off the list.
    for (const move of [...this.moves.values()])
      if (move.to === node && move.frozenAt === undefined) this.drop(move, now, false);
    this.shelves.get(node)?.reset();
  }

  private note(session: Session): void {
    const { kit } = this.parts;
    const owner = this.ownerOf(session);
    // By the rings of a list that this node has not seen yet it was sent here.
    const isOurs = owner === undefined || owner === kit.placement.self.id;
    if (isOurs || session.placedBy > kit.placement.generation()) this.due.delete(session);
    else if (mayGo(session) && !this.moves.has(session.id)) this.due.add(session);
  }

  private ownerOf({ traits }: Session): string | undefined {
    const key = sessionRingKey({ userId: traits.userId, shardId: traits.shard?.id });
    return this.parts.kit.placement.ownerOf('session-node', key);
  }

  private pump(now: number): void {
    const { concurrency } = this.parts.kit.limits.moves;
    for (const session of this.due) {
      if (this.moves.size >= concurrency) return;
      const to = this.ownerOf(session);
      this.due.delete(session);
      if (mayGo(session) && to !== undefined) this.start(session, to, now);
    }
  }

  private start(session: Session, to: string, now: number): void {
    const move = departureOf(session, to, now);
    this.moves.set(session.id, move);
    this.offer(move);
    this.look(move, now);
  }

  private offer(move: Departure): void {
    this.say(move, { $case: 'sessionOffer', value: this.packing.offer(move) });
  }

  /** Looks whether it can go now; if not, soon again. */
  private proceed(move: Departure, now: number): void {
    const { kit, members } = this.parts;
    if (this.moves.get(move.session.id) !== move || move.frozenAt !== undefined) return;
    if (move.session.state === 'ended' || now - move.since > kit.limits.moves.timeout) {
      this.drop(move, now, true);
      return;
    }
    const { session, target, offered, points } = move;
    const views = target === undefined ? undefined : this.packing.viewsOf(session);
    if (views?.some(({ kind, flow }) => kind === Kind.guild && !offered.has(flow)) === true) this.offer(move);
    const waits = members.hasBegun(session) && now - move.since < patience;
    const mayGoOn = !waits && this.frozenBytes < kit.limits.moves.bytes;
    const isComplete = views?.every((view) => hasReached(view, points.get(view.flow))) === true;
    if (views !== undefined && target !== undefined && mayGoOn && isComplete)
      this.handOver(move, target, views, now);
    else this.look(move, now);
  }

  private look(move: Departure, now: number): void {
    const { agenda } = this.parts.kit;
    agenda.drop(move.timer);
    move.timer = agenda.add(now + lookAgain, (then) => this.proceed(move, then));
  }

  private handOver(move: Departure, target: NodeRef, views: readonly AudienceView[], now: number): void {
    const { outbox, counts, agenda } = this.parts.kit;
    const { session } = move;
    const { binding, epoch, id: sessionId } = session;
    const shelf = this.shelfFor(move.to);
    shelf.open();
    const before = shelf.flush();
    const value = this.packing.state(session, views, shelf, now);
    move.bytes = shelf.flush() - before;
    counts.movedBytes += move.bytes;
    this.frozenBytes += move.bytes;
    move.frozenAt = now;
    agenda.drop(move.timer);
    this.freeze(session);
    if (binding !== undefined) {
      move.lent = binding;
      const { connection, outlet } = binding;
      const { id: node, incarnation } = target;
      const moving = { connection, sessionId, epoch, node, incarnation };
      outbox.tell(outlet.node.id, { $case: 'connectionMoving', value: moving });
    }
    this.say(move, { $case: 'sessionState', value });
  }

  /** From here on it has no more sequence numbers to give: what comes waits. */
  private freeze(session: Session): void {
    session.entry = undefined;
    session.waiting = [];
    session.waitingBytes = 0;
    this.parts.sessions.stopTimers(session);
  }

  private finish(move: Departure, target: NodeRef, frozenAt: number, now: number): void {
    const { kit, sessions } = this.parts;
    const { session } = move;
    kit.counts.movedOut++;
    kit.outbox.ask({ kind: 'sessionMoved', ms: now - frozenAt });
    this.gone.set(session.id, target);
    kit.agenda.add(now + forwardFor, () => {
      if (this.gone.get(session.id) === target) this.gone.delete(session.id);
    });
    this.remove(move);
    sessions.release(session, now);
    this.pump(now);
  }

  /** It lives here still, and gets what has waited. Its connection was told to wait for the other node. */
  private revive(move: Departure, now: number): void {
    const { kit, sessions, dispatches, entries } = this.parts;
    const { session } = move;
    this.remove(move);
    this.shelves.get(move.to)?.clear();
    kit.counts.movesFailed++;
    const { waiting = [], overran, binding } = session;
    session.epoch += epochsApart;
    if (move.lent !== undefined && move.lent !== binding) this.recall(session, move.lent);
    if (session.state === 'ended') return;
    session.waiting = undefined;
    session.hop += epochsApart;
    if (binding !== undefined) {
      if (session.state === 'live') session.cursor = session.buffer.last + 1;
      sessions.doorstep.introduce(session, session.cursor - 1);
    }
    if (overran) {
      sessions.lose(session, 0, now);
      return;
    }
    if (session.state === 'detached') sessions.detach(session, now, session.detachedAt);
    for (const dispatch of waiting) dispatches.one(session, dispatch);
    sessions.replay(session, now);
    const rest = [...session.guilds].filter((guildId) => {
      const view = this.parts.views.get(Kind.guild, guildId);
      return view?.table.has(session) !== true && view?.asking.has(session) !== true;
    });
    entries.begin(session, rest, now);
    if (session.shown) sessions.show(session);
    this.again(session, now);
    this.pump(now);
  }

  /** The connection went with the session, which has ended or lost it meanwhile, and waits: it is taken back, to be closed. */
  private recall({ id, epoch }: Session, lent: Binding): void {
    const { doorstep } = this.parts.sessions;
    doorstep.introduce({ id, epoch, binding: lent }, 0);
    doorstep.letGo(lent, epoch, close.tryAgain);
  }

  /** @param tells whether the other node has to be told */
  private drop(move: Departure, now: number, tells: boolean): void {
    this.remove(move);
    if (tells) this.say(move, { $case: 'sessionOfferEnded', value: { sessionId: move.session.id } });
    if (move.session.state !== 'ended') {
      this.parts.kit.counts.movesFailed++;
      this.again(move.session, now);
    }
    this.pump(now);
  }

  private again(session: Session, now: number): void {
    const { agenda, rng } = this.parts.kit;
    agenda.add(now + retry * (0.5 + rng.next()), (then) => this.consider(session, then));
  }

  private remove(move: Departure): void {
    this.parts.kit.agenda.drop(move.timer);
    this.moves.delete(move.session.id);
    if (move.frozenAt !== undefined) this.frozenBytes -= move.bytes;
    const isLast = ![...this.moves.values()].some(({ to }) => to === move.to);
    if (isLast && this.due.size === 0) this.shelves.get(move.to)?.clear();
  }

  private shelfFor(node: string): Shelf {
    let shelf = this.shelves.get(node);
    if (shelf === undefined) this.shelves.set(node, (shelf = new Shelf(this.parts.kit.outbox, node)));
    return shelf;
  }

  private say({ to }: Departure, message: Outbound): void {
    this.parts.kit.outbox.send(to, moveFlow, message);
  }
}
