import { Pulse, type StreamPoint } from '@derailed/audience/core';
import type { Rng, Snowflake } from '@derailed/shared/kernel';
import type { GuildSnapshot, Member } from '@derailed/shared/protocol';
import type { Change } from './change';
import { Delivery } from './delivery';
import { draftOf, isEnding } from './draft';
import { GuildCreateTexts } from './guild-create';
import { GuildModel } from './guild-model';
import { defaultGuildLimits, type GuildLimits } from './limits';
import { type Handover, handoverOf } from './handover';
import type { Incoming } from './load-queue';
import { MemberLoads, type Request } from './member-loads';
import type { Effect, Encode, Moment, Phase, Reread, Send, Subscribe } from './messages';
import { Outbox } from './outbox';
import { type PresenceListener, type PresenceNews, Presences } from './presences';
import { PublishGate } from './publish-gate';
import { joinedLately, readAgain } from './read-again';
import { earliest, Reconciliation } from './reconciliation';
import { SnapshotLoad } from './snapshot-load';
import { around, aroundChange, Teller } from './teller';

/**
 * One guild: what it is, who may see what, who is subscribed, and the one order of its events. Every method returns
 * what the shell is to do, in order. Never waits: reads of the database come back as loaded() and membersLoaded().
 */
export class Guild {
  private phase: Phase = 'dormant';
  private model: GuildModel | undefined;
  private readonly out = new Outbox();
  private readonly delivery: Delivery;
  private readonly presences: Presences;
  private readonly texts: GuildCreateTexts;
  private readonly memberLoads: MemberLoads;
  private readonly teller: Teller;
  private readonly gate: PublishGate;
  private readonly reconciliation: Reconciliation;
  private readonly load: SnapshotLoad;
  /** Since when nobody has been subscribed. */
  private idleSince: number | undefined;
  private lastMoment: Moment = { now: 0, wall: 0 };

  constructor(
    readonly id: Snowflake,
    encode: Encode,
    rng: Pick<Rng, 'next'>,
    private readonly limits: GuildLimits = defaultGuildLimits,
    /** Tells this object from others that the node has had, or will have, for the same guild. */
    readonly term = 1,
    pulse = new Pulse(),
  ) {
    this.load = new SnapshotLoad(this.out, limits.loadRetry);
    this.reconciliation = new Reconciliation(limits, rng);
    this.texts = new GuildCreateTexts(encode, limits.largeGuild);
    this.memberLoads = new MemberLoads(limits.memberBatch, limits.pendingEvents);
    this.delivery = new Delivery(id, term, limits, pulse, this.out, {
      viewOf: (userId) => this.model?.viewOf(userId),
      released: (userId) => this.model?.release(userId, this.presences.voices.has(userId)),
      resume: (request) => this.accept(request),
    });
    this.teller = new Teller(id, this.delivery, encode, limits.largeGuild);
    const listener: PresenceListener = {
      isUsed: () => this.isUsed,
      isHeard: () => this.phase === 'ready' && !this.memberLoads.rejoining,
      tell: (presence, now) => this.teller.show(presence, this.model?.state.memberCount ?? 0, now),
    };
    this.presences = new Presences(listener, limits.voiceStates);
    this.gate = new PublishGate(id, limits, this.out, {
      isHeld: () => this.memberLoads.rejoining,
      deliver: (incoming, at) => this.deliver(incoming, at),
    });
  }

  get subscribers(): number {
    return this.delivery.subscribers.size;
  }

  /** Whether the node has sessions that are subscribed, this one or any. */
  holds(node: string, sessionId?: string): boolean {
    return this.delivery.holds(node, sessionId);
  }

  /** Whether a session-node is behind, or seems about to be: it can catch up only here. */
  lags(now: number): boolean {
    return this.delivery.acks.lags(now);
  }

  /** Whether anybody is subscribed, or is about to be. */
  get isUsed(): boolean {
    return this.phase !== 'dormant';
  }

  /** presences: members that are not offline. available: the guild is in use and its data is here. */
  info(): { readonly presences: number; readonly available: boolean } {
    return { presences: this.presences.board.size, available: this.phase === 'ready' };
  }

