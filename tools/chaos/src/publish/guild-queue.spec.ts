import { Code } from '@derailed/shared/kernel';
import { GuildQueue } from './guild-queue';

const queueOf = (...events: number[]): GuildQueue => {
  const queue = new GuildQueue(3);
  for (const event of events) queue.add(event);
  return queue;
};

test('no more than the window is without an answer', () => {
  const queue = queueOf(1, 2, 3, 4, 5);
  expect(queue.next()).toEqual([1, 2, 3]);
  expect(queue.next()).toEqual([]);
  expect(queue.answered(2, 0)).toBe('acked');
  expect(queue.next()).toEqual([4]);
  expect(queue.size).toBe(4);
});

test('after a failure nothing is sent until all are answered, then what failed, in order, before the rest', () => {
  const queue = queueOf(1, 2, 3, 4);
  queue.next();
  expect(queue.answered(2, Code.UNAVAILABLE)).toBe('again');
  expect(queue.next()).toEqual([]);
  queue.answered(1, 0);
  expect(queue.hasStalled).toBe(false);
  queue.answered(3, Code.ABORTED);
  expect(queue.hasStalled).toBe(true);
  queue.recover();
  expect(queue.next()).toEqual([2, 3, 4]);
});

test('a lost stream leaves all without an answer to be sent again', () => {
  const queue = queueOf(1, 2, 3, 4);
  queue.next();
  queue.answered(1, 0);
  queue.streamLost();
  queue.recover();
  expect(queue.next()).toEqual([2, 3, 4]);
});

test('a lost stream with nothing on its way holds back nothing', () => {
  const queue = queueOf(1);
  queue.streamLost();
  expect(queue.next()).toEqual([1]);
});

test('a final refusal is not sent again', () => {
  const queue = queueOf(1, 2);
  queue.next();
  expect(queue.answered(1, Code.INVALID_ARGUMENT)).toBe('refused');
  queue.answered(2, 0);
  expect(queue.size).toBe(0);
});
