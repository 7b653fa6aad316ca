import { type User, encodeSessionId } from '@derailed/shared/protocol';
import { Connection, type Instant } from './connection';
import type { Effect, Effects } from './effects';

const bot: User = {
  id: '1000000000000000001',
  username: 'bot',
  discriminator: '0',
  avatar: null,
  email: null,
  flags: 0,
  bot: true,
  system: false,
};
const person: User = { ...bot, bot: false };
const sessionId = encodeSessionId({ userId: bot.id, shardId: undefined }, 'A'.repeat(22));
const binding = { sessionId, epoch: 1 };

/** A connection on a clock that only the test moves. */
class Desk {
  mono = 0;
  readonly connection: Connection;

  constructor(heartbeatInterval = 41_250) {
    this.connection = new Connection({
      heartbeatInterval,
      identifyTimeout: 30_000,
      identifyDeadline: 14_000,
    });
  }

  get now(): Instant {
    return { mono: this.mono, wall: 1_700_000_000_000 + this.mono };
  }

  open(query = 'v=10&encoding=json'): Effects {
    return this.connection.open(query, this.now);
  }

  say(payload: unknown): Effects {
    return this.connection.received(new TextEncoder().encode(JSON.stringify(payload)), this.now);
  }

  identify(fields: object = {}): Effects {
    return this.say({ op: 2, d: { token: 'Bot t', intents: 513, ...fields } });
  }

  /** As far as a bound session that has sent `seq` dispatches. */
  bound(seq = 0, user = bot): this {
    this.open();
    this.connection.authenticated(attemptOf(this.identify()), user, this.now);
    this.connection.bound(binding, seq, this.now);
    return this;
  }

  /** Moves on, waking the connection at each of its deadlines. */
  advance(ms: number): Effects {
    const end = this.mono + ms;
    const effects: Effect[] = [];
    for (let wake = this.connection.nextWake(); wake <= end; wake = this.connection.nextWake()) {
      this.mono = wake;
      effects.push(...this.connection.tick(this.now));
    }
    this.mono = end;
    return effects;
  }
}

function attemptOf(effects: Effects): number {
  const [effect] = effects;
  if (effect?.kind !== 'authenticate') throw new Error(`not an authenticate: ${JSON.stringify(effects)}`);
  return effect.attempt;
}

const close = (reason: string): Effect => ({ kind: 'close', reason }) as Effect;
const ended = (endSession: boolean): Effect => ({ kind: 'ended', binding, endSession });
const ack: Effect = { kind: 'send', payload: '{"op":11,"d":null,"s":null,"t":null}' };
const invalid = (resumable: boolean): Effect => ({
  kind: 'send',
  payload: `{"op":9,"d":${resumable},"s":null,"t":null}`,
});

describe('an upgrade', () => {
  it.each(['', 'v=10', 'v=9&encoding=json', 'v=10&unknown=1'])('with the query %j is greeted', (query) => {
    expect(new Desk().open(query)).toEqual([
      { kind: 'send', payload: expect.stringContaining('"heartbeat_interval":41250') },
    ]);
  });

  it.each([
    ['v=6', 'invalid_version'],
    ['v=', 'invalid_version'],
    ['v=10.5', 'invalid_version'],
    ['encoding=etf', 'unknown_encoding'],
    ['encoding=', 'unknown_encoding'],
    ['compress=zlib-stream', 'unknown_encoding'],
    ['compress=', 'unknown_encoding'],
  ])('with the query %j is closed as %s', (query, reason) => {
    expect(new Desk().open(query)).toEqual([close(reason)]);
  });
});

describe('before it identified', () => {
  let desk: Desk;
  beforeEach(() => {
    desk = new Desk();
    desk.open();
  });

  it('a client may beat, with whatever number', () => {
    for (const d of [null, 0, 17, 'x', {}]) expect(desk.say({ op: 1, d })).toEqual([ack]);
    expect(desk.say({ op: 1 })).toEqual([ack]);
  });

  it.each([3, 4, 8, 31, 43, 0, 5, 99])('op %i is too early', (op) => {
    expect(desk.say({ op, d: 'whatever' })).toEqual([close('not_authenticated')]);
  });

  it('has 30 seconds', () => {
    expect(desk.advance(29_999)).toEqual([]);
    expect(desk.advance(1)).toEqual([close('identify_timeout')]);
  });

  it('beats do not give it more', () => {
    desk.advance(20_000);
    desk.say({ op: 1, d: null });
    expect(desk.advance(10_000)).toEqual([close('identify_timeout')]);
  });

  it.each([
    [new Uint8Array(4097), 'payload_too_large'],
    [Uint8Array.of(0x7b, 0xff, 0x7d), 'decode_error'],
    [new TextEncoder().encode('{"op":'), 'decode_error'],
  ])('broken bytes are closed', (bytes, reason) => {
    expect(desk.connection.received(bytes, desk.now)).toEqual([close(reason)]);
  });

  it('says nothing any more once it was closed', () => {
    desk.say({ op: 3 });
    expect(desk.say({ op: 1, d: null })).toEqual([]);
    expect(desk.connection.socketClosed(4003)).toEqual([]);
    expect(desk.advance(100_000)).toEqual([]);
  });
});

