import * as fc from 'fast-check';
import { decodeData, decodeRaw, decodeRawEtf } from '../client/decode';
import { limits } from '../limits';
import { etfEncoding } from '../wire/encoding';
import { decodeEtf } from './decode';
import { encodeEtf, etfIntegerLength, writeEtfInteger } from './encode';

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const decode = (hex: string): unknown => decodeEtf(bytesOf(hex), limits.payloadDepth);
const binary = (text: string): string => {
  const bytes = Buffer.from(text);
  return `6d${bytes.length.toString(16).padStart(8, '0')}${bytes.toString('hex')}`;
};
/** A float that JSON writes as a whole number, of which the digits count. */
const isInexact = (part: unknown): boolean => Number.isInteger(part) && !Number.isSafeInteger(part);
/** What JSON would say: no -0, no half surrogate pairs. */
const values = fc
  .jsonValue({ stringUnit: 'grapheme', maxDepth: 8 })
  .map((value): unknown =>
    JSON.parse(JSON.stringify(value, (_, part: unknown) => (isInexact(part) ? 0.5 : part))),
  );

describe('terms', () => {
  // From the external term format's specification, and what erlpack 0.1.4 makes of the same values.
  it.each<[string, unknown, string]>([
    ['null', null, '83 7303 6e696c'],
    ['true', true, '83 7304 74727565'],
    ['false', false, '83 7305 66616c7365'],
    ['0', 0, '83 61 00'],
    ['255', 255, '83 61 ff'],
    ['256', 256, '83 62 00000100'],
    ['-1', -1, '83 62 ffffffff'],
    ['2^31 - 1', 2_147_483_647, '83 62 7fffffff'],
    ['2^31', 2_147_483_648, '83 46 41e0000000000000'],
    ['1.5', 1.5, '83 46 3ff8000000000000'],
    ['no text', '', '83 6d 00000000'],
    ['text', 'é', '83 6d 00000002 c3a9'],
    ['an empty list', [], '83 6a'],
    ['a list', [1, 'a'], '83 6c 00000002 61 01 6d 00000001 61 6a'],
    ['an empty map', {}, '83 74 00000000'],
    ['a map', { a: [null] }, '83 74 00000001 6d 00000001 61 6c 00000001 7303 6e696c 6a'],
  ])('are written as erlpack reads them: %s', (_, value, hex) => {
    expect(hexOf(encodeEtf(value))).toBe(hex.replaceAll(' ', ''));
    expect(decode(hex)).toEqual(value);
  });

  it.each<[string, string, unknown]>([
    ['a snowflake as a big integer', '83 6e 08 00 01 00 14 bb f0 8a c6 02', '200000000000000001'],
    ['a negative big integer', '83 6e 01 01 05', -5],
    ['a big integer within 2^53', '83 6e 05 00 00 00 00 00 01', 4_294_967_296],
    ['short integers as a string of bytes', '83 6b 0002 0104', [1, 4]],
    ['an atom of Latin-1', '83 64 0004 6e756c6c', null],
    ['an atom of UTF-8', '83 77 03 6e696c', null],
    ['a long atom of UTF-8', '83 76 0004 74727565', true],
    ['a key that objects have', `83 74 00000001 ${binary('__proto__')} 61 01`, JSON.parse('{"__proto__":1}')],
  ])('of clients are read: %s', (_, hex, value) => {
    expect(decode(hex)).toEqual(value);
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['another version', '82 61 00'],
    ['no term', '83'],
    ['two terms', '83 61 00 61 00'],
    ['a compressed term', '83 50 00000003 789c4b04000062 0062'],
    ['an atom as key', '83 74 00000001 7302 6f70 61 01'],
    ['a number as key', '83 74 00000001 61 01 61 01'],
    ['an atom of its own', '83 7303 666f6f'],
    ['a binary longer than the message', '83 6d ffffffff 61'],
    ['a list of four billion', '83 6c ffffffff 61 00 6a'],
    ['a map of four billion', '83 74 ffffffff 6d 00000000 6a'],
    ['an improper list', '83 6c 00000001 61 01 61 02'],
    ['a list without an end', '83 6c 00000001 61 01'],
    ['a big integer cut short', '83 6e ff 00 01'],
    ['a big integer with no sign', '83 6e 01 02 01'],
    ['not a number', '83 46 7ff8000000000000'],
    ['infinity', '83 46 7ff0000000000000'],
    ['text that is no UTF-8', '83 6d 00000001 ff'],
    ['a tuple', '83 68 00'],
    ['a long big integer', '83 6f 00000001 00 01'],
    ['a pid', '83 67 7303 6e696c 00000000 00000000 00'],
  ])('that are no payload are refused: %s', (_, hex) => {
    expect(() => decode(hex)).toThrow();
    expect(decodeRawEtf(bytesOf(hex))).toEqual({ ok: false, reason: 'decode_error' });
  });

  it('are refused when nested deeper than a payload may be, and not before', () => {
    const nested = (depth: number): string =>
      `83${'6c00000001'.repeat(depth - 1)}6a${'6a'.repeat(depth - 1)}`;
    expect(() => decode(nested(limits.payloadDepth))).not.toThrow();
    expect(() => decode(nested(limits.payloadDepth + 2))).toThrow();
    const deepest = '6c00000001'.repeat(800);
    expect(decodeRawEtf(bytesOf(`83${deepest}`))).toEqual({ ok: false, reason: 'decode_error' });
  });

  it('come back as they were, whatever JSON holds', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(decodeEtf(encodeEtf(value), Infinity)).toEqual(value);
      }),
      { numRuns: 1000 },
    );
  });

  it('of any depth are written', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(encodeEtf(JSON.parse(deep))).toHaveLength(1 + 99_999 * 6 + 1);
  });

  it('of arbitrary bytes are a payload or a refusal, never anything else', () => {
    const tags = fc.constantFrom(70, 80, 97, 98, 100, 104, 106, 107, 108, 109, 110, 115, 116, 119, 0, 1, 2);
    const noise = fc.array(fc.oneof(tags, fc.nat(255)), { maxLength: 200 });
    fc.assert(
      fc.property(noise, (bytes) => {
        const raw = decodeRawEtf(Uint8Array.of(131, ...bytes));
        if (raw.ok) decodeData(raw.value);
        else expect(raw.reason).toBe('decode_error');
      }),
      { numRuns: 20_000 },
    );
  });
});

