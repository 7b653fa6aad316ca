import fc from 'fast-check';
import { type Binding, Connection, type Effect, type Effects, type Instant } from '@derailed/gateway/core';
import {
  type CloseReason,
  type User,
  closeRows,
  encodeEtf,
  encodeSessionId,
} from '@derailed/shared/protocol';
import { frame, termFrame } from './frames';

/** What happens to a connection: a client's frame, an answer of some other node, or time. */
export type Step =
  | { readonly kind: 'frame'; readonly bytes: Uint8Array }
  | { readonly kind: 'flood'; readonly what: 'heartbeats' | 'pings'; readonly count: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | {
      readonly kind: 'auth';
      readonly answer: 'bot' | 'person' | 'invalid' | 'unavailable';
      readonly late: boolean;
    }
  | { readonly kind: 'bound'; readonly epoch: number; readonly seq: number }
  | { readonly kind: 'refused'; readonly code: number; readonly resumable: boolean; readonly delay: number }
  | { readonly kind: 'released'; readonly epoch: number; readonly code: number }
  | { readonly kind: 'dispatches'; readonly count: number }
  | { readonly kind: 'ping' | 'reconnect' | 'unreachable' | 'gone' };

export interface Life {
  readonly heartbeatInterval: number;
  readonly query: string;
  /** Whether it begins with an Identify that is answered, so that what follows meets a bound connection. */
  readonly identified: boolean;
  /** Whether every question to the auth service is answered at once, by itself. */
  readonly answered: boolean;
  readonly steps: readonly Step[];
}

const closeCode = fc.constantFrom(0, 4000, 4004, 4007, 4009, 4011, 4200);
const rare: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('flood' as const),
    what: fc.constantFrom('heartbeats', 'pings'),
    count: fc.integer({ min: 1, max: 130 }),
  }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(0, 1, 250, 5000, 20_000, 60_000) }),
  fc.record({
    kind: fc.constant('auth' as const),
    answer: fc.constantFrom('bot', 'bot', 'person', 'person', 'invalid', 'unavailable'),
    late: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('bound' as const), epoch: fc.integer({ min: 1, max: 3 }), seq: fc.nat(3) }),
  fc.record({
    kind: fc.constant('refused' as const),
    code: closeCode,
    resumable: fc.boolean(),
    delay: fc.constantFrom(0, 1000),
  }),
  fc.record({
    kind: fc.constant('released' as const),
    epoch: fc.integer({ min: 1, max: 3 }),
    code: closeCode,
  }),
  fc.record({ kind: fc.constant('dispatches' as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constantFrom('ping', 'ping', 'reconnect', 'unreachable', 'gone') }),
);

const lifeWith = (query: fc.Arbitrary<string>, bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Life> =>
  fc.record({
    heartbeatInterval: fc.constantFrom(2000, 41_250),
    query,
    identified: fc.boolean(),
    answered: fc.boolean(),
    steps: fc.array(
      fc.oneof(
        { weight: 4, arbitrary: bytes.map((frame): Step => ({ kind: 'frame', bytes: frame })) },
        { weight: 1, arbitrary: rare },
      ),
      { minLength: 1, maxLength: 40 },
    ),
  });

const queries = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom('v=10&encoding=json', '', 'v=9', 'compress=zlib-stream') },
  { weight: 1, arbitrary: fc.constantFrom('v=8', 'v=x', 'encoding=xml', 'compress=lz', 'v=10&v=9&&=') },
  { weight: 1, arbitrary: fc.string({ maxLength: 30, unit: 'binary' }) },
);

/** Lives of connections. */
export const life: fc.Arbitrary<Life> = fc.oneof(
  { weight: 2, arbitrary: lifeWith(queries, frame) },
  {
    weight: 1,
    arbitrary: lifeWith(fc.constantFrom('encoding=etf', 'encoding=etf&compress=zstd-stream'), termFrame),
  },
);

const bot: User = {
  id: '1000000000000000001',
  username: 'bot',
  discriminator: '0',
  avatar: null,
  email: null,
  flags: 1 << 13,
  bot: true,
  system: false,
};
const person: User = { ...bot, bot: false };
const sessionId = encodeSessionId({ userId: bot.id, shardId: undefined }, 'A'.repeat(22));
const identify = { op: 2, d: { token: 't', intents: 513 } };

const heartbeat = { op: 1, d: null };

/** What one life came to. */
export interface Outcome {
  readonly frames: number;
  readonly closed: CloseReason | 'client' | undefined;
}

/**
 * Leads a connection through a life and watches what it must never do.
 * @throws Error when it does
 */
export function live({ heartbeatInterval, query, identified, answered, steps }: Life): Outcome {
  const witness = new Witness(
    new Connection({
      heartbeatInterval,
      identifyTimeout: 30_000,
      identifyDeadline: 14_000,
      payloadWindow: 60_000,
      zstd: true,
    }),
  );
  witness.open(query);
  const prelude: readonly Step[] = [
    { kind: 'frame', bytes: witness.write(identify) },
    { kind: 'auth', answer: 'bot', late: false },
    { kind: 'bound', epoch: 1, seq: 0 },
    { kind: 'dispatches', count: 1 },
  ];
  for (const step of [...(identified ? prelude : []), ...steps]) {
    if (witness.connection.isClosed) break;
    witness.take(step);
    if (answered && witness.waits) witness.take({ kind: 'auth', answer: 'bot', late: false });
  }
  return witness.outcome();
}

class Witness {
  private now: Instant = { mono: 0, wall: 1_700_000_000_000 };
  private frames = 0;
  private attempt = 0;
  private binding: Binding | undefined;
  private lastSeq = 0;
  private closed: Outcome['closed'];

