import { type AudienceLimits, Kind, defaultAudienceLimits } from '@derailed/audience/core';
import type { Rng } from '@derailed/shared/kernel';
import { Agenda } from './agenda';
import type { AudienceView } from './audience-view';
import { Dispatches } from './dispatches';
import { type Effect, Outbox } from './effects';
import { EventStream } from './event-stream';
import { GuildEntries } from './guild-entries';
import { type Kit, type Placement, type SessionLimits, noCounts } from './kit';
import { MemberRequests } from './member-requests';
import type { AudienceTerm, FromClient, Inbound, NodeRef, Outbound, Publish } from './messages';
import { Outlets } from './outlets';
import { OwnerWords } from './owner-words';
import { PresenceFeed } from './presence-feed';
import { QuietSessions } from './quiet-sessions';
import type { Readiness } from './readiness';
import type { Session } from './session';
import { SessionMoves } from './session-moves';
import { Sessions } from './sessions';
import type { Figures } from './figures';
import { flowOf } from './flow';
import { Subscriptions } from './subscriptions';
import { inTurns } from './turns';
import { Users } from './users';
import { Views } from './views';

export interface SessionNodeOptions {
  readonly limits: SessionLimits;
  /** Of the audiences of users that this node owns. */
  readonly audience?: AudienceLimits;
  readonly placement: Placement;
  readonly rng: Rng;
  readonly encode: (text: string) => Uint8Array;
}

/**
 * Sessions and Users of one node. Every method takes the monotonic time in milliseconds and gives back what the
 * shell is to do, in order; none ever waits.
 */
export class SessionNode {
  readonly counts = noCounts();
  private readonly outbox = new Outbox();
  private readonly agenda = new Agenda();
  private readonly views: Views;
  private readonly users: Users;
  private readonly feed: PresenceFeed;
  private readonly subscriptions: Subscriptions;
  private readonly entries: GuildEntries;
  private readonly stream: EventStream;
  private readonly quiet: QuietSessions;
  private readonly members: MemberRequests;
  private readonly sessions: Sessions;
  private readonly moves: SessionMoves;
  private readonly ownerWords: OwnerWords;
  private readonly kit: Kit;

  constructor(options: SessionNodeOptions) {
    const { limits, audience = defaultAudienceLimits, placement, rng, encode } = options;
    const { agenda, outbox, counts } = this;
    const outlets = new Outlets(outbox);
    const kit: Kit = { limits, placement, agenda, outbox, outlets, rng, encode, counts };
    const dispatches = new Dispatches(kit);
    this.kit = kit;
    this.views = new Views(limits.recentIds);
    this.users = new Users(kit, audience);
    this.feed = new PresenceFeed(kit);
    this.quiet = new QuietSessions(this.views, dispatches);
    this.members = new MemberRequests(kit, dispatches);
    this.subscriptions = new Subscriptions(kit, this.views, dispatches, {
      entered: (view, session) => this.entered(view, session),
      rejected: (view, session, delayMs, now) => {
        if (view.kind === Kind.user) this.sessions.rejected(session, delayMs, now);
        else this.feed.left(session, view.id);
      },
      joinSettled: (join, now) => this.stream.joinSettled(join, now),
      answered: (session, now) => this.entries.answered(session, now),
      weighs: (session, bytes) => this.entries.weighs(session, bytes),
      stuck: (session, now) => this.moves.stuck(session, now),
      missing: (view) => this.stream.sync(view),
    });
    this.entries = new GuildEntries(this.subscriptions);
    this.stream = new EventStream(kit, this.views, this.subscriptions, dispatches, {
      closed: (session, event, now) => {
        if (!this.moves.closing(session, event)) this.sessions.end(session, now, event.closeCode);
      },
      left: (session, guildId, event, now) => {
        session.guilds.delete(guildId);
        this.members.left(session, guildId, now);
        this.feed.left(session, guildId);
        this.moves.left(session, guildId, event);
        dispatches.guildDelete(session, guildId, false, flowOf(event.kind, event.audienceId), event.index);
      },
      joins: (session, join) => this.moves.joins(session, join),
      holds: (...event) => this.ownerWords.holdsEvent(...event),
    });
    this.sessions = new Sessions(kit, this.subscriptions, dispatches, this.entries, this.feed, {
      live: (session, now) => {
        this.quiet.update(session);
        this.drained(session, now);
        this.moves.consider(session, now);
      },
      unbound: (session, now) => {
        this.quiet.update(session);
        this.members.unbound(session, now);
      },
    });
    const { views, sessions, subscriptions, stream, entries, quiet } = this;
    const lost = (session: Session, now: number): void => this.lost(session, now);
    this.ownerWords = new OwnerWords({ views, sessions, subscriptions, stream, lost });
    this.moves = new SessionMoves({
      kit,
      views,
      sessions,
      subscriptions,
      stream,
      dispatches,
      entries,
      members: this.members,
      quiet,
      receive: (message, gateway, now) => this.receiveFromClient(message, gateway, now),
    });
  }

