import { type AudienceEvent, Kind } from '@derailed/audience/core';
import { Intent, isVolatile, presenceUpdateJson } from '@derailed/shared/protocol';
import type { AudienceView, Handled, JoinWait } from './audience-view';
import type { Dispatches } from './dispatches';
import type { Kit } from './kit';
import type { ClassTable, NodeRef, Reclassed } from './messages';
import { type VolatileEvent, userOfPresence } from './missed-presences';
import { hold } from './replay-buffer';
import type { Session } from './session';
import { flowOf } from './flow';
import { type Subscriptions, primaryClass } from './subscriptions';
import type { Views } from './views';

/** What the stream asks of the sessions' owner. */
export interface StreamListener {
  /** The session ends; its socket closes with this code. */
  closed(session: Session, event: Arrived, now: number): void;
  /** The session is out of the guild by word of this event. */
  left(session: Session, guildId: string, event: Arrived, now: number): void;
  /** A session that is on its way here has to join too, when it has come. */
  joins(session: Session, join: JoinWait): void;
  /** Whether the event, of an audience that nobody is followed in, has to wait. */
  holds(view: AudienceView, event: Arrived, from: NodeRef, now: number): boolean;
}

export type Arrived = Readonly<AudienceEvent>;

/** Events of a user that may wait behind a join; one more and the join is no longer waited for. */
const longestQueue = 1024;
const everybody = '*';

/**
 * What the owners of audiences say, in the order of their index: each event once into the buffers of those who may
 * see it, then the ack.
 */
export class EventStream {
  constructor(
    private readonly kit: Kit,
    private readonly views: Views,
    private readonly subscriptions: Subscriptions,
    private readonly dispatches: Dispatches,
    private readonly listener: StreamListener,
  ) {}

  arrive(event: Arrived, from: NodeRef, now: number): void {
    const view = this.views.get(event.kind, event.audienceId);
    if (view?.owner === undefined) {
      if (view !== undefined && this.listener.holds(view, event, from, now)) return;
      // Nobody here is subscribed any more, or yet: an owner that waits for this ack would wait for nothing. Those who
      // are on their way to another owner are to get it from there.
      if (view?.rejoining === true) return;
      view?.note(event);
      this.ack(from.id, event, 0);
      return;
    }
    // Of an owner that is not ours: an ack would say that sessions here have what they never get.
    if (!view.isFrom(from)) return;
    if (event.index <= view.index) {
      this.ack(from.id, event, 0);
    } else if (event.index > view.received + 1) {
      this.sync(view);
    } else if (event.index === view.received + 1) {
      view.received = event.index;
      if (view.joining === undefined) this.apply(view, event, now);
      else this.enqueue(view, event, now);
    }
  }

  /**
   * What a class sees, from here on. Before the first Subscribed of a stream nothing says whose it is; a stream that
   * is not ours any more must change nothing.
   */
  classTable(
    { guildId, classId, channelIds, permissions, managedChannelIds }: ClassTable,
    from: NodeRef,
  ): void {
    const view = this.views.get(Kind.guild, guildId);
    if (view === undefined) return;
    if (!this.subscriptions.mayBe(view, from)) {
      // Who said it may speak for the audience again, and takes it for known.
      if (view.owner === undefined) view.lose();
      return;
    }
    view.table.setClass(classId, channelIds, permissions, managedChannelIds);
  }

  reclassed({ guildId, userId, classId }: Reclassed, from: NodeRef): void {
    const view = this.views.get(Kind.guild, guildId);
    if (view?.isFrom(from) !== true) return;
    view.table.reclass(userId, classId);
    for (const asking of view.asking.values()) {
      if (asking.answer !== undefined && asking.session.userId === userId)
        asking.answer = { ...asking.answer, classId };
    }
  }

  /** Says how far this node has come, so that the owner sends what follows. */
  resync(view: AudienceView): void {
    view.syncedAt = undefined;
    view.received = view.joining?.event.index ?? view.index;
    view.queue = [];
    this.sync(view);
  }

