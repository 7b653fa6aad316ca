import { encodeEtf, encodeSessionId } from '@derailed/shared/protocol';
import { Desk, ack, attemptOf, binding, bot, close, ended, invalid, person, sessionId } from './desk.fixture';

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
    ['encoding=', 'unknown_encoding'],
    ['encoding=ETF', 'unknown_encoding'],
    ['compress=brotli', 'unknown_encoding'],
    ['compress=none', 'unknown_encoding'],
    ['compress=payload', 'unknown_encoding'],
    ['compress=', 'unknown_encoding'],
  ])('with the query %j is closed as %s', (query, reason) => {
    expect(new Desk().open(query)).toEqual([close(reason)]);
  });

  it.each([
    ['encoding=etf', 'etf', 'none'],
    ['compress=zlib-stream', 'json', 'zlib-stream'],
    ['compress=zstd-stream&encoding=json', 'json', 'zstd-stream'],
    ['encoding=etf&compress=zlib-stream', 'etf', 'zlib-stream'],
  ])('with the query %j is greeted in its way', (query, encoding, compression) => {
    const [wire, hello] = new Desk().open(query);
    expect(wire).toEqual({ kind: 'wire', encoding, compression });
    expect(hello).toMatchObject({ kind: 'send' });
  });

  it('that asks for zstd where there is none is told so', () => {
    const desk = new Desk(41_250, false);
    expect(desk.open('compress=zstd-stream')).toEqual([close('zstd_unavailable')]);
  });
});

describe('the compress flag of an identify', () => {
  const wires = (query: string, compress: unknown): unknown[] => {
    const desk = new Desk();
    desk.open(query);
    const effects = desk.connection.authenticated(attemptOf(desk.identify({ compress })), bot, desk.now);
    expect(effects.at(-1)).toMatchObject({ kind: 'identify' });
    return effects.slice(0, -1);
  };

  it('has long payloads compressed, in JSON', () => {
    const wire = { kind: 'wire', encoding: 'json', compression: 'payload' };
    expect(wires('v=10', true)).toEqual([wire]);
    expect(wires('v=10', 'zlib-stream')).toEqual([wire]);
    expect(wires('v=10', false)).toEqual([]);
    expect(wires('v=10', null)).toEqual([]);
  });

  it('means nothing beside a transport compression', () => {
    expect(wires('compress=zlib-stream', true)).toEqual([]);
    expect(wires('compress=zstd-stream', 'zlib-stream')).toEqual([]);
  });
});

describe('a connection with terms', () => {
  it('reads them, and nothing else', () => {
    const say = (bytes: Uint8Array): unknown => {
      const desk = new Desk();
      desk.open('encoding=etf');
      return desk.connection.received(bytes, desk.now);
    };
    expect(say(encodeEtf({ op: 1, d: null }))).toEqual([ack]);
    expect(say(encodeEtf({ op: 2, d: { token: 't', intents: 1 } }))).toMatchObject([
      { kind: 'authenticate', token: 't' },
    ]);
    expect(say(new TextEncoder().encode('{"op":1,"d":null}'))).toEqual([close('decode_error')]);
    expect(say(encodeEtf([1]))).toEqual([close('decode_error')]);
    expect(say(new Uint8Array(4097).fill(131))).toEqual([close('payload_too_large')]);
  });

  it('are no payload to one with JSON', () => {
    const desk = new Desk();
    desk.open();
    expect(desk.connection.received(encodeEtf({ op: 1, d: null }), desk.now)).toEqual([
      close('decode_error'),
    ]);
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
          intentsAbsent: false,
          sharded: false,
          shardId: 0,
          shardCount: 1,
          largeThreshold: 50,
          presence: { status: 'online', activities: '[]', client: 'web' },
          client: 'web',
          version: 9,
        },
      },
    ]);
  });

  it('of a user account without a presence leaves that to its settings; a bot is online', () => {
    const attempt = attemptOf(desk.identify({ properties: { os: 'android' } }));
    const [effect] = desk.connection.authenticated(attempt, { ...bot, bot: false }, desk.now);
    expect(effect).toMatchObject({ kind: 'identify', order: { presence: undefined } });
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

  it('from a number that can not be one goes there too: with 4007 the session ends', () => {
    const desk = new Desk();
    desk.open();
    const attempt = attemptOf(desk.say({ op: 6, d: { ...resume.d, seq: -1 } }));
    expect(desk.connection.authenticated(attempt, bot, desk.now)).toMatchObject([
      { kind: 'resume', order: { sessionId, seq: 0xffff_ffff } },
    ]);
    expect(desk.connection.refused(4007, false, 0, desk.now)).toEqual([close('invalid_seq')]);
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

describe('a turn', () => {
  const start = (payload?: object): { desk: Desk; attempt: number } => {
    const desk = new Desk();
    desk.open();
    return { desk, attempt: attemptOf(payload ? desk.say(payload) : desk.identify()) };
  };
  const resume = { op: 6, d: { token: 't', session_id: sessionId, seq: 3 } };

  it('lasts from an identify or resume until READY or RESUMED is on its way', () => {
    for (const [line, payload] of [
      ['identify', undefined],
      ['resume', resume],
    ] as const) {
      const { desk, attempt } = start(payload);
      expect(desk.connection.entering).toBe(line);
      desk.connection.authenticated(attempt, bot, desk.now);
      expect(desk.connection.entering).toBe(line);
      desk.connection.bound(binding, 0, desk.now);
      expect(desk.connection.entering).toBe(line);
      desk.connection.live(desk.now);
      expect(desk.connection.entering).toBeUndefined();
    }
  });

  it('ends with a refusal, a close, and the end of the socket', () => {
    const ends: ((desk: Desk, attempt: number) => void)[] = [
      ({ connection, now }, attempt) => connection.authenticationFailed(attempt, 'invalid', now),
      ({ connection }) => connection.socketClosed(1006),
      ({ connection, now }, attempt) => {
        connection.authenticated(attempt, bot, now);
        connection.refused(0, false, 5_000, now);
      },
      ({ connection, now }, attempt) => {
        connection.authenticated(attempt, bot, now);
        connection.bound(binding, 0, now);
        connection.released(binding.epoch, 0, now);
      },
    ];
    for (const end of ends) {
      const { desk, attempt } = start();
      end(desk, attempt);
      expect(desk.connection.entering).toBeUndefined();
    }
  });

  it('that comes later begins with the token that was shown, and is none for who has gone on', () => {
    const { desk, attempt } = start();
    expect(desk.connection.turn()).toEqual([{ kind: 'authenticate', attempt, token: 't' }]);
    desk.connection.authenticated(attempt, bot, desk.now);
    expect(desk.connection.turn()).toEqual([]);
  });

  it('that does not come: op 9 (false) for an identify, and the next one may follow; 4000 for a resume', () => {
    const { desk, attempt } = start();
    expect(desk.connection.turnedAway(desk.now)).toEqual([invalid(false)]);
    expect(desk.connection.authenticated(attempt, bot, desk.now)).toEqual([]);
    expect(desk.identify()).toMatchObject([{ kind: 'authenticate' }]);
    expect(start(resume).desk.connection.turnedAway(desk.now)).toEqual([close('unavailable')]);
    expect(new Desk().bound().connection.turnedAway(desk.now)).toEqual([]);
  });
});
