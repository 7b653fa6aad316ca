import type { ConnectRequest } from '@derailed/shared/contract';
import { Inbox, LinkFault } from './inbox';

const inbox = (): Inbox => new Inbox({ message: 100, assembly: 150 });
const batch = (seq: number, ...texts: string[]): ConnectRequest => ({
  seq,
  kind: { $case: 'batch', value: { envelopes: texts.map((text) => Buffer.from(text)) } },
});
const chunk = (seq: number, message: number, size: number, last = false): ConnectRequest => ({
  seq,
  kind: { $case: 'chunk', value: { message, part: Buffer.alloc(size, message), last } },
});

describe('an inbox', () => {
  it('takes each frame once', () => {
    const taker = inbox();
    expect(taker.take(batch(1, 'a', 'b'))?.map(String)).toEqual(['a', 'b']);
    expect(taker.take(batch(1, 'a', 'b'))).toBeUndefined();
    expect(taker.take(batch(2, 'c'))?.map(String)).toEqual(['c']);
    expect(taker.received).toBe(2);
  });

  it('puts long messages together that arrive between each other', () => {
    const taker = inbox();
    expect(taker.take(chunk(1, 1, 40))).toEqual([]);
    expect(taker.take(chunk(2, 2, 40))).toEqual([]);
    expect(taker.take(chunk(3, 1, 10, true))).toEqual([Buffer.alloc(50, 1)]);
    expect(taker.take(chunk(4, 2, 10, true))).toEqual([Buffer.alloc(50, 2)]);
  });

  it.each<[string, ConnectRequest[]]>([
    ['a gap', [batch(1, 'a'), batch(3, 'c')]],
    ['a frame without a number', [batch(0, 'a')]],
    ['a hello among the data', [{ seq: 1, kind: undefined }]],
    ['a message over its limit', [chunk(1, 1, 101)]],
    ['messages over their limit together', [chunk(1, 1, 90), chunk(2, 2, 90)]],
    ['a part without content', [chunk(1, 1, 0)]],
    [
      'more long messages than may be open',
      Array.from({ length: 67 }, (_, index) => chunk(index + 1, index, 1)),
    ],
  ])('finds fault with %s', (_, frames) => {
    const taker = inbox();
    expect(() => frames.map((frame) => taker.take(frame))).toThrow(LinkFault);
  });
});
