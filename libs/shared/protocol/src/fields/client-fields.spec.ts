import { decodeData } from '../client/decode';
import { Op } from '../opcodes';
import { type ClientField, clientFields } from './client-fields';

/** One correct payload of each, with all of its fields. */
const samples: Readonly<Record<keyof typeof clientFields, Record<string, unknown>>> = {
  IDENTIFY: {
    token: 't',
    intents: 1,
    shard: [0, 1],
    large_threshold: 100,
    compress: false,
    presence: {},
    properties: {},
  },
  PRESENCE_UPDATE: { status: 'idle', activities: [], since: 0, afk: false },
  VOICE_STATE_UPDATE: { guild_id: '1', channel_id: '2' },
  RESUME: { token: 't', session_id: 's', seq: 1 },
  REQUEST_GUILD_MEMBERS: { guild_id: '1', query: '', limit: 0, user_ids: null, presences: true, nonce: 'n' },
  REQUEST_SOUNDBOARD_SOUNDS: { guild_ids: ['1'] },
  REQUEST_CHANNEL_INFO: { guild_id: '1', fields: ['status'] },
};

/** No field takes this one. */
const wrong = { shape: Number.NaN };
const neededWithQuery = ['query', 'limit'];

const rows = (Object.keys(samples) as (keyof typeof samples)[]).flatMap((op) =>
  Object.entries<ClientField>(clientFields[op]).map(([field, row]) => ({ op, field, row })),
);

it.each(Object.entries(samples))('the sample of %s is right', (op, d) => {
  expect(decodeData({ op: Op[op as keyof typeof samples], d })).toMatchObject({ ok: true });
});

describe.each(rows)('$field of $op', ({ op, field, row }) => {
  const decode = (d: Record<string, unknown>) => {
    const decoded = decodeData({ op: Op[op], d });
    return decoded.ok ? 'taken' : decoded.reason;
  };

  it(`of the wrong shape: ${row.wrong}`, () => {
    // A seq that can't be one is for the session to refuse.
    const isTaken = row.wrong === 'ignored' || row.wrong === 'invalid_seq';
    expect(decode({ ...samples[op], [field]: wrong })).toBe(isTaken ? 'taken' : row.wrong);
  });

  it(`missing: ${row.missing ?? 'taken'}`, () => {
    const { [field]: _, ...rest } = samples[op];
    const needed = neededWithQuery.includes(field) || field === 'activities' || field === 'since';
    const expected = row.missing ?? (needed ? 'unknown_opcode' : 'taken');
    expect(decode(rest)).toBe(expected);
    if (field !== 'limit' && field !== 'query')
      expect(decode({ ...rest, [field]: null })).toBe(row.missing ?? 'taken');
  });
});

it('unknown fields are ignored', () => {
  for (const [op, d] of Object.entries(samples))
    expect(decodeData({ op: Op[op as keyof typeof samples], d: { ...d, v: 3, capabilities: 1 } }).ok).toBe(
      true,
    );
});
