import { Kind } from '@derailed/audience/core';
import { Intent } from '@derailed/shared/protocol';
import type { Asking, AudienceView } from './audience-view';
import { backoff } from './backoff';
import type { Dispatches } from './dispatches';
import type { Entrance } from './entrance';
import type { Kit, OwnerRole } from './kit';
import type { AudienceTerm, NodeRef, Subscribe, SubscribeRefused, Subscribed } from './messages';
import { flowOf } from './flow';
import { hold } from './replay-buffer';
import type { Session } from './session';
import type { SubscriptionListener } from './subscription-listener';
import type { Views } from './views';

const firstRetry = 500;
const longestRetry = 15_000;
/** An owner answers at once, or when its database has; past this the Subscribe is repeated. */
const answerTimeout = 30_000;

/**
 * Gets sessions into audiences and out: asks the owner, repeats with jittered backoff while it can't answer, and
 * enters a session into the table at the index that the owner named.
 */
export class Subscriptions {
  constructor(
    private readonly kit: Kit,
    private readonly views: Views,
    private readonly dispatches: Dispatches,
    private readonly listener: SubscriptionListener,
  ) {}

  /** False: it is in, or has asked. */
  enter(session: Session, kind: Kind, id: string, entrance: Entrance, now: number): boolean {
    const view = this.views.open(kind, id);
    if (view.asking.has(session) || view.table.has(session)) return false;
    const asking: Asking = {
      session,
      wantsSnapshot: entrance.wantsSnapshot,
      announced: entrance.announced,
      told: entrance.told,
      outage: entrance.outage ?? false,
      attempt: 0,
      asked: undefined,
      timer: undefined,
      join: entrance.join,
      rejoins: entrance.rejoins ?? false,
      followed: entrance.followed,
      paced: entrance.paced ?? false,
      answer: undefined,
    };
    view.asking.set(session, asking);
    view.inherit(session);
    // The view's text of the id: all of a guild's subscribers share it.
    if (kind === Kind.guild) session.guilds.add(view.id);
    this.ask(view, asking, now);
    return true;
  }

  /** Takes the session out and tells the owner. */
  leave(session: Session, kind: Kind, id: string, now: number): void {
    const view = this.views.get(kind, id);
    if (view === undefined) return;
    const asking = view.asking.get(session);
    const owner = asking?.asked ?? view.owner?.id;
    if (!this.forget(session, view, now) || owner === undefined) return;
    const flow = flowOf(kind, id);
    this.kit.outbox.send(owner, flow, {
      $case: 'unsubscribe',
      value: { kind, audienceId: id, sessionIds: [session.id] },
    });
  }

  /** Takes the session out; its owner knows. False when it was not in. */
  forget(session: Session, view: AudienceView, now: number): boolean {
    const asking = view.asking.get(session);
    const known = view.table.remove(session) || asking !== undefined;
    view.pasts.delete(session);
    if (view.kind === Kind.guild) {
      session.guilds.delete(view.id);
      session.missed?.leave(view.id);
    }
    if (asking !== undefined) this.finish(view, asking, false, now);
    this.tidy(view);
    return known;
  }

  /** What the User of the session is to know of its presence now. */
  update(session: Session): void {
    const view = this.views.get(Kind.user, session.userId);
    const point = view?.point;
    if (view === undefined || point === undefined) return;
    const update = { wantsSnapshot: false, rejoins: false, followed: point };
    this.say(point.owner, view, session, update);
  }

  /** Keeps what later answers refer to by same_data, also when the session that it came for has ended. */
  learn(view: AudienceView, { snapshot, sameData, classId, shownUserIds }: Subscribed, from: NodeRef): void {
    if (!this.mayBe(view, from)) return;
    for (const userId of shownUserIds) view.shown.add(userId);
    if (snapshot !== undefined && !sameData) view.sharedData.set(classId, snapshot.data);
  }

