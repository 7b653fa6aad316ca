import { Kind } from '@derailed/audience/core';
import { Intent, isVolatile } from '@derailed/shared/protocol';
import { type Arrival, isPast, originOf, pointsOf } from './arrival';
import type { JoinWait } from './audience-view';
import type { EventStream } from './event-stream';
import type { GuildEntries } from './guild-entries';
import { InheritedIds } from './inherited-ids';
import type { Kit } from './kit';
import type { MemberRequests } from './member-requests';
import type { NodeRef } from './messages';
import { userOfPresence } from './missed-presences';
import type { RecentEvents, ReplayEvents, SessionState } from './move-messages';
import type { QuietSessions } from './quiet-sessions';
import type { Held } from './replay-buffer';
import type { Session } from './session';
import type { Sessions } from './sessions';
import { Unshelved } from './shelf';
import { flowOf } from './flow';
import type { Subscriptions } from './subscriptions';
import type { Views } from './views';

/** What of this node a session that comes here is put into. */
export interface AdoptionParts {
  readonly kit: Kit;
  readonly views: Views;
  readonly sessions: Sessions;
  readonly subscriptions: Subscriptions;
  readonly stream: EventStream;
  readonly entries: GuildEntries;
  readonly members: MemberRequests;
  readonly quiet: QuietSessions;
}

/** Makes a session of this node of what another one sent of it and what was queued here meanwhile. */
export class Adoption {
  private readonly shelves = new Map<string, Unshelved>();
  private readonly inherited: InheritedIds;

  constructor(private readonly parts: AdoptionParts) {
    this.inherited = new InheritedIds(parts.kit.limits.recentIds);
  }

  events(value: ReplayEvents, from: NodeRef): void {
    this.shelfOf(from).events(value);
  }

  recent(value: RecentEvents, from: NodeRef): void {
    this.shelfOf(from).recent(value);
    this.inherited.learn(originOf(from), value);
  }

  /**
   * Whether the session can live here now. `behind`: not everything that the other node gave it has come here.
   * `wrong`: it can't, and stays where it is.
   */
  standing({ session, from, left }: Arrival, state: SessionState): 'even' | 'behind' | 'wrong' {
    const { points, replay, missed } = state;
    const past = pointsOf(state);
    const shelf = this.shelfOf(from);
    const numbers = [...replay, ...missed.map(({ event }) => event)];
    if (session.overran || numbers.some((number) => shelf.at(number) === undefined)) return 'wrong';
    let standing: 'even' | 'behind' = 'even';
    for (const point of points) {
      const { kind, audienceId, index } = point;
      const view = this.parts.views.get(kind, audienceId);
      const leaving = kind === Kind.guild ? left.get(audienceId) : undefined;
      if (leaving !== undefined && !isPast(past, leaving.flow, leaving.index)) continue;
      if (view?.table.has(session) !== true || !view.isOf(point)) return 'wrong';
      if (view.index < index) standing = 'behind';
    }
    return standing;
  }

  /** Whether all that the state builds on has come before it. */
  isWhole(state: SessionState, from: NodeRef): boolean {
    return this.shelfOf(from).has(state);
  }

  /** What it has had is what was said up to its state; what comes behind that is of sessions that follow. */
  note({ from, had }: Arrival, { points, entering }: SessionState): void {
    const guilds = entering.map(({ guildId }) => ({ kind: Kind.guild, audienceId: guildId }));
    for (const { kind, audienceId } of [...points, ...guilds]) {
      const flow = flowOf(kind, audienceId);
      had.set(flow, this.inherited.had(originOf(from), flow));
    }
  }

