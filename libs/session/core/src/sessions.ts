import { Kind } from '@derailed/audience/core';
import { isSnowflake } from '@derailed/shared/kernel';
import {
  Intent,
  PRESENCES_NAMED,
  SESSION_TOKEN_BYTES,
  encodeSessionId,
  limits as protocolLimits,
  resumedPayload,
} from '@derailed/shared/protocol';
import { backoff } from './backoff';
import type { Dispatches } from './dispatches';
import { Doorstep, close } from './doorstep';
import type { GuildEntries } from './guild-entries';
import type { Kit } from './kit';
import type { Identify, NodeRef, Presence, Resume } from './messages';
import { saysTheSame } from './merged-presence';
import type { Outlet } from './outlets';
import type { PresenceFeed } from './presence-feed';
import { type Readiness, defaultPresence, readyJson } from './readiness';
import { sendReplayPart } from './replay';
import { ReplayMemory } from './replay-buffer';
import { Session } from './session';
import type { Subscriptions } from './subscriptions';

/** Who wants to know what becomes of a session's connection. */
export interface SessionWatcher {
  /** Dispatches go to the connection at once (again). */
  live(session: Session, now: number): void;
  /** It has no connection any more, or another one. */
  unbound(session: Session, now: number): void;
}

const firstRetry = 250;
const longestRetry = 2_000;

/** The life of every session here: identify, ready, drop, resume, end. */
export class Sessions {
  readonly memory = new ReplayMemory();
  readonly doorstep: Doorstep;
  private readonly byId = new Map<string, Session>();
  /** In the order in which they were dropped. */
  private readonly detached = new Set<Session>();

  constructor(
    private readonly kit: Kit,
    private readonly subscriptions: Subscriptions,
    private readonly dispatches: Dispatches,
    private readonly entries: GuildEntries,
    private readonly feed: PresenceFeed,
    private readonly watcher: SessionWatcher,
  ) {
    this.doorstep = new Doorstep(kit);
  }

  get size(): number {
    return this.byId.size;
  }

  get detachedSize(): number {
    return this.detached.size;
  }

  get(id: string): Session | undefined {
    return this.byId.get(id);
  }

  all(): IterableIterator<Session> {
    return this.byId.values();
  }

  /** The session that this connection, as far as its ws-gateway knows, belongs to. */
  bound(id: string, epoch: number, from: NodeRef): Session | undefined {
    const session = this.byId.get(id);
    const node = session?.binding?.outlet.node;
    if (session === undefined || node?.id !== from.id || node.incarnation !== from.incarnation)
      return undefined;
    return epoch === session.epoch || (epoch !== 0 && epoch === session.formerEpoch) ? session : undefined;
  }

  /** A session that lives at another node still. */
  expect(session: Session): void {
    this.byId.set(session.id, session);
  }

  identify(value: Identify, from: NodeRef, now: number): void {
    const { connection, userId, sharded, shardId, shardCount } = value;
    if (!isSnowflake(userId)) {
      this.doorstep.refuse(from, connection, close.tryAgain);
      return;
    }
    if (sharded && shardId >= shardCount) {
      this.doorstep.refuse(from, connection, close.badShard);
      return;
    }
    const shard = sharded ? { id: shardId, count: shardCount } : undefined;
    const id = encodeSessionId({ userId, shardId: shard?.id }, this.kit.rng.token(SESSION_TOKEN_BYTES));
    const { bot, largeThreshold, version, resumeGatewayUrl, client, presence } = value;
    const named = !value.intentsAbsent && (value.intents & Intent.GUILD_PRESENCES) !== 0;
    const intents = named ? value.intents | PRESENCES_NAMED : value.intents;
    const traits = { id, userId, bot, intents, shard, largeThreshold, version, resumeGatewayUrl, client };
    const session = new Session(traits, this.kit.limits.replay, this.memory);
    session.presence = presence;
    this.byId.set(id, session);
    this.kit.counts.identifies++;
    session.bind({ outlet: this.outletOf(from, now), connection });
    session.timers = [
      this.kit.agenda.add(now + this.kit.limits.identifyWindow, (then) =>
        this.lose(session, close.tryAgain, then),
      ),
    ];
    this.subscriptions.enter(session, Kind.user, userId, { wantsSnapshot: false, announced: false }, now);
  }

  /** Its User has let it in: what is published to the user from now on waits behind READY. */
  registered(session: Session): void {
    if (session.state !== 'starting') return;
    if (!session.admitted) {
      session.admitted = true;
      this.doorstep.introduce(session, 0);
    }
    this.read(session);
  }

  /** Its User does not let it in. @param delayMs until the client is told, so that it does not ask again at once */
  rejected(session: Session, delayMs: number, now: number): void {
    this.kit.counts.identifiesRefused++;
    this.end(session, now, close.invalidSession, delayMs);
  }