  /** Goes on with the events that waited behind the join. */
  joinSettled(join: JoinWait, now: number): void {
    const view = this.views.get(Kind.user, join.event.audienceId);
    if (view === undefined || view.joining !== join) return;
    this.settle(view, join, now);
    for (let next = view.queue.shift(); next !== undefined; next = view.queue.shift()) {
      this.apply(view, next, now);
      if (view.joining !== undefined) return;
    }
  }

  private apply(view: AudienceView, event: Arrived, now: number): void {
    view.note(event);
    const { id } = event.event ?? { id: '' };
    const before = id === '' ? undefined : view.recent.get(id);
    if (before !== undefined) {
      this.kit.counts.repeats++;
      this.done(view, event, before.sessions + this.makeUp(view, event, before), now);
    } else if (event.joinsGuildId !== '') {
      this.join(view, event, now);
    } else if (event.closeCode !== 0) {
      this.closeAll(view, event, now);
    } else {
      const { owner } = view;
      this.done(view, event, this.give(view, event, now), now, owner);
    }
  }

  /** Sessions that came from another node may have had it neither there nor here. @returns how many get it now */
  private makeUp(view: AudienceView, event: Arrived, before: Handled): number {
    const { table, pasts } = view;
    if (pasts.size === 0 || event.event === undefined) return 0;
    const lacking = new Set(pasts.lacking(event.event.id, before));
    if (lacking.size === 0) return 0;
    const others = table.all().filter((session) => !lacking.has(session));
    const dispatch = event.event;
    return table.without(others, () => this.deliver(view, event, dispatch));
  }

  /** How many sessions got it. */
  private give(view: AudienceView, event: Arrived, now: number): number {
    if (event.leavesGuildId !== '') return this.leave(view, event, now);

    let given = 0;
    if (event.endsUserId !== '') {
      const ended =
        event.endsUserId === everybody ? view.table.all() : view.table.sessionsOf(event.endsUserId);
      for (const session of ended) {
        this.subscriptions.forget(session, view, now);
        this.listener.left(session, view.id, event, now);
      }
      if (view.table.hasQuiet)
        for (const session of view.table.all()) session.missed?.forget(view.id, event.endsUserId);
      given = ended.length;
    }
    if (event.event === undefined || event.endsUserId === everybody) return given;
    return given + this.deliver(view, event, event.event);
  }

  private deliver(view: AudienceView, filter: Arrived, event: NonNullable<Arrived['event']>): number {
    const { table } = view;
    const onlyClass = view.kind === Kind.user ? primaryClass : undefined;
    const dispatch = hold(event, false, view.flow, filter.index);
    const give = (): number =>
      filter.classIds.length > 0 || filter.sessionIds.length > 0
        ? table.deliverTo(dispatch, filter)
        : table.deliver(dispatch, filter, onlyClass, volatileOf(view, filter, event));
    // Who is invisible is offline to everybody else.
    const unaware = filter.aboutOffline
      ? table.sessionsOf(filter.aboutUserId).filter(({ presence }) => presence?.status === 'invisible')
      : [];
    const had = view.pasts.size === 0 ? unaware : [...unaware, ...view.pasts.having(event.id)];
    const delivered = had.length === 0 ? give() : table.without([...new Set(had)], give);
    this.kit.counts.dispatches += delivered;
    this.kit.outlets.flush(event);
    for (const session of unaware) this.showItself(session, view, filter);
    return delivered + unaware.length;
  }

  /** In place of the news that its user is offline: how the session is, which nobody else is told. */
  private showItself(session: Session, { id, kind, flow }: AudienceView, { intents, index }: Arrived): void {
    if (session.presence === undefined || (intents !== 0 && !session.has(intents))) return;
    const { userId, presence } = session;
    const { status, activities, client } = presence;
    const clientStatus = JSON.stringify({ [client]: status });
    const about = { userId, status, activities, clientStatus };
    const json = presenceUpdateJson(kind === Kind.guild ? { ...about, guildId: id } : about);
    const dispatch = hold(this.dispatches.event('PRESENCE_UPDATE', json), false, flow, index);
    if (session.quiet)
      session.miss(dispatch, { guildId: kind === Kind.guild ? id : '', aboutUserId: userId });
    else this.dispatches.one(session, dispatch);
  }

