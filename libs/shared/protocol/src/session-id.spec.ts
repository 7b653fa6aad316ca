import * as fc from 'fast-check';
import { decodeSessionId, encodeSessionId, sessionRingKey } from './session-id';

const token = 'AAAAAAAAAAAAAAAAAAAA-_';
const userIds = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map(String);
const shards = fc.option(fc.integer({ min: 0, max: 0xffff_ffff }), { nil: undefined });

it('a session id says whose session it is, and of which shard', () => {
  fc.assert(
    fc.property(userIds, shards, (userId, shardId) => {
      expect(decodeSessionId(encodeSessionId({ userId, shardId }, token))).toEqual({ userId, shardId });
    }),
  );
});

it('two texts never mean the same session', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (text) => {
      const place = decodeSessionId(text);
      if (place) expect(encodeSessionId(place, text.slice(-22))).toBe(text);
    }),
  );
});

it.each([
  '',
  'nonsense',
  `0..${token}`,
  `01..${token}`,
  `1.00.${token}`,
  `1.zzzzzzz.${token}`,
  `zzzzzzzzzzzzz..${token}`,
  `1..${token}x`,
  `1..${token.slice(1)}`,
  `A..${token}`,
])('%j is no session id', (text) => {
  expect(decodeSessionId(text)).toBeUndefined();
});

it('shards of one user have places of their own on the ring', () => {
  expect(sessionRingKey({ userId: '5', shardId: undefined })).toBe('5');
  expect(sessionRingKey({ userId: '5', shardId: 0 })).toBe('5:0');
});
