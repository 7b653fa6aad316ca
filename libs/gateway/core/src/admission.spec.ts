import { seededRng } from '@derailed/shared/kernel';
import fc from 'fast-check';
import { Admission, type Line } from './admission';

const admit = (atOnce = 2): Admission => new Admission({ atOnce, patience: 10_000 }, seededRng(1));

test('as many as are worked on at once go on, the others wait; the first who waits is the next', () => {
  const admission = admit();
  expect([1, 2, 3, 4].map((connection) => admission.enter(connection, 'identify', 0))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(admission.waiting).toBe(2);
  expect(admission.leave(2)).toEqual([3]);
  expect(admission.enter(3, 'identify', 0)).toBe(true);
  expect(admission.leave(1)).toEqual([4]);
  expect(admission.leave(4)).toEqual([]);
});

test('who has its turn keeps it, who waits keeps its place, however often they ask', () => {
  const admission = admit(1);
  for (let time = 0; time < 3; time++) expect(admission.enter(1, 'identify', 0)).toBe(true);
  for (let time = 0; time < 3; time++) expect(admission.enter(2, 'identify', 0)).toBe(false);
  expect(admission.waiting).toBe(1);
  expect(admission.leave(1)).toEqual([2]);
});

test('a resume does not wait for identifies, and identifies wait while one waits to resume', () => {
  const admission = admit(1);
  expect(admission.enter(1, 'identify', 0)).toBe(true);
  expect(admission.enter(2, 'identify', 0)).toBe(false);
  expect(admission.enter(3, 'resume', 0)).toBe(true);
  expect(admission.enter(4, 'resume', 0)).toBe(false);
  expect(admission.leave(1)).toEqual([]);
  expect(admission.leave(3)).toEqual([4, 2]);
});

test('who goes while it waits leaves its place; the last who waited to resume lets the identifies on', () => {
  const admission = admit(1);
  admission.enter(1, 'resume', 0);
  admission.enter(2, 'resume', 0);
  expect(admission.enter(3, 'identify', 0)).toBe(false);
  expect(admission.leave(2)).toEqual([3]);
  expect(admission.leave(9)).toEqual([]);
});

test('who waits too long is turned away, not all at the same time', () => {
  const admission = admit(1);
  admission.enter(0, 'identify', 0);
  for (let connection = 1; connection <= 100; connection++) admission.enter(connection, 'identify', 0);
  expect(admission.turnAway(5_999)).toEqual({ away: [], next: [] });
  const half = admission.turnAway(8_000).away.length;
  expect(half).toBeGreaterThan(25);
  expect(half).toBeLessThan(75);
  expect(admission.turnAway(10_000).away).toHaveLength(100 - half);
  expect(admission.waiting).toBe(0);
  expect(admission.enter(0, 'identify', 10_000)).toBe(true);
});

test('turning away the last who waited to resume lets the identifies on', () => {
  const admission = admit(1);
  admission.enter(1, 'resume', 0);
  admission.enter(2, 'resume', 0);
  admission.enter(3, 'identify', 9_999);
  expect(admission.turnAway(10_000)).toEqual({ away: [2], next: [3] });
});

test('whatever happens: never too many at once, nobody forgotten, nobody waits beside a free place', () => {
  const step = fc.record({
    connection: fc.nat(12),
    what: fc.constantFrom<'leave' | 'turnAway' | Line>('leave', 'leave', 'turnAway', 'resume', 'identify'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const admission = admit(2);
      const lineOf = new Map<number, Line>();
      const inside = new Set<number>();
      let now = 0;
      for (const { connection, what } of steps) {
        now += 100;
        if (what === 'leave') {
          lineOf.delete(connection);
          inside.delete(connection);
          for (const next of admission.leave(connection)) inside.add(next);
        } else if (what === 'turnAway') {
          const { away, next } = admission.turnAway(now);
          for (const gone of away) lineOf.delete(gone);
          for (const one of next) inside.add(one);
        } else if (!lineOf.has(connection)) {
          lineOf.set(connection, what);
          if (admission.enter(connection, what, now)) inside.add(connection);
        }
        const count = (line: Line, of: 'in' | 'out'): number =>
          [...lineOf].filter(([one, its]) => its === line && inside.has(one) === (of === 'in')).length;
        expect(count('resume', 'in')).toBeLessThanOrEqual(2);
        expect(count('identify', 'in')).toBeLessThanOrEqual(2);
        expect(admission.waiting).toBe(count('resume', 'out') + count('identify', 'out'));
        if (count('resume', 'out') > 0) expect(count('resume', 'in')).toBe(2);
        else if (count('identify', 'out') > 0) expect(count('identify', 'in')).toBe(2);
      }
    }),
  );
});
