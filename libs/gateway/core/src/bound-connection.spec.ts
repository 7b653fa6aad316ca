import { Desk, ack, attemptOf, binding, bot, close, ended, invalid, person, sessionId } from './desk.fixture';

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

  it('has a window for heartbeats alone when the interval is short', () => {
    const desk = new Desk(2000).bound();
    const presence = { op: 3, d: { since: null, activities: [], status: 'dnd', afk: false } };
    for (let sent = 0; sent < 120; sent++) {
      expect(desk.say({ op: 1, d: null })).toEqual([ack]);
      // Its Identify was the first of 120.
      if (sent < 119) expect(desk.say(presence)).not.toContainEqual(close('rate_limited'));
    }
    expect(desk.say({ op: 1, d: null })).toEqual([ended(false), close('rate_limited')]);
  });

  it('sends no more than 120 pings in a minute', () => {
    const desk = new Desk().bound();
    const ping = () => desk.connection.controlFrame(desk.now);
    for (let sent = 0; sent < 120; sent++) expect(ping()).toEqual([]);
    desk.advance(60_000);
    for (let sent = 0; sent < 120; sent++) expect(ping()).toEqual([]);
    expect(ping()).toEqual([ended(false), close('too_many_pings')]);
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

  it('takes nothing amiss that its client said before it heard that the session has ended', () => {
    const desk = new Desk().bound();
    desk.connection.released(1, 0, desk.now);
    for (const op of [3, 4, 8]) expect(desk.say({ op, d: {} })).toEqual([]);
    expect(desk.identify()).toMatchObject([{ kind: 'authenticate' }]);
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

  it('says what it runs on with each presence, if it ever said so', () => {
    const change = { op: 3, d: { since: null, activities: [], status: 'dnd', afk: false } };
    const shown = (user: typeof bot, first: object) => {
      const desk = new Desk();
      desk.open();
      desk.connection.authenticated(attemptOf(desk.say(first)), user, desk.now);
      desk.connection.bound(binding, 0, desk.now);
      const [effect] = desk.say(change);
      return effect?.kind === 'set-presence' ? effect.presence.client : undefined;
    };
    const identify = { op: 2, d: { token: 't', intents: 0, properties: { browser: 'Discord iOS' } } };
    const resume = { op: 6, d: { token: 't', session_id: sessionId, seq: 0 } };
    expect([
      shown(person, identify),
      shown(bot, identify),
      shown(bot, resume),
      shown(person, resume),
    ]).toEqual(['mobile', 'web', 'web', '']);
  });

  it('is asked to reconnect only when it has a session', () => {
    const desk = new Desk().bound();
    expect(desk.connection.askToReconnect()).toEqual([]);
    desk.connection.live(desk.now);
    expect(desk.connection.askToReconnect()).toEqual([
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
