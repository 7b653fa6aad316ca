import fc from 'fast-check';
import { ReplayBuffer, type Held, ReplayMemory, hold } from './replay-buffer';

function sized(bytes: number): Held {
  return hold({ id: '', name: 'X', data: new Uint8Array(bytes), own: new Uint8Array(0), volatile: false });
}

describe('ReplayBuffer', () => {
  it('numbers from 1 and finds each dispatch by its number', () => {
    const buffer = new ReplayBuffer({ events: 10, bytes: 100 }, new ReplayMemory());
    expect([buffer.first, buffer.last]).toEqual([1, 0]);
    const dispatches = [sized(1), sized(2), sized(3)];
    expect(dispatches.map((dispatch) => buffer.push(dispatch))).toEqual([1, 2, 3]);
    expect([0, 1, 2, 3, 4].map((seq) => buffer.at(seq))).toEqual([undefined, ...dispatches, undefined]);
  });

  it('goes on counting when it was cleared', () => {
    const buffer = new ReplayBuffer({ events: 10, bytes: 100 }, new ReplayMemory());
    buffer.push(sized(1));
    buffer.clear();
    expect([buffer.push(sized(1)), buffer.first, buffer.bytes]).toEqual([2, 2, 1]);
  });

  it('counts what several buffers share once for the node, and in full for each of them', () => {
    const memory = new ReplayMemory();
    const one = new ReplayBuffer({ events: 10, bytes: 100 }, memory);
    const other = new ReplayBuffer({ events: 10, bytes: 100 }, memory);
    const shared = sized(30);
    one.push(shared);
    other.push(shared);
    expect([memory.bytes, one.bytes, other.bytes]).toEqual([30, 30, 30]);
    one.clear();
    expect(memory.bytes).toBe(30);
    other.clear();
    expect(memory.bytes).toBe(0);
  });

  it('always holds the longest run of last dispatches that its limits allow', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(60), { maxLength: 300 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 400 }),
        (sizes, events, bytes) => {
          const memory = new ReplayMemory();
          const buffer = new ReplayBuffer({ events, bytes }, memory);
          const pushed: Held[] = [];
          for (const size of sizes) {
            const dispatch = sized(size);
            pushed.push(dispatch);
            expect(buffer.push(dispatch)).toBe(pushed.length);
            const kept = pushed.slice(buffer.first - 1);
            expect(kept.map((_, at) => buffer.at(buffer.first + at))).toEqual(kept);
            const total = kept.reduce((sum, held) => sum + held.bytes, 0);
            expect([buffer.last, buffer.bytes, memory.bytes]).toEqual([pushed.length, total, total]);
            expect(kept.length <= events && total <= bytes).toBe(true);
            const before = pushed[buffer.first - 2];
            expect(before === undefined || kept.length === events || total + before.bytes > bytes).toBe(true);
          }
        },
      ),
    );
  });
});