  subscribed(view: AudienceView, session: Session, value: Subscribed, from: NodeRef, now: number): void {
    // The answer of a node that owned it before would begin a stream that nobody else follows.
    if (this.ownerOf(view) !== from.id) return;
    // The stream that is followed is over, which this node has not heard; what comes is of the next one.
    if (view.isFrom(from) && value.term > view.term) this.startOver(view, now, true);
    const asking = view.asking.get(session);
    if (asking === undefined) return;
    if (view.owner === undefined) this.begin(view, from, value);
    else if (!view.isFrom(from) || value.term < view.term) return;
    // In its stream the answer comes behind all that was sent: what is missing was published while nobody here was in.
    if (value.index > view.received) this.listener.missing(view);
    if (value.index > view.index) {
      if (asking.answer === undefined) view.entering++;
      asking.answer = value;
      this.kit.agenda.drop(asking.timer);
      return;
    }
    this.admit(view, asking, value, now);
  }

  private begin(view: AudienceView, from: NodeRef, { term, index }: Subscribed): void {
    view.begin(from, term, index);
    if (view.kind !== Kind.guild || view.shown.size === 0 || !view.rejoining) return;
    const value = { guildId: view.id, userIds: [...view.shown] };
    this.kit.outbox.send(from.id, flowOf(view.kind, view.id), { $case: 'presencesShown', value });
  }

  /** Admits the sessions whose index has come. */
  admitDue(view: AudienceView, now: number): void {
    for (const asking of [...view.asking.values()]) {
      if (asking.answer !== undefined && asking.answer.index <= view.index)
        this.admit(view, asking, asking.answer, now);
    }
  }

  refused(view: AudienceView, session: Session, value: SubscribeRefused, now: number): void {
    const asking = view.asking.get(session);
    if (asking === undefined) return;
    if (session.state === 'arriving') return this.listener.stuck(session, now);
    if (value.unavailable) {
      this.doubt(view, asking);
      this.postpone(view, asking, now);
      return;
    }
    // The owner said so before the user was a member again.
    if (asking.isCalled === true) return this.ask(view, asking, now);
    // Before it is over: what waits for that may ask anew.
    if (view.kind === Kind.guild) session.guilds.delete(view.id);
    if (view.kind === Kind.guild && asking.announced) this.dispatches.guildDelete(session, view.id, false);
    this.finish(view, asking, false, now);
    this.tidy(view);
    this.listener.rejected(view, session, value.delayMs, now);
  }

  /** The mesh could not take the Subscribe. */
  undelivered({ kind, audienceId }: Subscribe, session: Session | undefined, now: number): void {
    const view = this.views.get(kind, audienceId);
    const asking = session && view?.asking.get(session);
    if (view !== undefined && asking !== undefined) this.postpone(view, asking, now);
  }

  /** Asks again for all, nobody being in: what was answered before is not believed. */
  askAnew(view: AudienceView, now: number): void {
    view.beginDoubt();
    for (const asking of [...view.asking.values()]) this.ask(view, asking, now);
  }

  /** Asks again for all that wait for this node's answer: what was asked before is lost. */
  askAgain(view: AudienceView, node: string, now: number): void {
    for (const asking of [...view.asking.values()]) if (asking.asked === node) this.ask(view, asking, now);
  }

  /** Nobody there will answer: the clients hear that the guild is unavailable. */
  giveUpOn(view: AudienceView, node: string, now: number): void {
    for (const asking of [...view.asking.values()]) {
      if (asking.asked === node && asking.answer === undefined) this.postpone(view, asking, now);
    }
  }

  /** The owner started anew and knows nobody: everyone subscribes again, without another GUILD_CREATE. */
  startOver(view: AudienceView, now: number, knowsClasses = false): void {
    const sights = view.table.sights();
    const followed = view.point;
    const sessions = view.end(knowsClasses);
    const entering = [...view.asking.values()].filter(({ answer }) => answer !== undefined);
    view.entering = 0;
    for (const asking of entering) asking.answer = undefined;
    for (const asking of entering) this.ask(view, asking, now);
    for (const session of sessions) {
      if (session.state === 'arriving') {
        this.listener.stuck(session, now);
        continue;
      }
      const told = view.kind === Kind.guild ? sights.get(session) : undefined;
      const entrance = { wantsSnapshot: false, announced: true, told, rejoins: true, followed };
      this.enter(session, view.kind, view.id, entrance, now);
    }
  }