  /** The session lives here from now on; it has no connection yet. */
  adopt(arrival: Arrival, state: SessionState, now: number): void {
    const { sessions, subscriptions, entries, members, quiet } = this.parts;
    const { session, from } = arrival;
    const { connection } = state;
    const shelf = this.shelfOf(from);
    const points = pointsOf(state);
    const queue = session.waiting ?? [];
    arrival.adopted = true;
    session.waiting = undefined;
    session.epoch = state.epoch;
    session.hop = state.hop + 1;
    session.presence = state.presence;
    session.cursor = connection?.nextSeq ?? 0;
    session.resuming = connection?.replaying ?? false;
    session.buffer.begin(state.firstSeq);
    for (const number of state.replay) session.buffer.push(shelf.at(number)!);
    if (connection === undefined) sessions.detach(session, now, now - state.awayMs);
    else session.state = 'replaying';
    quiet.update(session);
    for (const { guildId, userId, event } of state.missed)
      session.miss(shelf.at(event)!, { guildId, aboutUserId: userId });
    for (const dispatch of queue)
      if (!isPast(points, dispatch.flow, dispatch.index, true) && !isKnown(arrival, dispatch))
        take(session, dispatch);

    for (const guildId of [...session.guilds])
      if (!points.has(flowOf(Kind.guild, guildId))) subscriptions.leave(session, Kind.guild, guildId, now);
    this.inherit(arrival, state);
    const outages = new Set(state.entering.flatMap(({ guildId, outage }) => (outage ? guildId : [])));
    const guildIds = state.entering.map(({ guildId }) => guildId);
    session.had = new Map([...arrival.had].filter(([flow]) => !points.has(flow)));
    entries.begin(session, guildIds, now, outages);
    if (state.shown) sessions.show(session);
    else subscriptions.update(session);
    if (connection !== undefined) members.takeOver(session, state.memberRequests, state.memberListTurns, now);
    this.joinAll(arrival, now);
  }

  /** Joins that the session did at the other node already: what follows them in their stream can go on here. */
  passJoins(arrival: Arrival, state: SessionState, now: number): void {
    const points = pointsOf(state);
    const isDone = ({ event }: JoinWait): boolean =>
      isPast(points, flowOf(Kind.user, event.audienceId), event.index);
    const done = arrival.joins.filter(isDone);
    arrival.joins = arrival.joins.filter((join) => !isDone(join));
    for (const join of done) this.settle(join, arrival.session, true, now);
  }

  /** Joins that waited for the session go on: it is in, enters now, or is not here. */
  joinAll(arrival: Arrival, now: number): void {
    const { session, joins } = arrival;
    arrival.joins = [];
    for (const join of joins) {
      const guildId = join.event.joinsGuildId;
      const isHere = session.state !== 'ended';
      if (isHere && !session.guilds.has(guildId)) {
        const wantsSnapshot = session.has(Intent.GUILDS);
        const entrance = { wantsSnapshot, announced: false, join };
        this.parts.subscriptions.enter(session, Kind.guild, guildId, entrance, now);
      } else this.settle(join, session, isHere, now);
    }
  }

  /** It does not matter any more what the session had where it came from. */
  forgetPast(session: Session): void {
    const { views } = this.parts;
    session.had = undefined;
    views.get(Kind.user, session.userId)?.pasts.delete(session);
    for (const guildId of session.guilds) views.get(Kind.guild, guildId)?.pasts.delete(session);
  }

  /** Nobody has come from there for long. */
  forgetOrigin(origin: string): void {
    this.inherited.forget(origin);
    this.shelves.delete(origin);
  }

  private inherit({ session, had, since }: Arrival, { points }: SessionState): void {
    for (const { kind, audienceId } of points) {
      const view = this.parts.views.get(kind, audienceId);
      const ofView = had.get(flowOf(kind, audienceId));
      if (view?.table.has(session) === true && ofView !== undefined)
        view.pasts.set(session, { ...ofView, since: since.get(view.flow) ?? 0 });
    }
  }

  private settle(join: JoinWait, session: Session, isIn: boolean, now: number): void {
    if (isIn) join.sessions++;
    join.waitingFor.delete(session);
    if (join.waitingFor.size === 0) this.parts.stream.joinSettled(join, now);
  }

  private shelfOf(from: NodeRef): Unshelved {
    const origin = originOf(from);
    let shelf = this.shelves.get(origin);
    if (shelf === undefined) this.shelves.set(origin, (shelf = new Unshelved()));
    return shelf;
  }
}

/** Whether the session had the event where it was: its owner forgot, and it was published again. */
function isKnown({ had }: Arrival, { flow, event: { id } }: Held): boolean {
  const { ids, upTo = 0 } = had.get(flow) ?? {};
  return id !== '' && ids?.has(id, upTo) === true;
}

/** What comes while a session is quiet and can be done without gets no number. */
function take(session: Session, dispatch: Held): void {
  const { event, flow } = dispatch;
  if (session.quiet && (event.volatile || isVolatile(event.name))) {
    const guildId = flow.startsWith('g:') ? flow.slice(2) : '';
    const aboutUserId = event.name === 'PRESENCE_UPDATE' ? userOfPresence(event.data) : '';
    session.miss(dispatch, { guildId, aboutUserId });
  } else session.take(dispatch);
}