describe('an identify', () => {
  let desk: Desk;
  beforeEach(() => {
    desk = new Desk();
    desk.open('v=9');
  });

  it('goes to the session-node of its user once the token is known', () => {
    const effects = desk.identify();
    expect(effects).toEqual([{ kind: 'authenticate', attempt: 1, token: 't' }]);
    expect(desk.connection.authenticated(1, bot, desk.now)).toEqual([
      {
        kind: 'identify',
        ringKey: bot.id,
        order: {
          userId: bot.id,
          bot: true,
          intents: 513,
          sharded: false,
          shardId: 0,
          shardCount: 1,
          largeThreshold: 50,
          presence: { status: 'online', activities: '[]', client: 'web' },
          version: 9,
        },
      },
    ]);
  });

  it('of a shard goes where that shard is', () => {
    const attempt = attemptOf(desk.identify({ shard: [3, 8] }));
    expect(desk.connection.authenticated(attempt, bot, desk.now)).toMatchObject([
      { ringKey: `${bot.id}:3`, order: { sharded: true, shardId: 3, shardCount: 8 } },
    ]);
  });

  it('of a person without intents means all of them', () => {
    const attempt = attemptOf(desk.identify({ intents: undefined }));
    expect(desk.connection.authenticated(attempt, person, desk.now)).toMatchObject([
      { order: { intents: 53_608_447 } },
    ]);
  });

  it('of a bot needs intents, and grants for some', () => {
    const attempt = attemptOf(desk.identify({ intents: undefined }));
    expect(desk.connection.authenticated(attempt, bot, desk.now)).toEqual([close('invalid_intents')]);
    const members = new Desk();
    members.open();
    const other = attemptOf(members.identify({ intents: 2 }));
    expect(members.connection.authenticated(other, bot, members.now)).toEqual([close('disallowed_intents')]);
    const granted = new Desk();
    granted.open();
    const third = attemptOf(granted.identify({ intents: 2 }));
    expect(granted.connection.authenticated(third, { ...bot, flags: 1 << 13 }, granted.now)).toMatchObject([
      { kind: 'identify' },
    ]);
  });

  it('with a wrong token is closed', () => {
    const attempt = attemptOf(desk.identify());
    expect(desk.connection.authenticationFailed(attempt, 'invalid', desk.now)).toEqual([
      close('authentication_failed'),
    ]);
  });

  it('asks an auth service that is away again, less and less often, then gives up', () => {
    let attempt = attemptOf(desk.identify());
    const askedAt: number[] = [];
    for (;;) {
      desk.connection.authenticationFailed(attempt, 'unavailable', desk.now);
      const wake = desk.connection.nextWake();
      const [effect] = desk.advance(wake - desk.mono);
      if (effect?.kind !== 'authenticate') {
        expect(effect).toEqual(close('unavailable'));
        break;
      }
      askedAt.push(desk.mono);
      attempt = effect.attempt;
    }
    expect(askedAt).toEqual([250, 750, 1750, 3750, 7750, 11_750]);
    expect(desk.mono).toBe(14_000);
  });

  it('ignores answers to older questions', () => {
    desk.identify();
    expect(desk.connection.authenticated(7, bot, desk.now)).toEqual([]);
    expect(desk.connection.authenticationFailed(7, 'invalid', desk.now)).toEqual([]);
  });

  it('is closed when no session-node can be told, or none answers', () => {
    const attempt = attemptOf(desk.identify());
    desk.connection.authenticated(attempt, bot, desk.now);
    expect(desk.connection.unreachable()).toEqual([close('unavailable')]);
    const other = new Desk();
    other.open();
    other.connection.authenticated(attemptOf(other.identify()), bot, other.now);
    expect(other.advance(13_999)).toEqual([]);
    expect(other.advance(1)).toEqual([close('unavailable')]);
  });

  it('is not followed by a second one', () => {
    desk.identify();
    expect(desk.identify()).toEqual([close('already_authenticated')]);
    expect(new Desk().bound().identify()).toEqual([ended(true), close('already_authenticated')]);
  });

  it('lets what comes after it wait for the session', () => {
    const attempt = attemptOf(desk.identify());
    expect(desk.say({ op: 3, d: { since: null, activities: [], status: 'idle', afk: false } })).toEqual([]);
    desk.connection.authenticated(attempt, bot, desk.now);
    expect(desk.say({ op: 8, d: { guild_id: '5', query: '', limit: 0 } })).toEqual([]);
    expect(desk.connection.bound(binding, 0, desk.now)).toMatchObject([
      { kind: 'set-presence', binding, presence: { status: 'idle' } },
      { kind: 'request-members', binding, request: { guildId: '5', query: '' } },
    ]);
  });
});

