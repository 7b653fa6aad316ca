import { isSnowflake } from '@derailed/shared/kernel';
import { Intent, Op, limits, rateLimitedJson } from '@derailed/shared/protocol';
import type { Entry } from './agenda';
import type { Dispatches } from './dispatches';
import type { MemberRead } from './effects';
import type { Kit } from './kit';
import type { RequestMembers } from './messages';
import type { MemberListTurn } from './move-messages';
import type { Session } from './session';

interface Reading {
  readonly session: Session;
  readonly request: MemberRead;
  /** Chunks were sent. */
  begun: boolean;
  /** A page was sent to the socket, which has not drained yet. */
  sent: boolean;
  timer: Entry | undefined;
}

/** Between two pages: past this the read is given up, and its place is another's. Milliseconds. */
const pageTimeout = 30_000;
/** Seconds that a client is told to wait when too many wait already. */
const retryAfter = 5;

/**
 * Op 8. At most `memberRequests` are read at once on this node, one of a session; the next page is read when the
 * socket has drained the last one, so a guild of a million members takes the memory of one page.
 */
export class MemberRequests {
  private readonly running = new Map<number, Reading>();
  private readonly bySession = new Map<Session, Reading>();
  private waiting: Reading[] = [];
  private reads = 0;
  /** By `user:guild`, the oldest first: when all members may be requested again. */
  private readonly listedUntil = new Map<string, number>();

  constructor(
    private readonly kit: Pick<Kit, 'limits' | 'agenda' | 'outbox'>,
    private readonly dispatches: Dispatches,
  ) {}

  get queued(): number {
    return this.waiting.length;
  }

  ask(session: Session, value: RequestMembers, now: number): void {
    if (session.state === 'starting' || !session.guilds.has(value.guildId)) return;
    const request = checked(session, value, this.reads + 1);
    if (request === undefined) return;
    if (this.waiting.length >= this.kit.limits.memberQueue && !this.mayRun(session)) {
      this.refuse(session, request, retryAfter);
      return;
    }
    const wait = isWhole(request) ? this.turn(session.userId, request.guildId, now) : 0;
    if (wait > 0) {
      this.refuse(session, request, Math.ceil(wait) / 1000);
      return;
    }
    this.queue(session, request);
    this.pump(now);
  }

  /** @param json the data of the next GUILD_MEMBERS_CHUNK; undefined: it can't be read */
  chunk(read: number, json: string | undefined, last: boolean, now: number): void {
    const reading = this.running.get(read);
    if (reading === undefined) return;
    const { session, request } = reading;
    if (json === undefined) {
      if (!reading.begun) this.apologise(session, request);
      this.finish(reading, now);
      return;
    }
    reading.begun = true;
    const more = !last;
    this.dispatches.make(session, 'GUILD_MEMBERS_CHUNK', json, more && session.state === 'live');
    if (!more) {
      this.finish(reading, now);
      return;
    }
    reading.sent = true;
    this.watch(reading, now);
  }

  /** The socket has drained what it was sent, or the replay before it is done. */
  drained(session: Session, now: number): void {
    const reading = this.bySession.get(session);
    if (reading === undefined || !reading.sent) return;
    reading.sent = false;
    this.watch(reading, now);
    this.kit.outbox.ask({ kind: 'nextMembers', read: reading.request.read });
  }

  /** The connection that asked is gone: what it still waits for is not read. */
  unbound(session: Session, now: number): void {
    this.drop((reading) => reading.session === session, session, now);
  }

  /** Who is out of a guild sees no more of its members. */
  left(session: Session, guildId: string, now: number): void {
    this.drop((reading) => reading.session === session && reading.request.guildId === guildId, session, now);
  }

  /** Whether the answer to one of its requests has begun and not ended. */
  hasBegun(session: Session): boolean {
    return this.bySession.get(session)?.begun === true;
  }

  /** The session goes to another node: what has no answer yet is asked again there. */
  handOver(session: Session, now: number): { requests: RequestMembers[]; turns: MemberListTurn[] } {
    const mine = [this.bySession.get(session), ...this.waiting.filter((one) => one.session === session)];
    const requests = mine.flatMap((reading) => (reading === undefined ? [] : asked(reading)));
    this.unbound(session, now);
    const prefix = turnKey(session.userId, '');
    const turns = [...this.listedUntil].flatMap(([key, until]) =>
      key.startsWith(prefix) && until > now
        ? { guildId: key.slice(prefix.length), waitMs: Math.ceil(until - now) }
        : [],
    );
    return { requests, turns };
  }