  get figures(): Figures {
    return {
      sessions: this.sessions.size - this.moves.arriving,
      detached: this.sessions.detachedSize,
      users: this.users.size,
      audiences: this.views.size,
      replayBytes: this.sessions.memory.bytes,
      memberQueue: this.members.queued,
      leaving: this.moves.leaving,
      arriving: this.moves.arriving,
    };
  }

  /** Whether a session-node is behind in the audience of a user that is here, or seems about to be. */
  lags(now: number): boolean {
    return this.users.lags(now);
  }

  handle(message: Inbound, from: NodeRef, now: number): readonly Effect[] {
    this.receive(message, from, now);
    return this.done(now);
  }

  /** Answered by the effect `answer` with the same `call`. */
  publish(call: number, value: Publish, now: number): readonly Effect[] {
    this.users.publish(call, value, now);
    return this.done(now);
  }

  disconnectUser(call: number, userId: string, closeCode: number, now: number): readonly Effect[] {
    this.users.disconnect(call, userId, closeCode, now);
    return this.done(now);
  }

  userPresence(call: number, userId: string, now: number): readonly Effect[] {
    this.outbox.answer(call, this.users.presence(userId));
    return this.done(now);
  }

  /** @param guilds that the user is in */
  identifyBudget(call: number, userId: string, guilds: number, now: number): readonly Effect[] {
    this.outbox.answer(call, this.users.identifyBudget(userId, guilds, now));
    return this.done(now);
  }

  /** @param readiness null: there is no such user; undefined: the database is away */
  readinessRead(sessionId: string, readiness: Readiness | null | undefined, now: number): readonly Effect[] {
    const session = this.sessions.get(sessionId);
    if (session !== undefined) {
      if (readiness === undefined) this.sessions.readinessFailed(session, now);
      else this.sessions.ready(session, readiness, now);
    }
    return this.done(now);
  }

  /**
   * @param json the data of the next GUILD_MEMBERS_CHUNK; undefined: it can't be read, and the request ends
   * @param last whether no page follows
   */
  memberChunk(read: number, json: string | undefined, last: boolean, now: number): readonly Effect[] {
    this.members.chunk(read, json, last, now);
    return this.done(now);
  }

  /** The mesh did not take what a `send` effect asked for. */
  sendRefused(to: string, message: Outbound, now: number): readonly Effect[] {
    switch (message.$case) {
      case 'bound':
      case 'refused':
      case 'deliver':
      case 'closeConnection':
      case 'connectionMoving':
        this.sessions.outletFull(to, now);
        break;
      case 'subscribe':
        this.subscriptions.undelivered(message.value, this.sessions.get(message.value.sessionId), now);
        break;
      case 'audienceEvent':
        this.users.undelivered(message.value.audienceId, message.value.index, to, now);
        break;
      case 'subscribed':
        // It would be wrong outside of its stream. Who asked will ask again.
        break;
      default:
        // Unheard, these would leave something behind for ever. The control lane takes them.
        this.outbox.signal(to, message);
    }
    return this.done(now);
  }

  /** First contact with a node, or contact after gone: what was said to it before is lost. */
  peerUp(node: NodeRef, now: number): readonly Effect[] {
    this.users.peerUp(node, now);
    this.moves.peerUp(node, now);
    inTurns(this.kit, [...this.views.all()], now, (view, then) => this.reunite(view, node, then));
    inTurns(this.kit, [...this.sessions.all()], now, (session) => {
      if (session.state !== 'ended') this.feed.repeat(session, node.id);
    });
    return this.done(now);
  }

  peerGone(node: NodeRef, now: number): readonly Effect[] {
    this.sessions.outletGone(node, now);
    this.users.peerGone(node.id);
    this.moves.peerGone(node.id, now);
    for (const view of this.views.all()) this.subscriptions.giveUpOn(view, node.id, now);
    return this.done(now);
  }

  /** The list of guild-nodes has changed: who follows an owner that is off it looks for the next one. */
  guildOwnersChanged(now: number): readonly Effect[] {
    for (const view of this.views.of(Kind.guild)) this.subscriptions.listChanged(view, now);
    return this.done(now);
  }

  /** The same of session-nodes: users are forgotten that this one owns no more, and sessions go to their nodes of now. */
  userOwnersChanged(now: number): readonly Effect[] {
    this.users.listChanged(now);
    for (const view of this.views.of(Kind.user)) this.subscriptions.listChanged(view, now);
    this.moves.review(now);
    return this.done(now);
  }

  /** That owner serves none of these keys until it knows what this node holds: says it, all at once. */
  tellOwner(
    owner: NodeRef,
    role: 'session-node' | 'guild-node',
    now: number,
    isAsked: (key: string) => boolean = () => true,
  ): readonly Effect[] {
    const kind = role === 'guild-node' ? Kind.guild : Kind.user;
    for (const view of this.views.of(kind)) if (isAsked(view.id)) this.subscriptions.tell(view, owner, now);
    return this.done(now);
  }

