import * as fc from 'fast-check';
import { decodeClientPayload } from './decode';

const decode = (payload: unknown) => decodeClientPayload(JSON.stringify(payload));
const reason = (payload: unknown): string | undefined => {
  const decoded = decode(payload);
  return decoded.ok ? undefined : decoded.reason;
};

describe('the envelope', () => {
  it.each([['nonsense'], ['[]'], ['null'], ['{}'], ['{"op":"1"}'], ['{"op":1.5}'], ['']])(
    '%s is no payload',
    (text) => {
      expect(decodeClientPayload(text)).toEqual({ ok: false, reason: 'decode_error' });
    },
  );

  it.each([0, 5, 7, 9, 10, 11, 99, -1])('op %i is unknown', (op) => {
    expect(reason({ op, d: {} })).toBe('unknown_opcode');
  });

  it('never throws', () => {
    const ops = fc.constantFrom(1, 2, 3, 4, 6, 8, 31, 43);
    const keys = fc.constantFrom(
      'token',
      'intents',
      'shard',
      'presence',
      'activities',
      'status',
      'since',
      'guild_id',
      'query',
      'limit',
      'user_ids',
      'nonce',
      'seq',
      'session_id',
      'properties',
      'game',
      'guild_ids',
      'fields',
    );
    fc.assert(
      fc.property(ops, fc.oneof(fc.jsonValue(), fc.dictionary(keys, fc.jsonValue())), (op, d) => {
        expect(typeof decode({ op, d }).ok).toBe('boolean');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('op 1', () => {
  it.each([
    [null, undefined],
    [undefined, undefined],
    [7, 7],
    [7.0, 7],
    [-1, undefined],
    ['x', undefined],
    [2 ** 40, undefined],
  ])('takes %j', (d, seq) => {
    expect(decode({ op: 1, d })).toEqual({ ok: true, value: { op: 1, seq } });
  });
});

describe('op 2', () => {
  const identify = (fields: object) => ({ op: 2, d: { token: 'Bot t.o.k', intents: 513, ...fields } });

  it('takes the least that a client may send', () => {
    expect(decode(identify({ v: 10, capabilities: 1, compress: 'zlib-stream' }))).toEqual({
      ok: true,
      value: {
        op: 2,
        token: 't.o.k',
        intents: 513,
        shard: undefined,
        largeThreshold: 50,
        compress: true,
        presence: undefined,
        client: 'web',
      },
    });
  });

  it.each([
    [{ token: '' }, 'unknown_opcode'],
    [{ token: 5 }, 'unknown_opcode'],
    [{ intents: -1 }, 'invalid_intents'],
    [{ intents: 1.5 }, 'invalid_intents'],
    [{ intents: '513' }, 'invalid_intents'],
    [{ intents: 1 << 17 }, 'invalid_intents'],
    [{ intents: 2 ** 32 + 1 }, 'invalid_intents'],
    [{ shard: [1, 1] }, 'invalid_shard'],
    [{ shard: [-1, 1] }, 'invalid_shard'],
    [{ shard: [0] }, 'invalid_shard'],
    [{ shard: ['0', '1'] }, 'invalid_shard'],
    [{ shard: 'x' }, 'invalid_shard'],
  ])('refuses %j as %s', (fields, why) => {
    expect(reason(identify(fields))).toBe(why);
  });

  it.each([
    [{ large_threshold: 10 }, { largeThreshold: 50 }],
    [{ large_threshold: 1000 }, { largeThreshold: 250 }],
    [{ large_threshold: null }, { largeThreshold: 50 }],
    [{ intents: null }, { intents: undefined }],
    [{ shard: null }, { shard: undefined }],
    [{ shard: [3, 4] }, { shard: [3, 4] }],
    [{ properties: { $browser: 'Discord iOS' } }, { client: 'mobile' }],
    [{ properties: { browser: 'Discord Client' } }, { client: 'desktop' }],
    [{ properties: { os: 'Android', browser: 'x' } }, { client: 'mobile' }],
  ])('reads %j as %j', (fields, value) => {
    expect(decode(identify(fields))).toMatchObject({ ok: true, value });
  });

  it.each([
    [
      { activities: null, afk: false, since: null, status: 'offline' },
      { status: 'online', activities: [] },
    ],
    [
      { status: 'idle', game: { name: 'chess', type: 0 } },
      { status: 'idle', activities: [{ name: 'chess', type: 0 }] },
    ],
    [
      { game: null, status: 'dnd', since: 0.0, afk: false },
      { status: 'dnd', activities: [] },
    ],
    [
      { status: 'nonsense', activities: [{ name: 5 }] },
      { status: 'online', activities: [] },
    ],
  ])('is lenient with the presence %j', (presence, value) => {
    expect(decode(identify({ presence }))).toMatchObject({ ok: true, value: { presence: value } });
  });
});

describe('op 3', () => {
  const whole = { since: null, activities: [], status: 'online', afk: false };

  it.each(['since', 'activities', 'status'])('is strict about %s', (field) => {
    expect(reason({ op: 3, d: { ...whole, [field]: undefined } })).toBe('unknown_opcode');
  });

  it.each([
    { status: 'away' },
    { status: null },
    { activities: {} },
    { activities: [{ name: 'x', type: 6 }] },
    { since: 'x' },
  ])('refuses %j', (fields) => {
    expect(reason({ op: 3, d: { ...whole, ...fields } })).toBe('unknown_opcode');
  });

  it('takes null activities and a float since', () => {
    const decoded = decodeClientPayload(
      '{"op":3,"d":{"since":0.0,"activities":null,"status":"idle","game":{}}}',
    );
    expect(decoded).toMatchObject({ ok: true, value: { presence: { status: 'idle', activities: [] } } });
  });
});

describe('op 6', () => {
  it.each([
    [{ seq: 5 }, 5],
    [{ seq: null }, 0],
    [{}, 0],
    [{ seq: 2 ** 40 }, 0xffff_ffff],
    [{ seq: -1 }, 0xffff_ffff],
    [{ seq: 1.5 }, 0xffff_ffff],
    [{ seq: 'last' }, 0xffff_ffff],
  ])('reads %j as seq %i', (fields, seq) => {
    expect(decode({ op: 6, d: { token: 'Bot t', session_id: 's', ...fields } })).toEqual({
      ok: true,
      value: { op: 6, token: 't', sessionId: 's', seq },
    });
  });

  it('names what is wrong', () => {
    expect(reason({ op: 6, d: { token: 't', session_id: 5, seq: 1 } })).toBe('unknown_opcode');
  });
});

describe('op 8', () => {
  const ask = (text: string) => decodeClientPayload(`{"op":8,"d":{"guild_id":"1",${text}}}`);

  it.each([
    [
      '"query":"","limit":0,"user_ids":null,"presences":null',
      { query: '', limit: 0, userIds: [], presences: false },
    ],
    ['"user_ids":200000000000000001,"limit":0', { query: undefined, userIds: ['200000000000000001'] }],
    ['"user_ids":["2",3],"query":""', { query: undefined, userIds: ['2', '3'] }],
    ['"user_ids":[]', { query: undefined, userIds: [] }],
    ['"query":"a","limit":5.0,"presences":true', { query: 'a', limit: 5, presences: true }],
    [`"query":"","limit":0,"nonce":"${'n'.repeat(32)}"`, { nonce: 'n'.repeat(32) }],
    [`"query":"","limit":0,"nonce":"${'é'.repeat(17)}"`, { nonce: '' }],
  ])('reads %s', (text, value) => {
    expect(ask(text)).toMatchObject({ ok: true, value });
  });

  it.each([
    '"limit":0',
    '"query":"a"',
    '"query":5,"limit":0',
    '"query":"","limit":-1',
    '"user_ids":["x"]',
    '"user_ids":{}',
  ])('refuses %s', (text) => {
    expect(ask(text)).toEqual({ ok: false, reason: 'unknown_opcode' });
  });

  it('answers 100 of the ids at most', () => {
    const userIds = Array.from({ length: 150 }, (_, at) => String(at + 1));
    expect(decode({ op: 8, d: { guild_id: '1', user_ids: userIds } })).toMatchObject({
      value: { userIds: userIds.slice(0, 100) },
    });
  });
});

it('ops 4, 31 and 43 are checked', () => {
  expect(decode({ op: 4, d: { guild_id: '1', channel_id: null } })).toEqual({ ok: true, value: { op: 4 } });
  expect(reason({ op: 4, d: { channel_id: '1' } })).toBe('unknown_opcode');
  expect(decode({ op: 31, d: { guild_ids: ['1'], nonce: 'x' } })).toEqual({ ok: true, value: { op: 31 } });
  expect(reason({ op: 31, d: { guild_ids: 'x' } })).toBe('unknown_opcode');
  expect(decode({ op: 43, d: { guild_id: '1', fields: ['status'] } })).toEqual({
    ok: true,
    value: { op: 43 },
  });
  expect(reason({ op: 43, d: { guild_id: '1' } })).toBe('unknown_opcode');
});
