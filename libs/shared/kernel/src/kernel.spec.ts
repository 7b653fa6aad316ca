import * as fc from 'fast-check';
import { isSnowflake, seededRng, shardOf } from './index';

describe('isSnowflake', () => {
  it('takes every 64-bit id in its canonical form', () => {
    fc.assert(fc.property(fc.bigInt(1n, 2n ** 64n - 1n), (id) => isSnowflake(id.toString())));
  });

  it.each([
    '',
    '0',
    '01',
    '-1',
    '1.0',
    ' 1',
    '1e3',
    '18446744073709551616',
    '123456789012345678901',
    'abc',
    5,
    null,
  ])('refuses %j', (text) => {
    expect(isSnowflake(text)).toBe(false);
  });
});

describe('shardOf', () => {
  it('is the documented formula on 64-bit numbers', () => {
    expect(shardOf('197038439483310086', 16)).toBe(Number((197038439483310086n >> 22n) % 16n));
  });
});

describe('seededRng', () => {
  it('repeats itself for one seed, and stays within [0, 1)', () => {
    const [one, two] = [seededRng(7), seededRng(7)];
    for (let at = 0; at < 1000; at++) {
      const value = one.next();
      expect(value).toBe(two.next());
      expect(value >= 0 && value < 1).toBe(true);
    }
  });

  it('makes tokens as long as base64url of that many bytes', () => {
    expect(seededRng(1).token(16)).toMatch(/^[\w-]{22}$/);
  });
});
