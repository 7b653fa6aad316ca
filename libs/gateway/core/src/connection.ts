import {
  type CloseReason,
  type IdentifyRequest,
  type RawPayload,
  type ResumeRequest,
  type User,
  Op,
  closeReasonOf,
  closeRows,
  decodeData,
  decodeSessionId,
  heartbeatAckPayload,
  helloPayload,
  invalidSessionPayload,
  limits,
  needsSession,
  publicPresence,
  reconnectPayload,
  sessionRingKey,
} from '@derailed/shared/protocol';
import type { Line } from './admission';
import { type Binding, type Effect, type Effects, nothing } from './effects';
import { FixedWindow } from './fixed-window';
import { decodeFrame } from './frame';
import { identifyOrder, whoIs } from './identify';
import { type ConnectionQuery, type EncodingName, readQuery } from './query';
import { type ConnectionSettings, authBackoff, heartbeatsMissed } from './settings';
import { type State, closed } from './state';

/** When something happened: `mono` for deadlines, `wall` for what others see. Milliseconds. */
export interface Instant {
  readonly mono: number;
  readonly wall: number;
}

const unasked: ConnectionQuery = { version: 0, encoding: 'json', compression: 'none' };

/**
 * One client's connection: which payloads are legal now, what they mean, and when to give up on it. It knows of
 * its session what a socket has to know: the binding and the last sequence number.
 */
export class Connection {
  private state: State = closed;
  private asked: ConnectionQuery = unasked;
  private lastSeq = 0;
  private attempts = 0;
  private beatBy = Number.POSITIVE_INFINITY;
  /** READY or RESUMED of the session that it is bound to is on its way. */
  private isLive = false;
  private readonly payloads: FixedWindow;
  private presences: FixedWindow | undefined;
  private heartbeats: FixedWindow | undefined;
  private controlFrames: FixedWindow | undefined;

  constructor(private readonly settings: ConnectionSettings) {
    this.payloads = this.payloadsWindow();
  }

  /** The upgrade is done. @param query of its URL, without the question mark */
  open(query: string, now: Instant): Effects {
    const asked = readQuery(query, this.settings.zstd);
    this.state = { kind: 'open', until: now.mono + this.settings.identifyTimeout, invalidated: false };
    if (typeof asked === 'string') return this.close(asked);
    this.asked = asked;
    const { encoding, compression } = asked;
    const hello: Effect = { kind: 'send', payload: helloPayload(this.settings.heartbeatInterval) };
    const plain = encoding === 'json' && compression === 'none';
    return plain ? [hello] : [{ kind: 'wire', encoding, compression }, hello];
  }

  /** A whole message arrived. */
  received(bytes: Uint8Array, now: Instant): Effects {
    const raw = decodeFrame(bytes, this.encoding);
    return raw.ok ? this.handle(raw.value, now) : this.close(raw.reason);
  }

  /** The second half of `received`, for shells that dispatch by opcode in between. */
  handle(raw: RawPayload, now: Instant): Effects {
    if (this.state.kind === 'closed') return nothing;
    return this.windowOf(raw.op).take(now.mono) ? this.obey(raw, now) : this.close('rate_limited');
  }

  /** A ping or an unasked pong arrived. */
  controlFrame(now: Instant): Effects {
    this.controlFrames ??= new FixedWindow(limits.controlFrames);
    return this.controlFrames.take(now.mono) ? nothing : this.close('too_many_pings');
  }

  /** With a short interval heartbeats have a window of their own: clients don't budget for them. */
  private windowOf(op: number): FixedWindow {
    if (op !== Op.HEARTBEAT || this.settings.heartbeatInterval >= limits.countedHeartbeatMs)
      return this.payloads;
    return (this.heartbeats ??= this.payloadsWindow());
  }

  private payloadsWindow(): FixedWindow {
    return new FixedWindow({ ...limits.payloads, windowMs: this.settings.payloadWindow });
  }

  private obey(raw: RawPayload, now: Instant): Effects {
    const { state } = this;
    if (needsSession(raw.op)) {
      // It may have said so to a session that it did not know yet to be over.
      if (state.kind === 'refused' || (state.kind === 'open' && state.invalidated)) return nothing;
      if (state.kind === 'open') return this.close('not_authenticated');
      if (state.kind === 'authenticating' || state.kind === 'binding') {
        state.held.push(raw);
        return nothing;
      }
    }
    const decoded = decodeData(raw);
    if (!decoded.ok) return this.close(decoded.reason);
    const payload = decoded.value;
    switch (payload.op) {
      case Op.HEARTBEAT:
        if (this.beatBy !== Number.POSITIVE_INFINITY) this.expectBeat(now);
        return [{ kind: 'send', payload: heartbeatAckPayload }];
      case Op.IDENTIFY:
      case Op.RESUME:
        return state.kind === 'open' ? this.authenticate(payload, now) : this.close('already_authenticated');
      case Op.PRESENCE_UPDATE: {
        if (state.kind !== 'bound') return nothing;
        this.presences ??= new FixedWindow(limits.presenceUpdates);
        if (!this.presences.take(now.mono)) return nothing;
        const presence = publicPresence(payload.presence, state.who.bot, state.who.client, now.wall);
        return [{ kind: 'set-presence', binding: state.binding, presence }];
      }
      case Op.REQUEST_GUILD_MEMBERS:
        return state.kind === 'bound'
          ? [{ kind: 'request-members', binding: state.binding, request: payload }]
          : nothing;
      default:
        return nothing;
    }
  }

