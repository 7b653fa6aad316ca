import { encodeEtf } from '@derailed/shared/protocol';
import fc from 'fast-check';

const encoder = new TextEncoder();

/** Values that decoders trip over: none, too large, of another kind, or with names that objects have anyway. */
const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    '',
    '0',
    'Bot ',
    'Bot t',
    't',
    '__proto__',
    'constructor',
    '\u0000',
    '\ud800',
  ),
  fc.constantFrom(0, -0, -1, 1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, 1e21, 1e308, 53_608_447, 53_608_448),
  fc.constantFrom<unknown>([], {}, [[]], [null], [0, 1], [1, 0], ['1', '2'], { __proto__: null }, { id: 1 }),
  fc.constantFrom('100000000000000001', '18446744073709551615', '99999999999999999999', '-1', '1e3'),
  fc.string({ maxLength: 40, unit: 'binary' }),
  fc.double(),
  fc.array(fc.bigInt({ min: 0n, max: 1n << 64n }).map(String), { maxLength: 120 }),
);

const field = (...usual: readonly unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: oddValue });

const activity = fc.record(
  {
    name: field('a game', ''),
    type: field(0, 1, 4, 5, 6),
    state: field('busy', null),
    url: field('https://twitch.tv/x', 'javascript:x'),
    details: oddValue,
  },
  { requiredKeys: [] },
);
const presence = fc.record(
  {
    status: field('online', 'idle', 'dnd', 'invisible', 'offline'),
    activities: fc.oneof(fc.array(activity, { maxLength: 4 }), oddValue),
    since: field(null, 0),
    afk: field(false),
    game: oddValue,
  },
  { requiredKeys: [] },
);
const id = field('200000000000000001', 200_000, '1');
const d: Readonly<Record<number, fc.Arbitrary<unknown>>> = {
  1: field(null, 0, 7),
  2: fc.record(
    {
      token: field('t', 'Bot t'),
      intents: field(0, 1, 513, 53_608_447),
      shard: field([0, 1], [1, 4]),
      large_threshold: field(50, 250, 0),
      compress: field(true, false, 'zlib-stream'),
      properties: field({ os: 'linux', browser: 'x' }, { $os: 'android' }),
      presence: fc.oneof(presence, oddValue),
    },
    { requiredKeys: [] },
  ),
  3: presence,
  4: fc.record({ guild_id: id, channel_id: field(null, '2') }, { requiredKeys: [] }),
  6: fc.record(
    {
      token: field('t', 'Bot t'),
      session_id: field('7lieexzx4kxt..AAAAAAAAAAAAAAAAAAAAAA'),
      seq: field(0, 1, 9),
    },
    { requiredKeys: [] },
  ),
  8: fc.record(
    {
      guild_id: id,
      query: field('', 'a', 'É'),
      limit: field(0, 1, 100),
      user_ids: field(null, '1', ['1', '2']),
      presences: field(true, false),
      nonce: field('n', 'x'.repeat(33), 'é'.repeat(16)),
    },
    { requiredKeys: [] },
  ),
  31: fc.record({ guild_ids: field(['1'], []) }, { requiredKeys: [] }),
  43: fc.record({ guild_id: id, fields: field(['status'], []) }, { requiredKeys: [] }),
};

/** What a client might mean to send: an opcode with data of its shape, or nearly so. */
const payload: fc.Arbitrary<unknown> = fc
  .oneof(
    { weight: 9, arbitrary: fc.constantFrom(1, 2, 3, 4, 6, 8, 31, 43) },
    fc.constantFrom(0, 5, 7, 9, 10, 11, 99, -1),
  )
  .chain((op) =>
    fc.record({
      op: fc.oneof({ weight: 30, arbitrary: fc.constant<unknown>(op) }, oddValue),
      d: fc.oneof({ weight: 9, arbitrary: d[op] ?? oddValue }, oddValue),
    }),
  );

/** Snowflakes as bare numbers, which JSON.stringify would not write. */
const bareIds = (text: string): string => text.replaceAll(/"(\d{15,20})"/g, '$1');
const written = fc.tuple(payload, fc.boolean()).map(([value, bare]) => {
  const text = JSON.stringify(value);
  return bare ? bareIds(text) : text;
});

interface Mutation {
  readonly kind: 'flip' | 'cut' | 'insert' | 'repeat';
  readonly at: number;
  readonly length: number;
  readonly byte: number;
}
const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('flip', 'cut', 'insert', 'repeat'),
  at: fc.nat(4096),
  length: fc.integer({ min: 1, max: 16 }),
  byte: fc.oneof(fc.nat(255), fc.constantFrom(...encoder.encode('{}[]",:\\0-.eE'))),
});

function mutate(bytes: Uint8Array, { kind, at, length, byte }: Mutation): Uint8Array {
  const from = bytes.length === 0 ? 0 : at % bytes.length;
  const [head, middle, tail] = [
    bytes.subarray(0, from),
    bytes.subarray(from, from + length),
    bytes.subarray(from + length),
  ];
  switch (kind) {
    case 'flip':
      return Uint8Array.of(...head, ...middle.map((old) => old ^ byte), ...tail);
    case 'cut':
      return Uint8Array.of(...head, ...tail);
    case 'insert':
      return Uint8Array.of(...head, byte, ...middle, ...tail);
    case 'repeat':
      return Uint8Array.of(...head, ...middle, ...middle, ...tail);
  }
}

const nested = fc
  .tuple(
    fc.integer({ min: 1, max: 2000 }),
    fc.constantFrom(['[', ']'], ['{"d":', '}'], ['[{"op":', '}]']),
    fc.boolean(),
  )
  .map(
    ([depth, [open = '', shut = ''], closed]) =>
      open.repeat(depth) + (closed ? `1${shut.repeat(depth)}` : ''),
  );

/** The same payloads as terms, and tags that promise what is not there. */
const terms = payload.map((value) => encodeEtf(value));
const tags = fc.constantFrom(70, 80, 97, 98, 100, 104, 106, 107, 108, 109, 110, 115, 116, 118, 119, 0, 1, 2);

/** Bytes of one message of a client with encoding=etf. */
export const termFrame: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 10, arbitrary: terms },
  {
    weight: 5,
    arbitrary: fc
      .tuple(terms, fc.array(mutation, { minLength: 1, maxLength: 4 }))
      .map(([bytes, mutations]) => mutations.reduce(mutate, bytes)),
  },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.oneof(tags, fc.nat(255)), { maxLength: 64 })
      .map((bytes) => Uint8Array.of(131, ...bytes)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.integer({ min: 1, max: 800 }),
        fc.constantFrom([108, 0, 0, 0, 1], [116, 0, 0, 0, 1, 109, 0, 0, 0, 0]),
      )
      .map(([depth, open]) => Uint8Array.of(131, ...Array.from({ length: depth }, () => open).flat(), 106)),
  },
);

/** Bytes of one message of a client: right, nearly right, JSON of another kind, or no text at all. */
export const frame: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 10, arbitrary: written.map((text) => encoder.encode(text)) },
  {
    weight: 5,
    arbitrary: fc
      .tuple(written, fc.array(mutation, { minLength: 1, maxLength: 4 }))
      .map(([text, mutations]) => mutations.reduce(mutate, encoder.encode(text))),
  },
  { weight: 1, arbitrary: fc.json({ maxDepth: 4 }).map((text) => encoder.encode(text)) },
  { weight: 1, arbitrary: nested.map((text) => encoder.encode(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(written, fc.integer({ min: 4000, max: 4200 }))
      .map(([text, length]) => encoder.encode(text.padEnd(length))),
  },
);