  /** The owner lost the audience, and has it again: nobody is subscribed there of those who were in that term. */
  reset({ kind, audienceId, term }: Readonly<AudienceTerm>, from: NodeRef, now: number): void {
    const view = this.views.get(kind, audienceId);
    if (view?.isFrom(from) === true && view.term === term) this.startOver(view, now);
  }

  /**
   * The list has changed. Whoever follows an owner that is off it looks for the next one; the others follow theirs until
   * the next one asks for them: it does so only when the one before serves nothing any more.
   */
  listChanged(view: AudienceView, now: number): void {
    if (view.owner !== undefined && !this.kit.placement.isMember(view.owner)) this.startOver(view, now);
    if (view.asking.size === 0) return;
    const owner = this.ownerOf(view);
    const isNews = ({ answer, asked }: Asking): boolean => answer === undefined && asked !== owner;
    const again = [...view.asking.values()].filter(isNews);
    if (view.owner === undefined && again.some(({ asked }) => asked !== undefined)) this.askAnew(view, now);
    else for (const asking of again) this.ask(view, asking, now);
  }

  /** This owner serves nothing until it knows who is subscribed. From here on nothing counts that another one says. */
  tell(view: AudienceView, owner: NodeRef, now: number): void {
    if (this.ownerOf(view) !== owner.id) return;
    if (view.isFrom(owner)) this.verify(view);
    const isAsked = ({ answer, rejoins }: Asking): boolean =>
      answer === undefined && (rejoins || !view.isFrom(owner));
    const again = [...view.asking.values()].filter(isAsked);
    if (!view.isFrom(owner) && again.some(({ asked }) => asked === owner.id)) view.beginDoubt();
    if (view.owner !== undefined && !view.isFrom(owner)) this.startOver(view, now);
    for (const asking of again) this.ask(view, asking, now);
  }

  /** Others follow another term of this owner: one of us is wrong, and it says so to who is. */
  verify({ owner, kind, id, term }: AudienceView): void {
    if (owner === undefined) return;
    const value = { kind, audienceId: id, term };
    this.kit.outbox.send(owner.id, flowOf(kind, id), { $case: 'audienceHeld', value });
  }

  /** The owner went on without this node's word: who was subscribed before may have missed events. */
  rejoining(view: AudienceView): Session[] {
    return [...view.asking.values()].flatMap(({ rejoins, session }) => (rejoins ? session : []));
  }

  /** Whether this node speaks for the audience: the one whose stream is followed, or may begin. */
  mayBe(view: AudienceView, node: NodeRef): boolean {
    return view.owner === undefined ? this.ownerOf(view) === node.id : view.isFrom(node);
  }

  private ownerOf({ kind, id }: AudienceView): string | undefined {
    return this.kit.placement.ownerOf(roles[kind], id);
  }

  private ask(view: AudienceView, asking: Asking, now: number): void {
    const owner = this.ownerOf(view);
    if (owner === undefined) {
      this.postpone(view, asking, now);
      return;
    }
    asking.asked = owner;
    asking.isCalled = false;
    this.again(view, asking, now + answerTimeout);
    const { wantsSnapshot, rejoins } = asking;
    const followed = rejoins ? asking.followed : view.point;
    this.say(owner, view, asking.session, { wantsSnapshot, rejoins, followed });
  }

  private say(
    owner: string,
    { kind, id, number }: AudienceView,
    session: Session,
    { wantsSnapshot, rejoins, followed }: Pick<Asking, 'wantsSnapshot' | 'rejoins' | 'followed'>,
  ): void {
    const { traits } = session;
    this.kit.outbox.send(owner, flowOf(kind, id), {
      $case: 'subscribe',
      value: {
        kind,
        audienceId: id,
        sessionId: traits.id,
        userId: traits.userId,
        intents: traits.intents,
        largeThreshold: traits.largeThreshold,
        wantsSnapshot,
        presence: session.presenceFor(kind, wantsSnapshot),
        identifying:
          kind === Kind.user && !session.admitted
            ? { bot: traits.bot, shardId: traits.shard?.id ?? 0 }
            : undefined,
        generation: this.kit.placement.generation(),
        rejoins,
        followed,
        view: number,
      },
    });
  }

