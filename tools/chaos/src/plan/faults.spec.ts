import { seededRng } from '@derailed/shared/kernel';
import fc from 'fast-check';
import { type FaultPlan, actions, canBe, isSurrounding, planFaults, targets } from './faults';

const plan: FaultPlan = { ms: 600_000, nodes: 2, leaseMs: 10_000, actions, roles: targets };

test('one seed makes one plan', () => {
  expect(planFaults(plan, seededRng(7))).toEqual(planFaults(plan, seededRng(7)));
  expect(planFaults(plan, seededRng(7))).not.toEqual(planFaults(plan, seededRng(8)));
});

test('in ten minutes everything that can be happens to every role, and to what they depend on', () => {
  const all = actions.flatMap((action) =>
    targets.flatMap((role) => (canBe(action, role) ? [`${action} ${role}`] : [])),
  );
  for (const seed of [1, 2, 3]) {
    const done = new Set(planFaults(plan, seededRng(seed)).map(({ action, role }) => `${action} ${role}`));
    expect([...done].sort()).toEqual([...all].sort());
  }
});

test('only what was asked for happens', () => {
  const faults = planFaults({ ...plan, actions: ['drain'], roles: ['tunnel'] }, seededRng(1));
  expect(faults.length).toBeGreaterThan(10);
  expect(faults.every(({ action, role }) => action === 'drain' && role === 'tunnel')).toBe(true);
  expect(planFaults({ ...plan, actions: [] }, seededRng(1))).toEqual([]);
});

test('of a role one node is away at a time, no node while etcd or PostgreSQL is, and all are back a lease before the end', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 900 }), (seed, seconds) => {
      const ms = seconds * 1000;
      const faults = planFaults({ ...plan, ms }, seededRng(seed));
      for (const [index, { role, at, downFor }] of faults.entries()) {
        expect(at + downFor).toBeLessThan(ms - plan.leaseMs);
        const before = faults
          .slice(0, index)
          .filter((other) => other.role === role || isSurrounding(other.role) || isSurrounding(role));
        for (const other of before) expect(at).toBeGreaterThan(other.at + other.downFor);
      }
    }),
  );
});