  /** The ack goes first: once the sessions are gone, the owner no longer waits for this node, nor counts them. */
  private closeAll(view: AudienceView, event: Arrived, now: number): void {
    const sessions = view.table.all();
    this.done(view, event, sessions.length, now);
    for (const session of sessions) this.listener.closed(session, event, now);
  }

  private leave(view: AudienceView, event: Arrived, now: number): number {
    const { leavesGuildId: guildId } = event;
    const leaving = view.table.all().filter((session) => session.guilds.has(guildId));
    for (const session of leaving) {
      this.subscriptions.leave(session, Kind.guild, guildId, now);
      this.listener.left(session, guildId, event, now);
    }
    return leaving.length;
  }

  private join(view: AudienceView, event: Arrived, now: number): void {
    const guildId = event.joinsGuildId;
    const join: JoinWait = { event, waitingFor: new Set(), sessions: 0 };
    view.joining = join;
    const sessions = view.table.all().filter((session) => session.holds(guildId));
    for (const session of sessions) {
      if (session.state === 'arriving') {
        join.waitingFor.add(session);
        this.listener.joins(session, join);
        continue;
      }
      if (session.guilds.has(guildId) || session.state === 'starting') join.sessions++;
      else join.waitingFor.add(session);
      const asking = this.views.get(Kind.guild, guildId)?.asking.get(session);
      if (asking !== undefined) asking.isCalled = true;
      // Before READY the guild may or may not be among those that the database is about to name.
      if (session.state === 'starting') session.guilds.add(guildId);
    }
    if (join.waitingFor.size === 0) {
      this.joinSettled(join, now);
      return;
    }
    for (const session of [...join.waitingFor]) {
      if (session.state === 'arriving') continue;
      const wantsSnapshot = session.has(Intent.GUILDS);
      this.subscriptions.enter(session, Kind.guild, guildId, { wantsSnapshot, announced: false, join }, now);
    }
  }

  private enqueue(view: AudienceView, event: Arrived, now: number): void {
    view.queue.push(event);
    if (view.queue.length > longestQueue && view.joining !== undefined) this.joinSettled(view.joining, now);
  }

  private settle(view: AudienceView, join: JoinWait, now: number): void {
    view.joining = undefined;
    this.done(view, join.event, join.sessions, now);
  }

  private done(view: AudienceView, event: Arrived, sessions: number, now: number, owner = view.owner): void {
    view.index = event.index;
    if (event.event !== undefined && event.event.id !== '') view.remember(event.event.id, sessions);
    if (owner !== undefined) this.ack(owner.id, event, sessions);
    if (view.entering > 0) this.subscriptions.admitDue(view, now);
  }

  private ack(owner: string, { kind, audienceId, index }: Arrived, sessions: number): void {
    this.kit.outbox.signal(owner, { $case: 'audienceAck', value: { kind, audienceId, index, sessions } });
  }

  /** Asks the owner for what follows what this node has. */
  sync(view: AudienceView): void {
    const { kind, id, index, owner, term } = view;
    if (owner === undefined || view.syncedAt === index) return;
    view.syncedAt = index;
    this.kit.outbox.send(owner.id, flowOf(kind, id), {
      $case: 'audienceSync',
      value: { kind, audienceId: id, index, term },
    });
  }
}

/** Undefined: no event to hold back, or nobody here who would. */
function volatileOf(
  { kind, id, table }: AudienceView,
  { aboutUserId }: Arrived,
  { name, data, volatile }: NonNullable<Arrived['event']>,
): VolatileEvent | undefined {
  if (!table.hasQuiet || (!volatile && !isVolatile(name))) return undefined;
  return {
    guildId: kind === Kind.guild ? id : '',
    aboutUserId: aboutUserId === '' && name === 'PRESENCE_UPDATE' ? userOfPresence(data) : aboutUserId,
  };
}
