import * as fc from 'fast-check';
import { parseLossless } from './lossless';

const parse = (text: string): unknown => parseLossless(text, 64);

it('keeps the digits of bare snowflakes', () => {
  expect(
    parse('{"guild_id":200000000000000001,"user_ids":[9007199254740993, 5,-9223372036854775808]}'),
  ).toEqual({
    guild_id: '200000000000000001',
    user_ids: ['9007199254740993', 5, '-9223372036854775808'],
  });
});

it.each([
  ['{"a":"12345678901234567890"}', { a: '12345678901234567890' }],
  [String.raw`{"a":"\",12345678901234567890"}`, { a: '",12345678901234567890' }],
  [String.raw`["\\",12345678901234567890]`, ['\\', '12345678901234567890']],
  ['12345678901234567890', '12345678901234567890'],
  ['{"a":1.5e300,"b":9007199254740991}', { a: 1.5e300, b: 9007199254740991 }],
])('reads %s', (text, value) => {
  expect(parse(text)).toEqual(value);
});

it.each([
  '{12345678901234567890:1}',
  '{12345678901234567890 : 1}',
  '012345678901234567',
  '--12345678901234567890',
  '[1 12345678901234567890]',
])('does not make JSON of %s', (text) => {
  expect(() => parse(text)).toThrow(SyntaxError);
});

it('is JSON.parse for everything without such numbers', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 2 }), (json, at, junk) => {
      const text = junk === '' ? json : json.slice(0, at % json.length) + junk + json.slice(at % json.length);
      const read = (how: (text: string) => unknown): unknown => {
        try {
          return how(text);
        } catch {
          return SyntaxError;
        }
      };
      if (/\d{16}/.test(text)) expect(read(parse) === SyntaxError).toBe(read(JSON.parse) === SyntaxError);
      else expect(read(parse)).toEqual(read(JSON.parse));
    }),
    { numRuns: 2000 },
  );
});

it('every whole number survives', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }), (value) => {
      const [read] = parse(`[ ${value} ]`) as [number | string];
      expect(BigInt(read)).toBe(value);
    }),
  );
});

it('refuses what is nested too deeply, but not brackets in strings', () => {
  expect(() => parse('['.repeat(65) + ']'.repeat(65))).toThrow('too deeply');
  expect(parse('['.repeat(64) + ']'.repeat(64))).toBeDefined();
  expect(parse(`"${'['.repeat(100)}"`)).toBe('['.repeat(100));
});