  /** @param readiness null: there is no such user */
  ready(session: Session, readiness: Readiness | null, now: number): void {
    if (session.state !== 'starting') return;
    if (readiness === null) {
      this.lose(session, close.unknownUser, now);
      return;
    }
    const guildIds = readiness.guildIds.filter((guildId) => session.holds(guildId));
    if (session.traits.bot && guildIds.length > protocolLimits.guildsPerShard) {
      this.lose(session, close.tooManyGuilds, now);
      return;
    }
    const { waiting = [], overran } = session;
    if (overran) {
      this.lose(session, close.tryAgain, now);
      return;
    }
    session.presence ??= defaultPresence(readiness, session.traits.client);
    session.waiting = undefined;
    this.stopTimers(session);
    session.goLive();
    this.dispatches.make(session, 'READY', readyJson(session, readiness, guildIds));
    for (const dispatch of waiting) this.dispatches.one(session, dispatch);
    this.watcher.live(session, now);

    const joined = [...session.guilds].filter((guildId) => !guildIds.includes(guildId));
    this.entries.begin(session, guildIds, now);
    for (const guildId of joined) this.enterGuild(session, guildId, now);
    this.show(session);
  }

  readinessFailed(session: Session, now: number): void {
    if (session.state !== 'starting') return;
    const wait = backoff(session.attempts++, firstRetry, longestRetry, this.kit.rng);
    session.timers.push(this.kit.agenda.add(now + wait, () => this.read(session)));
  }

  resume({ connection, userId, sessionId, seq }: Resume, from: NodeRef, now: number): void {
    const session = this.byId.get(sessionId);
    if (session === undefined || session.userId !== userId || !isThere(session)) {
      this.doorstep.refuseResume(from, connection, close.invalidSession);
      return;
    }
    if (seq > session.buffer.last) {
      this.doorstep.refuseResume(from, connection, close.badSeq);
      this.end(session, now, close.invalidSession);
      return;
    }
    if (seq === 0 || seq + 1 < session.buffer.first) {
      this.doorstep.refuseResume(from, connection, close.invalidSession);
      if (session.state === 'detached') this.end(session, now);
      return;
    }
    this.takeOver(session);
    this.stopTimers(session);
    this.detached.delete(session);
    session.state = 'replaying';
    session.cursor = seq + 1;
    session.resuming = true;
    this.kit.counts.resumes++;
    this.bind(session, from, connection, now);
    this.watcher.unbound(session, now);
    if (!session.shown) this.show(session);
    this.replay(session, now);
  }

  /** Gives the connection to the session, which tells it what comes from session.cursor on. */
  bind(session: Session, gateway: NodeRef, connection: number, now: number): void {
    session.bind({ outlet: this.outletOf(gateway, now), connection });
    this.doorstep.introduce(session, session.cursor - 1);
  }

  /** Sends the next part of a replay; after the last one RESUMED, and the session is live. */
  replay(session: Session, now: number): void {
    if (session.state !== 'replaying') return;
    const progress = sendReplayPart(session, this.kit.outbox);
    if (progress === 'lost') {
      this.lose(session, close.invalidSession, now);
    } else if (progress === 'caught-up') {
      session.goLive();
      if (session.resuming) this.dispatches.make(session, 'RESUMED', resumedPayload());
      session.resuming = false;
      this.watcher.live(session, now);
    }
  }

  setPresence(session: Session, presence: Presence | undefined): void {
    if (presence === undefined) return;
    // After a resume the ws-gateway does not know what the client said of itself when it identified.
    const said = { ...presence, client: presence.client || session.traits.client };
    if (session.shown && session.presence !== undefined && saysTheSame(session.presence, said)) return;
    session.presence = said;
    if (session.state !== 'starting') this.show(session);
  }

  connectionEnded(session: Session, endSession: boolean, now: number): void {
    if (endSession) this.end(session, now);
    else this.detach(session, now);
  }

  /** The ws-gateway is gone with all its connections. */
  outletGone(node: NodeRef, now: number): void {
    const outlet = this.kit.outlets.get(node.id);
    if (outlet === undefined) return;
    for (const session of [...outlet.sessions]) this.detach(session, now);
    this.kit.outlets.remove(outlet);
  }

  /** The link to a ws-gateway takes nothing more: its clients come back and resume. */
  outletFull(nodeId: string, now: number): void {
    const outlet = this.kit.outlets.get(nodeId);
    for (const session of [...(outlet?.sessions ?? [])]) {
      const { binding, epoch } = session;
      if (binding === undefined) continue;
      const { connection } = binding;
      const closeCode = close.tryAgain;
      this.kit.outbox.signal(
        nodeId,
        session.admitted
          ? { $case: 'closeConnection', value: { connection, epoch, closeCode } }
          : { $case: 'refused', value: { connection, closeCode, resumable: false, delayMs: 0 } },
      );
      this.detach(session, now);
    }
  }

