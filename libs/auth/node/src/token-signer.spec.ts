import fc from 'fast-check';
import { TokenSigner } from './token-signer';

const signer = new TokenSigner(Buffer.alloc(32, 7));
const ada = '100000000000000001';
const now = 1_700_000_000_000;
const token = signer.create(ada, 'hash', now);

it('a token is user id, time and signature, each base64url', () => {
  const [id, time, mac, ...rest] = token.split('.');
  expect(Buffer.from(id!, 'base64url').toString()).toBe(ada);
  expect(Buffer.from(time!, 'base64url').toString()).toBe(String(now));
  expect(Buffer.from(mac!, 'base64url')).toHaveLength(32);
  expect(rest).toEqual([]);
});

it('a token is valid for its user and hash, and for nothing else', () => {
  expect(signer.validate(ada, 'hash', token)).toBe(true);
  expect(signer.validate(ada, 'changed', token)).toBe(false);
  expect(signer.validate('100000000000000002', 'hash', token)).toBe(false);
  expect(new TokenSigner(Buffer.alloc(32, 8)).validate(ada, 'hash', token)).toBe(false);
});

it('any other spelling of a token is not that token', () => {
  const [id, time, mac] = token.split('.') as [string, string, string];
  const again = Buffer.from(`0${now}`).toString('base64url');
  for (const other of [
    `${token}.`,
    `${token}=`,
    ` ${token}`,
    `${id}.${time}`,
    `${id}.${again}.${mac}`,
    `.${time}.${mac}`,
  ]) {
    expect(signer.validate(ada, 'hash', other)).toBe(false);
  }
});

it('the time can not take over the beginning of the hash', () => {
  const [, , mac] = signer.create(ada, 'begin.end', now).split('.');
  const time = Buffer.from(`${now}.begin`).toString('base64url');
  const forged = `${Buffer.from(ada).toString('base64url')}.${time}.${mac}`;
  expect(signer.validate(ada, 'end', forged)).toBe(false);
});

it('a token with any character changed is invalid', () => {
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.constantFrom(...'ABCxyz019-_.=+ \0'), (at, character) => {
      const changed = token.slice(0, at) + character + token.slice(at + 1);
      expect(signer.validate(ada, 'hash', changed)).toBe(changed === token);
    }),
  );
});

it('whatever is asked, the answer is no', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string({ maxLength: 2000 }), (userId, hash, text) => {
      expect(signer.validate(userId, hash, text)).toBe(false);
    }),
  );
});
