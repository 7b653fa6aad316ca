import { afterClose } from './after-close';
import { SessionRecord } from './session-record';

test('a history has every event in its order, also when there are many', () => {
  const record = new SessionRecord(3, 'id', 5);
  record.enter(0, 6);
  for (let event = 0; event < 5_000; event++) {
    record.dispatch(event + 1, event);
    record.event(event, 0);
  }
  const { received, seqBreaks, heardAt, end } = record.history();
  expect(Array.from(received)).toEqual(Array.from({ length: 5_000 }, (_, event) => event));
  expect([seqBreaks, heardAt, end]).toEqual([[], 4_999, undefined]);
});

test('seqs that are left out or come again are kept, with what was expected', () => {
  const record = new SessionRecord(3, 'id', 5);
  for (const seq of [1, 2, 4, 4]) record.dispatch(seq, 9);
  expect(record.history().seqBreaks).toEqual([
    { expected: 3, got: 4, at: 9 },
    { expected: 5, got: 4, at: 9 },
  ]);
});

test('the first GUILD_CREATE counts, and what comes before it is early', () => {
  const record = new SessionRecord(3, 'id', 5);
  record.event(7, 2);
  record.enter(2, 8);
  record.enter(2, 9);
  record.event(8, 2);
  expect(record.history()).toMatchObject({ early: [7], enteredAt: new Map([[2, 8]]) });
});

test('the first reason of an end counts', () => {
  const record = new SessionRecord(3, 'id', 5);
  record.close('op 9', 10);
  record.close('close 4009', 11);
  expect(record.history().end).toEqual({ at: 10, why: 'op 9' });
});

test.each([
  [1001, 'resume'],
  [1006, 'resume'],
  [4000, 'resume'],
  [4008, 'resume'],
  [4007, 'identify'],
  [4009, 'identify'],
  [4004, 'never'],
  [4014, 'never'],
])('after close code %i a client comes back to %s', (code, next) => {
  expect(afterClose(code)).toBe(next);
});