  /** Ends a session that can't go on. @param closeCode 0: op 9 (false) */
  lose(session: Session, closeCode: number, now: number): void {
    this.kit.counts.sessionsLost++;
    this.end(session, now, closeCode);
  }

  /**
   * @param closeCode what becomes of the connection, when it has one; undefined: its ws-gateway knows
   * @param delayMs until op 9, for a connection that was not told yet that it is bound
   */
  end(session: Session, now: number, closeCode?: number, delayMs = 0): void {
    if (session.state === 'ended') return;
    session.state = 'ended';
    this.byId.delete(session.id);
    this.detached.delete(session);
    this.stopTimers(session);
    const { epoch } = session;
    const binding = session.unbind();
    if (binding !== undefined && closeCode !== undefined) {
      if (session.admitted) this.doorstep.letGo(binding, epoch, closeCode);
      else this.doorstep.refuse(binding.outlet.node, binding.connection, closeCode, delayMs);
    }
    this.watcher.unbound(session, now);
    this.feed.hide(session);
    this.clear(session, now);
  }

  /** Lets go of a session that lives at another node: only the owners of its audiences are told, and its presence-nodes. */
  release(session: Session, now: number): void {
    if (session.state === 'ended') return;
    this.feed.moved(session);
    session.state = 'ended';
    this.byId.delete(session.id);
    this.detached.delete(session);
    this.stopTimers(session);
    session.unbind();
    session.shown = false;
    this.watcher.unbound(session, now);
    this.clear(session, now);
  }

  private clear(session: Session, now: number): void {
    for (const guildId of [...session.guilds]) this.subscriptions.leave(session, Kind.guild, guildId, now);
    this.subscriptions.leave(session, Kind.user, session.userId, now);
    session.waiting = undefined;
    session.buffer.clear();
  }

  /**
   * Keeps the node's limit: ends the sessions that were dropped longest ago, and when none is left, cuts the largest
   * buffers of those that are connected, to a little below it, so that the next event does not begin this again.
   */
  relieve(now: number): void {
    const { replayMemory, replay } = this.kit.limits;
    for (const session of this.detached) {
      if (this.memory.bytes <= replayMemory) return;
      this.lose(session, close.invalidSession, now);
    }
    if (this.memory.bytes <= replayMemory) return;
    for (let most = replay.bytes / 2; this.memory.bytes > replayMemory * 0.9; most /= 2) {
      for (const session of this.byId.values()) session.buffer.cut(most);
      if (most < 1) return;
    }
  }

  private enterGuild(session: Session, guildId: string, now: number): void {
    const wantsSnapshot = session.has(Intent.GUILDS);
    this.subscriptions.enter(session, Kind.guild, guildId, { wantsSnapshot, announced: false }, now);
  }

  /** @param since when it lost its connection, here or elsewhere */
  detach(session: Session, now: number, since = now): void {
    // Nobody but the client can resume it, and the client was never told its id.
    if (session.state === 'starting') {
      this.end(session, now);
      return;
    }
    session.unbind();
    session.state = 'detached';
    session.detachedAt = since;
    this.detached.add(session);
    this.watcher.unbound(session, now);
    this.stopTimers(session);
    const { presenceGrace, resumeWindow } = this.kit.limits;
    session.timers.push(
      this.kit.agenda.add(Math.max(now, since + presenceGrace), () => {
        this.feed.hide(session);
        this.subscriptions.update(session);
      }),
      this.kit.agenda.add(Math.max(now, since + resumeWindow), (then) => this.end(session, then)),
    );
  }

  show(session: Session): void {
    this.feed.show(session);
    this.subscriptions.update(session);
  }

  /** The connection that resumes wins, whatever the old one still looks like. */
  private takeOver(session: Session): void {
    const { epoch } = session;
    const old = session.unbind();
    if (old !== undefined) this.doorstep.letGo(old, epoch, close.tryAgain);
  }

  outletOf(from: NodeRef, now: number): Outlet {
    const known = this.kit.outlets.get(from.id);
    if (known !== undefined && known.node.incarnation !== from.incarnation) this.outletGone(known.node, now);
    return this.kit.outlets.of(from);
  }

  private read(session: Session): void {
    this.kit.outbox.ask({ kind: 'readReadiness', sessionId: session.id, userId: session.userId });
  }

  stopTimers(session: Session): void {
    for (const timer of session.timers) this.kit.agenda.drop(timer);
    session.timers = [];
  }
}

function isThere({ state }: Session): boolean {
  return state !== 'starting' && state !== 'arriving';
}
