import { deflateRawSync, inflateSync, constants } from 'node:zlib';
import * as fc from 'fast-check';
import { adler32, adler32Of, lastBlock, syncMarker, writeStoredHeader, zlibHeader } from './zlib';

const block = (bytes: Uint8Array): Buffer => deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
const stored = (bytes: Uint8Array): Buffer => {
  const head = new Uint8Array(5);
  writeStoredHeader(head, 0, bytes.length);
  return Buffer.concat([head, bytes]);
};
const sum = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

const pieces = fc.array(fc.tuple(fc.boolean(), fc.uint8Array({ minLength: 1, maxLength: 20_000 })), {
  maxLength: 8,
});

describe('a zlib stream of pieces', () => {
  it('is what any inflate takes, checksum included', () => {
    fc.assert(
      fc.property(pieces, (list) => {
        const stream = [
          zlibHeader,
          ...list.map(([whole, bytes]) =>
            whole ? Buffer.concat([stored(bytes), syncMarker]) : block(bytes),
          ),
        ];
        const plain = Buffer.concat(list.map(([, bytes]) => bytes));
        const document = Buffer.concat([...stream, lastBlock, sum(adler32(plain))]);
        expect(inflateSync(document).equals(plain)).toBe(true);
      }),
    );
  });

  it('sums two stretches from the sums of each', () => {
    const bytes = fc.uint8Array({ maxLength: 70_000 });
    fc.assert(
      fc.property(bytes, bytes, (first, second) => {
        const whole = adler32(Buffer.concat([first, second]));
        expect(adler32Of(adler32(first), adler32(second), second.length)).toBe(whole);
        expect(adler32(second, adler32(first))).toBe(whole);
      }),
    );
    expect(adler32(new TextEncoder().encode('Wikipedia'))).toBe(0x11e60398);
  });
});