  private authenticate(request: IdentifyRequest | ResumeRequest, now: Instant): Effects {
    const attempt = ++this.attempts;
    const until = now.mono + this.settings.identifyDeadline;
    this.state = { kind: 'authenticating', request, attempt, tries: 1, until, retryAt: undefined, held: [] };
    return [{ kind: 'authenticate', attempt, token: request.token }];
  }

  /** What it wants to be let in for, from its Identify or Resume until READY or RESUMED is on its way. */
  get entering(): Line | undefined {
    const { state } = this;
    if (state.kind === 'authenticating') return state.request.op === Op.RESUME ? 'resume' : 'identify';
    if (state.kind === 'binding') return state.line;
    return state.kind === 'bound' && !this.isLive ? state.line : undefined;
  }

  /** Its turn has come, after its `authenticate` had to wait for it. */
  turn(): Effects {
    const { state } = this;
    return state.kind === 'authenticating'
      ? [{ kind: 'authenticate', attempt: state.attempt, token: state.request.token }]
      : nothing;
  }

  /** Its turn did not come in time. Who identifies is told so on the connection it has; who resumes comes back. */
  turnedAway(now: Instant): Effects {
    const { state } = this;
    if (state.kind !== 'authenticating') return nothing;
    return state.request.op === Op.RESUME ? this.close('unavailable') : this.invalidSession(false, now);
  }

  /** The answer to an `authenticate`: the token is this user's. */
  authenticated(attempt: number, user: User, now: Instant): Effects {
    const { state } = this;
    if (state.kind !== 'authenticating' || state.attempt !== attempt) return nothing;
    const { request, until, held } = state;
    if (request.op === Op.RESUME) {
      const place = decodeSessionId(request.sessionId);
      if (place?.userId !== user.id) return this.invalidSession(false, now);
      this.state = { kind: 'binding', line: 'resume', who: whoIs(user, undefined), until, held };
      const order = { userId: user.id, sessionId: request.sessionId, seq: request.seq };
      return [{ kind: 'resume', order, ringKey: sessionRingKey(place) }];
    }
    const order = identifyOrder(request, user, this.asked.version, now.wall);
    if (typeof order === 'string') return this.close(order);
    this.state = { kind: 'binding', line: 'identify', who: whoIs(user, request), until, held };
    const shardId = order.sharded ? order.shardId : undefined;
    const identify: Effect = {
      kind: 'identify',
      order,
      ringKey: sessionRingKey({ userId: user.id, shardId }),
    };
    const { encoding, compression } = this.asked;
    // Beside a transport compression, or with terms, the flag is common and means nothing.
    return request.compress && encoding === 'json' && compression === 'none'
      ? [{ kind: 'wire', encoding, compression: 'payload' }, identify]
      : [identify];
  }

  /** The answer to an `authenticate`: nobody's token, or nobody there to ask (it is asked again for a while). */
  authenticationFailed(attempt: number, why: 'invalid' | 'unavailable', now: Instant): Effects {
    const { state } = this;
    if (state.kind !== 'authenticating' || state.attempt !== attempt) return nothing;
    if (why === 'invalid') return this.close('authentication_failed');
    const wait = Math.min(authBackoff.firstMs * authBackoff.factor ** (state.tries - 1), authBackoff.maxMs);
    this.state = { ...state, tries: state.tries + 1, retryAt: now.mono + wait };
    return nothing;
  }

  /** The session-node could not be told of an Identify or Resume. */
  unreachable(): Effects {
    return this.close('unavailable');
  }

  /** Whether a session may have the connection: it asked for one, or has this very one, which moved to another node. */
  accepts({ sessionId, epoch }: Binding): boolean {
    const { state } = this;
    if (state.kind === 'bound') return state.binding.sessionId === sessionId && epoch > state.binding.epoch;
    return state.kind === 'binding';
  }

  /** A session-node says that the connection is its session's, whose last dispatch was `seq`. Only when it accepts. */
  bound(binding: Binding, seq: number, now: Instant): Effects {
    const { state } = this;
    if (state.kind === 'bound') {
      this.state = { ...state, binding };
      return seq === this.lastSeq ? nothing : this.lost();
    }
    if (state.kind !== 'binding') return nothing;
    this.state = { kind: 'bound', line: state.line, binding, who: state.who };
    this.isLive = false;
    this.lastSeq = seq;
    const effects: Effect[] = [];
    for (const raw of state.held) effects.push(...this.obey(raw, now));
    return effects;
  }