describe('a payload in terms', () => {
  it('is decoded as the same payload in JSON', () => {
    const payloads = fc.record({ op: fc.constantFrom(1, 2, 3, 4, 6, 8, 31, 43, 99), d: values });
    fc.assert(
      fc.property(payloads, (payload) => {
        const terms = decodeRawEtf(encodeEtf(payload));
        expect(terms).toEqual(decodeRaw(JSON.stringify(payload)));
        if (terms.ok) expect(() => decodeData(terms.value)).not.toThrow();
      }),
    );
  });

  it('has what clients leave out as nil, and times as floats', () => {
    const identify = {
      op: 2,
      d: { token: 'Bot t', intents: 513, shard: null, presence: null, properties: {} },
    };
    expect(decodeRawEtf(encodeEtf(identify))).toEqual(decodeRaw(JSON.stringify(identify)));
    const since = `83 74 00000002 ${binary('op')} 61 03 ${binary('d')} 74 00000004 ${binary('since')} 46 42786bc0d7a00000
      ${binary('activities')} 6a ${binary('status')} ${binary('idle')} ${binary('afk')} 7305 66616c7365`;
    const raw = decodeRawEtf(bytesOf(since.replaceAll(/\s/g, '')));
    expect(raw.ok && decodeData(raw.value)).toMatchObject({
      ok: true,
      value: { op: 3, presence: { status: 'idle' } },
    });
  });
});

describe('a dispatch in terms', () => {
  const seqs = fc.oneof(
    fc.constantFrom(1, 255, 256, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1),
    fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  );

  it('says what the one in JSON says, for every seq, wherever its data is cut', () => {
    fc.assert(
      fc.property(seqs, fc.string({ unit: 'grapheme' }), values, fc.nat(), (seq, t, d, cut) => {
        const text = Buffer.from(JSON.stringify(d));
        const at = cut % (text.length + 1);
        const tail = etfEncoding.tail({ name: t, data: text.subarray(0, at), own: text.subarray(at) });
        const head = new Uint8Array(etfEncoding.openingLength(seq));
        expect(etfEncoding.writeOpening(head, 0, seq)).toBe(head.length);
        expect(decodeEtf(Buffer.concat([head, ...tail.parts]), Infinity)).toEqual({ op: 0, s: seq, t, d });
      }),
    );
  });

  it('has a number for its seq at every size', () => {
    fc.assert(
      fc.property(seqs, (seq) => {
        const bytes = new Uint8Array(1 + etfIntegerLength(seq));
        bytes[0] = 131;
        expect(writeEtfInteger(bytes, 1, seq)).toBe(bytes.length);
        expect(decodeEtf(bytes, 1)).toBe(seq);
      }),
    );
  });
});