describe('a resume', () => {
  const resume = { op: 6, d: { token: 't', session_id: sessionId, seq: 7 } };

  it('goes to the session-node that its id names', () => {
    const desk = new Desk();
    desk.open();
    const attempt = attemptOf(desk.say(resume));
    expect(desk.connection.authenticated(attempt, bot, desk.now)).toEqual([
      { kind: 'resume', ringKey: bot.id, order: { userId: bot.id, sessionId, seq: 7 } },
    ]);
    expect(desk.connection.bound({ sessionId, epoch: 2 }, 7, desk.now)).toEqual([]);
    expect(desk.connection.advance(8)).toBe(true);
  });

  it.each([
    ['of nobody', 'nonsense'],
    ['of another user', encodeSessionId({ userId: '5', shardId: undefined }, 'A'.repeat(22))],
  ])('of a session %s is invalid, and the socket stays for another try', (_whose, id) => {
    const desk = new Desk();
    desk.open();
    const attempt = attemptOf(desk.say({ op: 6, d: { ...resume.d, session_id: id } }));
    expect(desk.connection.authenticated(attempt, bot, desk.now)).toEqual([invalid(false)]);
    expect(desk.identify()).toMatchObject([{ kind: 'authenticate' }]);
  });
});

describe('a refusal', () => {
  let desk: Desk;
  beforeEach(() => {
    desk = new Desk();
    desk.open();
    desk.connection.authenticated(attemptOf(desk.identify()), bot, desk.now);
  });

  it('with a code closes', () => {
    expect(desk.connection.refused(4007, false, 0, desk.now)).toEqual([close('invalid_seq')]);
  });

  it('with a delay holds op 9 back, so that a client in a hurry is slowed down', () => {
    expect(desk.connection.refused(0, false, 5000, desk.now)).toEqual([]);
    expect(desk.advance(4999)).toEqual([]);
    expect(desk.advance(1)).toEqual([invalid(false)]);
    expect(desk.identify()).toMatchObject([{ kind: 'authenticate' }]);
  });

  it('at once says whether to resume, and the client has 30 seconds again', () => {
    desk.advance(10_000);
    expect(desk.connection.refused(0, true, 0, desk.now)).toEqual([invalid(true)]);
    expect(desk.advance(29_999)).toEqual([]);
    expect(desk.advance(1)).toEqual([close('identify_timeout')]);
  });
});