  /** The guild can't be had now. The first time the client hears of it. */
  private postpone(view: AudienceView, asking: Asking, now: number): void {
    asking.asked = undefined;
    if (view.kind === Kind.guild && asking.attempt === 0 && asking.wantsSnapshot && !asking.outage) {
      asking.outage = true;
      this.dispatches.guildDelete(asking.session, view.id, true);
      asking.announced = true;
    }
    this.again(view, asking, now + backoff(asking.attempt++, firstRetry, longestRetry, this.kit.rng));
    this.settle(asking, false, now);
    this.release(asking, now);
  }

  private again(view: AudienceView, asking: Asking, at: number): void {
    this.kit.agenda.drop(asking.timer);
    asking.timer = this.kit.agenda.add(at, (now) => this.ask(view, asking, now));
  }

  private admit(view: AudienceView, asking: Asking, answer: Subscribed, now: number): void {
    const { session } = asking;
    if (asking.told !== undefined && !view.table.seesJust(answer.classId, asking.told)) {
      // The guild changed while nobody told: only a new GUILD_CREATE makes the client right.
      this.doubt(view, asking);
      if (asking.wantsSnapshot) {
        this.defer(view, asking);
        this.ask(view, asking, now);
        return;
      }
    }
    if (asking.wantsSnapshot && session.has(Intent.GUILDS)) {
      if (answer.snapshot === undefined) {
        // It answers what was asked before the client had to be told anew.
        this.defer(view, asking);
        return;
      }
      const data = answer.sameData ? view.sharedData.get(answer.classId) : answer.snapshot.data;
      if (data === undefined) {
        this.postpone(view, asking, now);
        return;
      }
      const held = hold({ ...answer.snapshot, data }, true);
      this.dispatches.one(session, held, this.listener.weighs(session, held.bytes));
    }
    view.table.add(session, view.kind === Kind.user ? (session.primary ? primaryClass : 0) : answer.classId);
    this.finish(view, asking, true, now);
    this.listener.entered(view, session);
  }

  /** What the client knows of the guild is no longer sure: to it the guild is unavailable until it gets a new GUILD_CREATE. */
  private doubt(view: AudienceView, asking: Asking): void {
    asking.told = undefined;
    if (view.kind !== Kind.guild || asking.wantsSnapshot || !asking.session.has(Intent.GUILDS)) return;
    this.dispatches.guildDelete(asking.session, view.id, true);
    asking.wantsSnapshot = true;
    asking.outage = true;
    asking.rejoins = false;
  }

  /** Another answer is waited for. */
  private defer(view: AudienceView, asking: Asking): void {
    if (asking.answer !== undefined) view.entering--;
    asking.answer = undefined;
  }

  private finish(view: AudienceView, asking: Asking, entered: boolean, now: number): void {
    this.kit.agenda.drop(asking.timer);
    this.defer(view, asking);
    view.asking.delete(asking.session);
    this.settle(asking, entered, now);
    this.release(asking, now);
  }

  private release(asking: Asking, now: number): void {
    if (!asking.paced) return;
    asking.paced = false;
    this.listener.answered(asking.session, now);
  }

  private settle(asking: Asking, entered: boolean, now: number): void {
    const { join } = asking;
    if (join === undefined) return;
    asking.join = undefined;
    if (entered) join.sessions++;
    join.waitingFor.delete(asking.session);
    if (join.waitingFor.size === 0) this.listener.joinSettled(join, now);
  }

  /** Without anyone in it, an owner sends no events: the stream that a later Subscribe begins is another one. */
  private tidy(view: AudienceView): void {
    if (view.idle) this.views.close(view);
    else if (view.table.size === 0 && view.entering === 0) view.pause();
  }
}

const roles: Record<Kind, OwnerRole> = { [Kind.guild]: 'guild-node', [Kind.user]: 'session-node' };

/** In a user's audience: the sessions that get events without a guild. */
export const primaryClass = 1;