  /** Somebody else knows what the effect `behind` said. */
  known(userId: string, term: number, node: string, needs: number, now: number): readonly Effect[] {
    this.users.known(userId, term, node, needs);
    return this.done(now);
  }

  /** That node's sessions have missed events of an owner of the user before, for good: they end. */
  nodeBehind(userId: string, node: string, now: number): readonly Effect[] {
    this.users.nodeBehind(userId, node);
    return this.done(now);
  }

  /** Whether that node has sessions in the audience of this user, and in this very term. */
  holdsTerm({ audienceId, term }: Readonly<AudienceTerm>, node: string): boolean {
    return this.users.holds(audienceId, term, node);
  }

  /** Whether that node's session is in the audience of this user, which is here. */
  hasSubscriber(userId: string, sessionId: string, node: string): boolean {
    return this.users.has(userId, sessionId, node);
  }

  /** The same for a presence-node, of how the sessions are seen. */
  tellPresences(node: string, now: number): readonly Effect[] {
    for (const session of this.sessions.all()) if (session.state !== 'ended') this.feed.repeat(session, node);
    return this.done(now);
  }

  /** When tick() has something to do; undefined: nothing is planned. */
  nextWake(): number | undefined {
    return this.agenda.nextWake();
  }

  tick(now: number): readonly Effect[] {
    this.agenda.tick(now);
    return this.done(now);
  }

  private receive(message: Inbound, from: NodeRef, now: number): void {
    if (message.$case !== 'audienceEvent' && this.moves.take(message, from, now)) return;
    switch (message.$case) {
      case 'audienceEvent':
        this.stream.arrive(message.value, from, now);
        break;
      case 'identify':
        this.sessions.identify(message.value, from, now);
        break;
      case 'resume':
        this.sessions.resume(message.value, from, now);
        break;
      case 'setPresence':
      case 'requestMembers':
      case 'connectionEnded':
      case 'drained':
      case 'socketPressure':
        this.receiveFromClient(message, from, now);
        break;
      case 'subscribe':
        this.users.subscribe(message.value, from, now);
        break;
      case 'unsubscribe':
        this.users.unsubscribe(message.value.audienceId, message.value.sessionIds, from);
        break;
      case 'audienceAck':
        this.users.ack(message.value.audienceId, message.value.index, message.value.sessions, from, now);
        break;
      case 'audienceSync':
        this.users.sync(message.value, from);
        break;
      case 'audienceHeld':
        this.users.held(message.value, from);
        break;
      case 'identifyCounts':
        this.users.counts.heard(message.value, now);
        break;
      case 'subscribed':
      case 'subscribeRefused':
      case 'classTable':
      case 'reclassed':
      case 'audienceLost':
      case 'audienceReset':
        this.ownerWords.receive(message, from, now);
        break;
      default:
        // Of moves.
        break;
    }
  }

  private receiveFromClient(message: FromClient, from: NodeRef, now: number): void {
    const { sessionId, epoch } = message.value;
    const session = this.sessions.bound(sessionId, epoch, from);
    if (session === undefined) return;
    switch (message.$case) {
      case 'setPresence':
        this.sessions.setPresence(session, message.value.presence);
        break;
      case 'requestMembers':
        this.members.ask(session, message.value, now);
        break;
      case 'connectionEnded':
        this.sessions.connectionEnded(session, message.value.endSession, now);
        break;
      case 'drained':
        if (session.state === 'replaying') this.sessions.replay(session, now);
        else this.drained(session, now);
        break;
      case 'socketPressure':
        this.quiet.pressure(session, message.value.pressed);
        break;
    }
  }

  private drained(session: Session, now: number): void {
    this.entries.drained(session, now);
    this.members.drained(session, now);
  }

  private entered(view: AudienceView, session: Session): void {
    this.moves.entered(view, session);
    if (view.kind === Kind.user) this.sessions.registered(session);
    else this.feed.joined(session, view.id);
  }

  private lost(session: Session, now: number): void {
    if (session.state === 'arriving') this.moves.stuck(session, now);
    else this.sessions.lose(session, 0, now);
  }

  private reunite(view: AudienceView, node: NodeRef, now: number): void {
    if (this.views.get(view.kind, view.id) !== view) return;
    this.subscriptions.askAgain(view, node.id, now);
    if (view.owner?.id !== node.id) return;
    if (view.isFrom(node)) this.stream.resync(view);
    else this.subscriptions.startOver(view, now);
  }

  private done(now: number): readonly Effect[] {
    if (this.sessions.memory.bytes > this.kit.limits.replayMemory) this.sessions.relieve(now);
    return this.outbox.take();
  }
}