  /**
   * A session-node won't have the connection.
   * @param closeCode 0: op 9 after delayMs, and the connection stays open for another try
   */
  refused(closeCode: number, resumable: boolean, delayMs: number, now: Instant): Effects {
    if (this.state.kind !== 'binding') return nothing;
    if (closeCode !== 0) return this.close(closeReasonOf(closeCode));
    if (delayMs <= 0) return this.invalidSession(resumable, now);
    this.state = { kind: 'refused', resumable, at: now.mono + delayMs };
    return nothing;
  }

  /**
   * The session lets go of the connection: it ended, or another connection took it over.
   * @param closeCode 0: op 9 (false), and the connection stays open
   */
  released(epoch: number, closeCode: number, now: Instant): Effects {
    if (this.state.kind !== 'bound' || this.state.binding.epoch !== epoch) return nothing;
    const invalid = this.invalidSession(false, now);
    return closeCode === 0 ? invalid : this.close(closeReasonOf(closeCode));
  }

  /** The way to the session broke, or a dispatch is missing: the client has to resume. */
  lost(): Effects {
    return this.close('session_lost');
  }

  /** How the client writes its payloads. */
  get encoding(): EncodingName {
    return this.asked.encoding;
  }

  /** The session that the connection belongs to now. */
  get binding(): Binding | undefined {
    return this.state.kind === 'bound' ? this.state.binding : undefined;
  }

  /** We closed it, or the socket is gone. */
  get isClosed(): boolean {
    return this.state.kind === 'closed';
  }

  /** Whether a dispatch is the next one; counts it when it is. Not for connections that are not bound. */
  advance(seq: number): boolean {
    if (seq !== this.lastSeq + 1) return false;
    this.lastSeq = seq;
    return true;
  }

  /** READY or RESUMED is on its way: from now on the client has to beat. */
  live(now: Instant): void {
    if (this.state.kind !== 'bound') return;
    this.isLive = true;
    this.expectBeat(now);
  }

  /** Asks the client to come back elsewhere. Before READY or RESUMED libraries do not expect it: they are closed in time. */
  askToReconnect(): Effects {
    return this.state.kind === 'bound' && this.isLive
      ? [{ kind: 'send', payload: reconnectPayload }]
      : nothing;
  }

  /** Closes from our side; a bound session is told whether it may be resumed. */
  close(reason: CloseReason): Effects {
    const { state } = this;
    if (state.kind === 'closed') return nothing;
    this.state = closed;
    const close: Effect = { kind: 'close', reason };
    if (state.kind !== 'bound') return [close];
    return [{ kind: 'ended', binding: state.binding, endSession: !closeRows[reason].resume }, close];
  }

  /**
   * The socket is gone.
   * @param code of the peer's close frame. It counts when we sent none before: peers echo our code.
   */
  socketClosed(code: number): Effects {
    const { state } = this;
    this.state = closed;
    if (state.kind !== 'bound') return nothing;
    return [{ kind: 'ended', binding: state.binding, endSession: code === 1000 || code === 1001 }];
  }

  /** When `tick` has something to do, in monotonic milliseconds; infinite when it has not. */
  nextWake(): number {
    const { state } = this;
    switch (state.kind) {
      case 'open':
      case 'binding':
        return state.until;
      case 'authenticating':
        return Math.min(state.until, state.retryAt ?? state.until);
      case 'refused':
        return state.at;
      case 'bound':
        return this.beatBy;
      case 'closed':
        return Number.POSITIVE_INFINITY;
    }
  }

  tick(now: Instant): Effects {
    const { state } = this;
    if (now.mono < this.nextWake()) return nothing;
    switch (state.kind) {
      case 'open':
        return this.close('identify_timeout');
      case 'binding':
        return this.close('unavailable');
      case 'authenticating': {
        if (now.mono >= state.until) return this.close('unavailable');
        const attempt = ++this.attempts;
        this.state = { ...state, attempt, retryAt: undefined };
        return [{ kind: 'authenticate', attempt, token: state.request.token }];
      }
      case 'refused':
        return this.invalidSession(state.resumable, now);
      case 'bound':
        return this.close('heartbeat_timeout');
      case 'closed':
        return nothing;
    }
  }

  private invalidSession(resumable: boolean, now: Instant): Effects {
    this.state = { kind: 'open', until: now.mono + this.settings.identifyTimeout, invalidated: true };
    this.beatBy = Number.POSITIVE_INFINITY;
    return [{ kind: 'send', payload: invalidSessionPayload(resumable) }];
  }

  private expectBeat(now: Instant): void {
    this.beatBy = now.mono + this.settings.heartbeatInterval * heartbeatsMissed;
  }
}