  constructor(readonly connection: Connection) {}

  /** Whether it has asked whose token something is, and has no answer. */
  waits = false;

  open(query: string): void {
    this.watch(this.connection.open(query, this.now));
  }

  /** A payload as this client writes it. */
  write(payload: object): Uint8Array {
    return this.connection.encoding === 'etf'
      ? encodeEtf(payload)
      : new TextEncoder().encode(JSON.stringify(payload));
  }

  outcome(): Outcome {
    return { frames: this.frames, closed: this.closed };
  }

  take(step: Step): void {
    if (step.kind === 'auth') this.waits = false;
    this.watch(this.effectsOf(step));
    const wake = this.connection.nextWake();
    must(!Number.isNaN(wake), 'it has a time to wake');
    must(this.connection.binding?.sessionId === this.binding?.sessionId, 'it tells when its binding ends');
  }

  private effectsOf(step: Step): Effects {
    const { connection, now } = this;
    switch (step.kind) {
      case 'frame':
        this.frames++;
        return connection.received(step.bytes, now);
      case 'flood':
        return this.flood(step.what, step.count);
      case 'wait':
        return this.wait(step.ms);
      case 'auth': {
        const attempt = this.attempt - (step.late ? 1 : 0);
        if (step.answer === 'invalid' || step.answer === 'unavailable')
          return connection.authenticationFailed(attempt, step.answer, now);
        return connection.authenticated(attempt, step.answer === 'bot' ? bot : person, now);
      }
      case 'bound':
        return this.bind({ sessionId, epoch: step.epoch }, step.seq);
      case 'refused':
        return connection.refused(step.code, step.resumable, step.delay, now);
      case 'released': {
        if (step.epoch === this.binding?.epoch) this.binding = undefined;
        return connection.released(step.epoch, step.code, now);
      }
      case 'dispatches':
        return this.dispatch(step.count);
      case 'ping':
        return connection.controlFrame(now);
      case 'reconnect':
        return connection.askToReconnect();
      case 'unreachable':
        return connection.unreachable();
      case 'gone':
        this.closed = 'client';
        return connection.socketClosed(1006);
    }
  }

  private flood(what: 'heartbeats' | 'pings', times: number): Effects {
    const effects: Effect[] = [];
    for (let sent = 0; sent < times && !this.connection.isClosed; sent++) {
      if (what === 'heartbeats') this.frames++;
      effects.push(
        ...(what === 'pings'
          ? this.connection.controlFrame(this.now)
          : this.connection.received(this.write(heartbeat), this.now)),
      );
    }
    return effects;
  }

  /** Time passes, and the connection is woken at each of its deadlines. */
  private wait(ms: number): Effects {
    const end = this.now.mono + ms;
    const effects: Effect[] = [];
    for (let woken = 0; this.connection.nextWake() <= end; woken++) {
      must(woken < 100, 'waking it brings it on');
      const mono = Math.max(this.now.mono, this.connection.nextWake());
      this.now = { mono, wall: this.now.wall + mono - this.now.mono };
      const woke = this.connection.tick(this.now);
      for (const effect of woke) if (effect.kind === 'authenticate') this.attempt = effect.attempt;
      effects.push(...woke);
    }
    this.now = { mono: end, wall: this.now.wall + end - this.now.mono };
    return effects;
  }

  private bind(binding: Binding, seq: number): Effects {
    if (!this.connection.accepts(binding)) return [];
    const before = this.binding;
    this.binding = binding;
    if (before === undefined) this.lastSeq = seq;
    return this.connection.bound(binding, seq, this.now);
  }

  private dispatch(count: number): Effects {
    if (this.binding === undefined) return [];
    for (let sent = 0; sent < count; sent++)
      must(this.connection.advance(++this.lastSeq), 'the next dispatch is let through');
    must(!this.connection.advance(this.lastSeq + 2), 'a gap is seen');
    this.connection.live(this.now);
    return [];
  }

  private watch(effects: Effects): void {
    for (const effect of effects) {
      must(this.closed === undefined || this.closed === 'client', 'it is silent once it has closed');
      switch (effect.kind) {
        case 'wire':
          must(this.binding === undefined, 'a wire stays what it is once a session writes to it');
          must(effect.encoding === this.connection.encoding, 'a client is answered in its own encoding');
          break;
        case 'send':
          must(Object.keys(JSON.parse(effect.payload) as object).join() === 'op,d,s,t', 'it sends payloads');
          break;
        case 'authenticate':
          must(effect.token.length > 0, 'it asks for somebody');
          this.attempt = effect.attempt;
          this.waits = true;
          break;
        case 'close':
          must(Object.hasOwn(closeRows, effect.reason), 'its reason is in the table');
          must(this.connection.isClosed, 'it is closed when it says so');
          this.closed = effect.reason;
          break;
        case 'ended':
          must(
            effect.binding.sessionId === this.binding?.sessionId,
            'a session ends once, and only a bound one',
          );
          this.binding = undefined;
          break;
        case 'set-presence':
          must(Array.isArray(JSON.parse(effect.presence.activities)), 'activities are a list');
          must(this.binding !== undefined, 'only a session has a presence');
          break;
        case 'request-members':
          must(
            effect.request.userIds.length <= 100 && effect.request.nonce.length <= 32,
            'requests are bounded',
          );
          must(this.binding !== undefined, 'only a session asks for members');
          break;
        case 'identify':
        case 'resume':
          must(effect.ringKey.length > 0, 'it knows where to go');
          break;
      }
    }
  }
}

function must(holds: boolean, law: string): void {
  if (!holds) throw new Error(`broken: ${law}`);
}
