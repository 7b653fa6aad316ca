import * as fc from 'fast-check';
import { frameLength, headLength, payloadTail, tailOf, writeFrame } from './frames';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function frame(seq: number, tail: ReturnType<typeof tailOf>): Uint8Array {
  const bytes = new Uint8Array(frameLength(seq, tail));
  expect(writeFrame(bytes, 0, seq, tail)).toBe(bytes.length);
  return bytes;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A second, plain reading of RFC 6455 for unmasked text frames. */
function read(bytes: Uint8Array): unknown {
  expect(bytes[0]).toBe(0x81);
  const short = bytes[1]!;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [from, length] =
    short < 126 ? [2, short] : short === 126 ? [4, view.getUint16(2)] : [10, Number(view.getBigUint64(2))];
  expect(from + length).toBe(bytes.length);
  if (short === 126) expect(length).toBeGreaterThanOrEqual(126);
  if (short === 127) expect(length).toBeGreaterThanOrEqual(65_536);
  return JSON.parse(Buffer.from(bytes.subarray(from)).toString());
}

const none = new Uint8Array(0);

describe('a frame', () => {
  it('is these very bytes', () => {
    const tail = tailOf({ name: 'X', data: utf8('{}'), own: none });
    expect(hex(frame(1, tail))).toBe('811d7b226f70223a302c2273223a312c2274223a2258222c2264223a7b7d7d');
    expect(hex(frame(4_294_967_295, tail))).toBe(
      '81267b226f70223a302c2273223a343239343936373239352c2274223a2258222c2264223a7b7d7d',
    );
    expect(hex(frame(0, payloadTail('{"op":11}')))).toBe('81097b226f70223a31317d');
  });

  it.each([
    [125, '817d'],
    [126, '817e007e'],
    [65_535, '817effff'],
    [65_536, '817f0000000000010000'],
  ])('of %i bytes begins with %s', (length, head) => {
    const text = `"${'x'.repeat(length - 2)}"`;
    const bytes = frame(0, payloadTail(text));
    expect(hex(bytes).startsWith(head)).toBe(true);
    expect(read(bytes)).toBe(text.slice(1, -1));
  });

  it('says what JSON.stringify says, for every seq and size', () => {
    const borders = fc
      .constantFrom(90, 110, 16_360, 65_490, 65_536)
      .chain((from) => fc.integer({ min: from, max: from + 40 }));
    const seqs = fc.oneof(
      fc.integer({ min: 1, max: 0xffff_ffff }),
      fc
        .integer({ min: 0, max: 9 })
        .chain((power) => fc.constantFrom(10 ** power, Math.max(1, 10 ** power - 1))),
    );
    fc.assert(
      fc.property(
        seqs,
        fc.string(),
        fc.jsonValue(),
        fc.oneof(fc.nat(300), borders),
        fc.boolean(),
        (seq, name, value, size, split) => {
          const d = { value, padding: 'p'.repeat(size) };
          const text = utf8(JSON.stringify(d));
          const cut = split ? text.length >> 1 : text.length;
          const tail = tailOf({ name, data: text.subarray(0, cut), own: text.subarray(cut) });
          expect(read(frame(seq, tail))).toEqual(JSON.parse(JSON.stringify({ op: 0, s: seq, t: name, d })));
          expect(frameLength(seq, tail)).toBe(headLength(seq, tail.length) + tail.length);
        },
      ),
    );
  });

  it('is written at an offset without touching what is around it', () => {
    const tail = tailOf({ name: 'X', data: utf8('1'), own: none });
    const length = frameLength(77, tail);
    const bytes = new Uint8Array(length + 2).fill(0xee);
    writeFrame(bytes, 1, 77, tail);
    expect([bytes[0], bytes[length + 1]]).toEqual([0xee, 0xee]);
    expect(read(bytes.slice(1, -1))).toEqual({ op: 0, s: 77, t: 'X', d: 1 });
  });
});

describe('a tail', () => {
  it('is one copy when short, and the bytes of the event themselves when long', () => {
    const event = { name: 'X', data: utf8('{"a":1'), own: utf8(',"b":2}') };
    expect(tailOf(event).parts).toHaveLength(1);
    expect(tailOf(event, 1).parts).toContain(event.data);
  });
});