  /** JSON texts as in PRESENCE_UPDATE, without guild_id, of those who are not offline. */
  presencesOf(userIds: readonly Snowflake[]): string[] {
    return userIds.flatMap((userId) => this.presences.board.get(userId) ?? []);
  }

  subscribe(node: string, subscribe: Subscribe, at: Moment): readonly Effect[] {
    this.lastMoment = at;
    this.accept({ node, subscribe, reads: 0 });
    return this.done(at);
  }

  unsubscribe(node: string, sessionIds: readonly string[], at: Moment): readonly Effect[] {
    for (const sessionId of sessionIds) {
      this.gate.cancel(node, sessionId);
      this.memberLoads.cancel(node, sessionId);
    }
    this.delivery.unsubscribe(node, sessionIds);
    return this.done(at);
  }

  /** Publishes an event; `call` comes back with the answer. @param change what parseChange() read from it */
  publish(incoming: Incoming, at: Moment): readonly Effect[] {
    this.lastMoment = at;
    // Without subscribers nobody has to be asked; but a publish may be one that comes again while acks are awaited.
    if (this.phase === 'dormant' && !this.delivery.acks.busy) {
      if (incoming.change?.kind === 'voice') this.presences.hear(incoming.change);
      this.out.answer(incoming.call, { sessions: 0 });
    } else if (this.phase === 'unavailable' && this.load.rests(at.now)) this.gate.fail(incoming);
    else if (this.phase === 'loading' || this.phase === 'unavailable') {
      this.gate.wait(incoming);
      this.startLoad();
    } else this.gate.pass(incoming, at);
    return this.done(at);
  }

  ack(node: string, index: number, sessions: number, at: Moment): readonly Effect[] {
    this.lastMoment = at;
    this.delivery.ack(node, index, sessions, at.now);
    return this.done(at);
  }

  sync(node: string, index: number, at: Moment): readonly Effect[] {
    this.lastMoment = at;
    this.delivery.sync(node, index);
    return this.done(at);
  }

  presence(news: PresenceNews, at: Moment): readonly Effect[] {
    this.presences.take(news);
    return this.done(at);
  }

  /** What the next owner need not read. Undefined: nothing is here, or nobody that would follow the guild there. */
  handOver(): (() => Handover) | undefined {
    if (this.phase !== 'ready' || this.model === undefined || this.subscribers === 0) return undefined;
    return handoverOf.bind(undefined, this.model, this.presences, this.reconciliation);
  }

  /** @param snapshot null: there is no such guild. A Handover: from the owner before */
  loaded(load: number, snapshot: GuildSnapshot | Handover | null, at: Moment): readonly Effect[] {
    if (load !== this.load.current || this.phase !== 'loading') return this.done(at);
    this.lastMoment = at;
    this.phase = snapshot === null ? 'dormant' : 'ready';
    this.model = snapshot === null ? undefined : new GuildModel(snapshot);
    this.load.succeeded();
    this.presences.voices.inherit(snapshot);
    this.reconciliation.begin(at, snapshot);
    for (const item of this.gate.take()) {
      if (item.kind === 'publish' && this.model === undefined)
        this.out.answer(item.incoming.call, { sessions: 0 });
      else if (item.kind === 'publish') this.gate.pass(item.incoming, at);
      else if (this.model === undefined) this.delivery.refuse(item.request, false);
      else this.accept(item.request);
    }
    joinedLately(snapshot, at.wall).forEach((userId) => this.delivery.call(userId));
    return this.done(at);
  }

  loadFailed(load: number, at: Moment): readonly Effect[] {
    if (load !== this.load.current || this.phase !== 'loading') return this.done(at);
    this.phase = 'unavailable';
    this.load.failed(at.now);
    for (const request of this.gate.failAll()) this.delivery.refuse(request, true);
    return this.done(at);
  }

  /** @param members those of the asked users who are members */
  membersLoaded(load: number, members: readonly Member[], at: Moment): readonly Effect[] {
    if (load !== this.load.current || this.model === undefined) return this.done(at);
    this.lastMoment = at;
    const { model, presences } = this;
    const awaited = this.memberLoads.finish(members);
    for (const [userId, { member, since, requests }] of awaited) {
      const isNeeded = requests.length > 0 || presences.voices.has(userId);
      if (member && since && isNeeded) {
        model.state.addMember(member);
        for (const change of since)
          this.teller.reclass(model.fold(change, at.wall), around(model.state), at.now);
      } else if (since?.length === 0) presences.voices.put(userId, undefined);
      if (model.state.members.has(userId)) presences.join(userId);
    }
    for (const { requests } of awaited.values()) requests.forEach((request) => this.admit(request, model));
    this.readMembers();
    return this.done(at);
  }

