import { VirtualClock } from '@derailed/testing';
import { DeliveryQueue } from './delivery-queue';

function setUp(limit = 100, costMs = 1) {
  const clock = new VirtualClock();
  const [soon, later, handled] = [[] as (() => void)[], [] as (() => void)[], [] as number[]];
  const scheduler = {
    microtask: (task: () => void) => void soon.push(task),
    turn: (task: () => void) => void later.push(task),
  };
  const queue = new DeliveryQueue<number>(clock, scheduler, limit, (item) => {
    handled.push(item);
    clock.advance(costMs);
  });
  return { queue, soon, later, handled };
}

describe('a delivery queue', () => {
  it('hands nothing over before the microtask, then all in order', () => {
    const { queue, soon, later, handled } = setUp();
    for (const item of [1, 2, 3]) queue.offer(item);
    expect(handled).toEqual([]);
    expect(soon).toHaveLength(1);
    soon.shift()!();
    expect(handled).toEqual([1, 2, 3]);
    expect(later).toHaveLength(0);
  });

  it('lets the event loop go on after 5 ms', () => {
    const { queue, soon, later, handled } = setUp();
    for (let item = 1; item <= 12; item++) queue.offer(item);
    soon.shift()!();
    expect(handled).toHaveLength(5);
    later.shift()!();
    expect(handled).toHaveLength(10);
    later.shift()!();
    expect(handled).toHaveLength(12);
    expect([soon, later]).toEqual([[], []]);
  });

  it('refuses past its limit, except what is pushed', () => {
    const { queue, soon, handled } = setUp(2);
    expect([queue.offer(1), queue.offer(2), queue.offer(3)]).toEqual([true, true, false]);
    queue.push(4);
    soon.shift()!();
    expect(handled).toEqual([1, 2, 4]);
    expect(queue.offer(5)).toBe(true);
  });

  it('hands nothing over while it is paused', () => {
    const { queue, soon, handled } = setUp();
    queue.offer(1);
    queue.pause();
    soon.shift()!();
    queue.offer(2);
    expect([handled, soon]).toEqual([[], []]);
    queue.resume();
    soon.shift()!();
    expect(handled).toEqual([1, 2]);
  });
});
