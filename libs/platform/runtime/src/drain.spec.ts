import { VirtualClock } from '@derailed/testing';
import { Drain } from './drain';

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a node leaves when all of its steps are done', async () => {
  const clock = new VirtualClock();
  const drain = new Drain();
  const done: (() => void)[] = [];
  for (let step = 0; step < 2; step++) drain.before(() => new Promise((resolve) => done.push(resolve)));
  let outcome: boolean | undefined;
  void drain.run(clock, 1000).then((inTime) => (outcome = inTime));
  expect(done).toHaveLength(2);
  done[0]!();
  await settled();
  expect(outcome).toBeUndefined();
  done[1]!();
  await settled();
  expect(outcome).toBe(true);
});

test('a step that takes too long does not keep the node', async () => {
  const clock = new VirtualClock();
  const drain = new Drain();
  drain.before(() => new Promise(() => undefined));
  const outcome = drain.run(clock, 1000);
  clock.advance(1000);
  expect(await outcome).toBe(false);
});

test('keys are to stay while there is a reason', () => {
  const drain = new Drain();
  expect(drain.keeps).toBe(false);
  const reasons = [false, true];
  for (const at of reasons.keys()) drain.keepWhile(() => reasons[at] === true);
  expect(drain.keeps).toBe(true);
  reasons[1] = false;
  expect(drain.keeps).toBe(false);
});