  membersFailed(load: number, at: Moment): readonly Effect[] {
    if (load !== this.load.current) return this.done(at);
    for (const { requests } of this.memberLoads.finish([]).values())
      for (const request of requests) this.delivery.refuse(request, true);
    this.readMembers();
    return this.done(at);
  }

  /** The database as it is now, whatever was published. */
  reread(read: number, { snapshot, ...others }: Reread, at: Moment): readonly Effect[] {
    const changes = this.reconciliation.finish(read, at.now);
    const { model } = this;
    if (changes === undefined || model === undefined || this.phase !== 'ready') return this.done(at);
    this.lastMoment = at;
    if (snapshot === null) {
      this.end(this.teller.expel('*', at.now));
      return this.done(at);
    }
    const before = model.state;
    const subscribed = [...this.delivery.subscribers.userIds()];
    const news = { snapshot, ...others, changes, asked: this.reconciliation.asked };
    const { state, gone, joined } = readAgain(before, news, subscribed);
    for (const userId of gone) this.expel(userId, at.now);
    for (const userId of joined) this.delivery.call(userId);
    this.teller.learn(before, state, () => model.adopt(state, at.wall), at.now);
    return this.done(at);
  }

  rereadFailed(read: number, at: Moment): readonly Effect[] {
    this.reconciliation.failed(read, at.now);
    return this.done(at);
  }

  /** The mesh refused these for the node, in this order. */
  undelivered(node: string, sends: readonly Send[], at: Moment): readonly Effect[] {
    this.delivery.undelivered(node, sends, at.now);
    return this.done(at);
  }

  /** Somebody else knows that the session-node is behind until it has the event of this index. */
  known(node: string, needs: number, at: Moment): readonly Effect[] {
    this.delivery.known(node, needs);
    return this.done(at);
  }

  /** The link to the session-node broke; it may come back. */
  nodeAway(node: string, at: Moment): readonly Effect[] {
    this.gate.cancel(node);
    this.memberLoads.cancelNode(node);
    this.delivery.nodeAway(node, at.now);
    return this.done(at);
  }

  /** The session-node has started anew: its subscriptions are over. @param isTold it has not, and its sessions are to end */
  nodeLost(node: string, at: Moment, isTold = false): readonly Effect[] {
    this.gate.cancel(node);
    this.memberLoads.cancelNode(node);
    if (isTold) this.delivery.sayLost(node);
    this.delivery.nodeLost(node);
    return this.done(at);
  }

  /** When tick() has something to do, in monotonic milliseconds. */
  nextWake(): number | undefined {
    const { now, wall } = this.lastMoment;
    const timeout = this.model?.nextTimeout();
    return earliest(
      this.delivery.nextWake(),
      timeout === undefined ? undefined : now + timeout - wall,
      this.model === undefined ? undefined : this.reconciliation.nextWake(),
      this.idleSince === undefined ? undefined : this.idleSince + this.limits.idle,
    );
  }

  tick(at: Moment): readonly Effect[] {
    this.lastMoment = at;
    this.delivery.tick(at.now);
    if (this.model !== undefined) {
      this.teller.reclass(this.model.expireTimeouts(at.wall), around(this.model.state), at.now);
      const shown = this.presences.voices.userIds();
      const due = this.reconciliation.due(at, this.delivery.subscribers.userIds(), shown);
      if (due !== undefined) this.out.reread(due);
    }
    if (this.idleSince !== undefined && at.now >= this.idleSince + this.limits.idle) this.forget();
    return this.done(at);
  }

  private accept(request: Request): void {
    if (this.phase === 'ready' && this.model !== undefined) this.admit({ ...request, reads: 0 }, this.model);
    else if (this.phase === 'unavailable' && this.load.rests(this.lastMoment.now))
      this.delivery.refuse(request, true);
    else {
      if (!this.gate.admit(request)) this.delivery.refuse(request, true);
      this.startLoad(request.subscribe.rejoins ? request.subscribe.followed : undefined);
    }
  }