  /** What handOver() gave at another node. Turns that were taken there are not taken again. */
  takeOver(
    session: Session,
    requests: readonly RequestMembers[],
    turns: readonly MemberListTurn[],
    now: number,
  ): void {
    for (const { guildId, waitMs } of turns) {
      const key = turnKey(session.userId, guildId);
      const until = Math.min(now + waitMs, now + this.kit.limits.memberListInterval);
      if ((this.listedUntil.get(key) ?? 0) < until) this.listedUntil.set(key, until);
    }
    for (const value of requests) {
      const request = session.guilds.has(value.guildId) ? checked(session, value, this.reads + 1) : undefined;
      if (request !== undefined) this.queue(session, request);
    }
    this.pump(now);
  }

  private drop(isOver: (reading: Reading) => boolean, session: Session, now: number): void {
    if (this.waiting.some(isOver)) this.waiting = this.waiting.filter((reading) => !isOver(reading));
    const reading = this.bySession.get(session);
    if (reading !== undefined && isOver(reading)) this.stop(reading, now);
  }

  private queue(session: Session, request: MemberRead): void {
    this.reads++;
    this.waiting.push({ session, request, begun: false, sent: false, timer: undefined });
  }

  private refuse(session: Session, { guildId, nonce }: MemberRead, seconds: number): void {
    const json = rateLimitedJson(Op.REQUEST_GUILD_MEMBERS, seconds, guildId, nonce);
    this.dispatches.make(session, 'RATE_LIMITED', json);
  }

  /** The database is away: callers would wait for their timeout, and the request does not count. */
  private apologise(session: Session, request: MemberRead): void {
    if (isWhole(request)) this.listedUntil.delete(turnKey(session.userId, request.guildId));
    this.refuse(session, request, retryAfter);
  }

  /** All members of a guild: 0 takes the user's turn, else the milliseconds until it comes. */
  private turn(userId: string, guildId: string, now: number): number {
    for (const [key, until] of this.listedUntil) {
      if (until > now) break;
      this.listedUntil.delete(key);
    }
    const key = turnKey(userId, guildId);
    const until = this.listedUntil.get(key);
    if (until !== undefined) return until - now;
    this.listedUntil.set(key, now + this.kit.limits.memberListInterval);
    return 0;
  }

  private pump(now: number): void {
    while (this.running.size < this.kit.limits.memberRequests) {
      const at = this.waiting.findIndex(({ session }) => !this.bySession.has(session));
      const reading = at < 0 ? undefined : this.waiting.splice(at, 1)[0];
      if (reading === undefined) return;
      this.running.set(reading.request.read, reading);
      this.bySession.set(reading.session, reading);
      this.watch(reading, now);
      this.kit.outbox.ask({ kind: 'readMembers', request: reading.request });
    }
  }

  private mayRun(session: Session): boolean {
    return this.running.size < this.kit.limits.memberRequests && !this.bySession.has(session);
  }

  private watch(reading: Reading, now: number): void {
    this.kit.agenda.drop(reading.timer);
    reading.timer = this.kit.agenda.add(now + pageTimeout, (then) => this.stop(reading, then));
  }

  private stop(reading: Reading, now: number): void {
    this.kit.outbox.ask({ kind: 'stopMembers', read: reading.request.read });
    this.finish(reading, now);
  }

  private finish(reading: Reading, now: number): void {
    this.kit.agenda.drop(reading.timer);
    this.running.delete(reading.request.read);
    this.bySession.delete(reading.session);
    this.pump(now);
  }
}

function isWhole({ query, limit }: MemberRead): boolean {
  return query === '' && limit === 0;
}

function turnKey(userId: string, guildId: string): string {
  return `${userId}:${guildId}`;
}

/** The request as its client made it. */
function asked({ session, request }: Reading): RequestMembers {
  const { guildId, query, limit, userIds, presences, nonce } = request;
  return {
    sessionId: session.id,
    epoch: session.epoch,
    guildId,
    hasQuery: query !== undefined,
    query: query ?? '',
    limit,
    userIds: [...userIds],
    presences,
    nonce,
  };
}

/** Undefined: the request is one that stays without an answer. */
function checked(session: Session, value: RequestMembers, read: number): MemberRead | undefined {
  const presences = value.presences && session.has(Intent.GUILD_PRESENCES);
  const common = { read, guildId: value.guildId, presences, nonce: value.nonce };
  if (!value.hasQuery) {
    const userIds = value.userIds.slice(0, limits.requestedMembers).filter(isSnowflake);
    return { ...common, query: undefined, limit: 0, userIds };
  }
  const whole = value.query === '' && value.limit === 0;
  if (whole && session.traits.bot && !session.has(Intent.GUILD_MEMBERS)) return undefined;
  const limit = whole ? 0 : Math.min(value.limit || limits.membersPerQuery, limits.membersPerQuery);
  return { ...common, query: value.query, limit, userIds: [] };
}
