import fc from 'fast-check';
import { parseToken } from './token';

const ada = '100000000000000001';
const token = `${Buffer.from(ada).toString('base64url')}.x.y`;

it('a token names its user, with and without Bot before it', () => {
  expect(parseToken(token)).toEqual({ token, userId: ada });
  expect(parseToken(`Bot ${token}`)).toEqual({ token, userId: ada });
});

it.each([
  '',
  '.',
  'Bot ',
  'Bearer x',
  '!!!.x.y',
  `${Buffer.from('ada').toString('base64url')}.x.y`,
  'M'.repeat(2000),
])('%j is no token', (text) => {
  expect(parseToken(text)).toBeUndefined();
});

it('whatever the text, it is no token or names a snowflake', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const parsed = parseToken(text);
      expect(parsed === undefined || /^[1-9]\d{0,19}$/.test(parsed.userId)).toBe(true);
    }),
  );
});
