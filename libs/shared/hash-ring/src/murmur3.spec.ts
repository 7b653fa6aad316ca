import fc from 'fast-check';
import { murmur3, murmur3Bytes } from './murmur3';

describe('murmur3', () => {
  it('has the verification value that SMHasher publishes for MurmurHash3_x86_32', () => {
    // VerificationTest of SMHasher's KeysetTest.cpp: hashes of 0, 0 1, 0 1 2, ..., hashed again.
    const hashes = Array.from({ length: 256 }, (_, length) => {
      const key = Array.from({ length }, (_, index) => index);
      const hash = murmur3Bytes(key, 256 - length);
      return [0, 8, 16, 24].map((shift) => (hash >>> shift) & 0xff);
    });
    expect(murmur3Bytes(hashes.flat())).toBe(0xb0f57ee3);
  });

  it.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['test', 0, 0xba6bd213],
    ['test', 0x9747b28c, 0x704b81dc],
    ['Hello, world!', 0, 0xc0363e43],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
    ['ππππππππ', 0x9747b28c, 0xd58063c1],
  ])('of %j with seed %d is the known value', (text, seed, hash) => {
    expect(murmur3(text, seed)).toBe(hash);
  });

  it('of a text is that of its UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.nat(0xffffffff), (text, seed) => {
        expect(murmur3(text, seed)).toBe(murmur3Bytes(Buffer.from(text, 'utf8'), seed));
      }),
    );
  });
});