  /** Lets the session in when its member is known, and those of who is in voice, whom GUILD_CREATE shows. */
  private admit(request: Request, model: GuildModel): void {
    if (this.delivery.defer(request)) return;
    const member = model.state.members.get(request.subscribe.userId);
    const isEarly = this.memberLoads.want(request, () => this.presences.voices.unknownTo(model.state));
    if (member !== undefined && !isEarly) {
      const view = model.admit(member, this.lastMoment.wall);
      this.delivery.subscribe(
        request,
        view,
        model.version,
        (isHeld) => this.texts.event(model, this.presences, member, view, request.subscribe, isHeld),
        () => this.presences.board.userIds(),
      );
    } else if (member === undefined && request.reads > 0) this.delivery.refuse(request, false);
    else if (this.memberLoads.add(request)) this.readMembers();
    else this.delivery.refuse(request, true);
  }

  private deliver({ call, publish, change }: Incoming, at: Moment): void {
    // What goes away is told to those who saw it; what comes or changes, to those who see it then.
    const goes = change !== undefined && isEnding(change);
    if (change !== undefined && !goes && !this.delivery.recognises(publish.event.id)) this.fold(change, at);
    const draft = draftOf(publish, change, this.model?.state, this.presences.voices);
    const publication = this.delivery.index(draft, call, at.now);
    if (publication?.event === undefined) return;
    this.delivery.broadcast(publication);
    if (goes) this.fold(change, at, publication.event.index);
    else if (change?.kind === 'member' && change.isNew) this.presences.join(change.userId);
  }

  /** @param index of the event that carried it, if that has one already */
  private fold(change: Change, at: Moment, index = 0): void {
    if (change.kind === 'threadMembers') return;
    if (change.kind === 'guildGone') return change.outage ? undefined : this.end(index);
    if (change.kind === 'voice') {
      const before = this.presences.hear(change);
      if (change.state === undefined) this.model?.forget(change.userId);
      return this.teller.movedInVoice(change, before, this.model?.views() ?? [], at.now);
    }
    this.reconciliation.touched(change, at.now);
    if (change.kind === 'member' || change.kind === 'memberGone') this.memberLoads.hold(change);
    if (change.kind === 'member' && change.isNew) this.delivery.rejoins(change.userId);
    else if (change.kind === 'memberGone') {
      this.delivery.end(change.userId, index);
      this.presences.leave(change.userId);
    }
    if (this.model === undefined) return;
    // Looked at before the fold: who loses a channel is told of it as it was.
    const channels = aroundChange(change, this.model.state);
    this.teller.reclass(this.model.fold(change, at.wall), channels, at.now);
  }

  private expel(userId: Snowflake, now: number): void {
    this.delivery.end(userId, this.teller.expel(userId, now));
    this.presences.leave(userId);
  }

  /** The guild is no more; everybody's subscription ended with the event of this index. */
  private end(index: number): void {
    this.delivery.end('*', index);
    for (const request of this.memberLoads.clear()) this.delivery.refuse(request, false);
    this.gate.drop();
    this.presences.clear();
    this.reconciliation.stop();
    this.model = undefined;
    this.phase = 'dormant';
  }

  private startLoad(before?: StreamPoint): void {
    if (this.phase !== 'loading') this.load.begin(before);
    this.phase = 'loading';
  }

  private readMembers(): void {
    const userIds = this.memberLoads.next();
    if (userIds !== undefined) this.out.loadMembers(this.load.current, userIds);
  }

  private forget(): void {
    this.reconciliation.stop();
    this.model = undefined;
    this.phase = 'dormant';
    // Presences are told once: they outlast the data, until their sessions subscribe or end.
    if (this.presences.isEmpty) this.out.unload();
  }

  private done(at: Moment): readonly Effect[] {
    this.lastMoment = at;
    if (this.phase === 'ready') this.gate.proceed(at);
    this.presences.settle(at.now);
    const used =
      this.subscribers > 0 ||
      this.phase === 'loading' ||
      this.delivery.acks.busy ||
      this.memberLoads.size > 0 ||
      (this.phase === 'dormant' && !this.presences.isEmpty);
    this.idleSince = used ? undefined : (this.idleSince ?? at.now);
    return this.out.take();
  }
}