describe('a bound connection', () => {
  it('wants each dispatch in its turn', () => {
    const { connection } = new Desk().bound(5);
    expect([7, 5, 6, 6, 7].map((seq) => connection.advance(seq))).toEqual([false, false, true, false, true]);
  });

  it('must beat once READY or RESUMED was sent, not before', () => {
    const desk = new Desk().bound();
    expect(desk.advance(1_000_000)).toEqual([]);
    desk.connection.live(desk.now);
    expect(desk.advance(60_000)).toEqual([]);
    expect(desk.say({ op: 1, d: 1 })).toEqual([ack]);
    expect(desk.advance(72_187)).toEqual([]);
    expect(desk.advance(1)).toEqual([ended(false), close('heartbeat_timeout')]);
  });

  it('sends no more than 120 payloads in a minute', () => {
    const desk = new Desk().bound();
    for (let sent = 1; sent < 120; sent++) expect(desk.say({ op: 1, d: null })).toEqual([ack]);
    expect(desk.say({ op: 1, d: null })).toEqual([ended(false), close('rate_limited')]);
  });

  it('counts in fixed windows, so that two bursts may touch', () => {
    const desk = new Desk().bound();
    desk.advance(59_999);
    for (let sent = 1; sent < 120; sent++) desk.say({ op: 1, d: null });
    desk.advance(1);
    for (let sent = 0; sent < 120; sent++) expect(desk.say({ op: 1, d: null })).toEqual([ack]);
  });

  it('may beat as often as a short interval asks', () => {
    const desk = new Desk(2000).bound();
    for (let sent = 0; sent < 500; sent++) expect(desk.say({ op: 1, d: null })).toEqual([ack]);
  });

  it('may change its presence 5 times in 20 seconds; more is dropped', () => {
    const desk = new Desk().bound();
    const change = () => desk.say({ op: 3, d: { since: null, activities: [], status: 'dnd', afk: false } });
    for (let sent = 0; sent < 5; sent++) expect(change()).toMatchObject([{ kind: 'set-presence' }]);
    expect(change()).toEqual([]);
    desk.advance(20_000);
    expect(change()).toMatchObject([{ kind: 'set-presence' }]);
  });

  it.each([
    [{ op: 3, d: {} }, 'unknown_opcode'],
    [{ op: 8, d: { guild_id: 'x' } }, 'unknown_opcode'],
    [{ op: 99, d: null }, 'unknown_opcode'],
    [{ op: 0 }, 'unknown_opcode'],
  ])('ends its session with %j', (payload, reason) => {
    expect(new Desk().bound().say(payload)).toEqual([ended(true), close(reason)]);
  });

  it('keeps its session when a payload can not be read', () => {
    expect(new Desk().bound().connection.received(Uint8Array.of(1), { mono: 0, wall: 0 })).toEqual([
      ended(false),
      close('decode_error'),
    ]);
  });

  it('ignores ops 4, 31 and 43', () => {
    const desk = new Desk().bound();
    expect(desk.say({ op: 4, d: { guild_id: '1', channel_id: null } })).toEqual([]);
    expect(desk.say({ op: 31, d: { guild_ids: ['1'] } })).toEqual([]);
    expect(desk.say({ op: 43, d: { guild_id: '1', fields: [] } })).toEqual([]);
  });

  it.each([
    [1000, true],
    [1001, true],
    [1006, false],
    [1005, false],
    [4200, false],
    [3000, false],
  ])('that the client closes with %i ends its session: %s', (code, endSession) => {
    expect(new Desk().bound().connection.socketClosed(code)).toEqual([ended(endSession)]);
  });

  it('is not ended by the echo of our own close', () => {
    const { connection } = new Desk().bound();
    expect(connection.close('draining')).toEqual([ended(false), close('draining')]);
    expect(connection.socketClosed(1000)).toEqual([]);
  });

  it('is closed when another connection took the session over, and says nothing of it', () => {
    const desk = new Desk().bound();
    expect(desk.connection.released(2, 4000, desk.now)).toEqual([]);
    expect(desk.connection.released(1, 4000, desk.now)).toEqual([close('unknown_error')]);
  });

  it('is open for another identify when its session has ended', () => {
    const desk = new Desk().bound();
    desk.connection.live(desk.now);
    expect(desk.connection.released(1, 0, desk.now)).toEqual([invalid(false)]);
    expect(desk.connection.binding).toBeUndefined();
    expect(desk.identify()).toMatchObject([{ kind: 'authenticate' }]);
    expect(desk.say({ op: 1, d: null })).toEqual([ack]);
  });

  it('goes on when its session moved to another node without a gap', () => {
    const desk = new Desk().bound(5);
    expect(desk.connection.accepts({ sessionId, epoch: 1 })).toBe(false);
    expect(desk.connection.accepts({ sessionId: 'other', epoch: 2 })).toBe(false);
    expect(desk.connection.accepts({ sessionId, epoch: 2 })).toBe(true);
    expect(desk.connection.bound({ sessionId, epoch: 2 }, 5, desk.now)).toEqual([]);
    expect(desk.connection.binding).toEqual({ sessionId, epoch: 2 });
    expect(desk.connection.bound({ sessionId, epoch: 3 }, 9, desk.now)).toMatchObject([
      { kind: 'ended', endSession: false },
      close('session_lost'),
    ]);
  });

  it('is asked to reconnect only when it has a session', () => {
    expect(new Desk().bound().connection.askToReconnect()).toEqual([
      { kind: 'send', payload: '{"op":7,"d":null,"s":null,"t":null}' },
    ]);
    expect(new Desk().connection.askToReconnect()).toEqual([]);
  });
});

it('a session that comes too late is not wanted', () => {
  const desk = new Desk();
  desk.open();
  desk.connection.authenticated(attemptOf(desk.identify()), bot, desk.now);
  desk.connection.socketClosed(1006);
  expect(desk.connection.accepts(binding)).toBe(false);
});
