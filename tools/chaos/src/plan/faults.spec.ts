import { seededRng } from '@derailed/shared/kernel';
import fc from 'fast-check';
import { type FaultPlan, actions, planFaults, roles } from './faults';

const plan: FaultPlan = { ms: 600_000, nodes: 2, leaseMs: 10_000, actions, roles };

test('one seed makes one plan', () => {
  expect(planFaults(plan, seededRng(7))).toEqual(planFaults(plan, seededRng(7)));
  expect(planFaults(plan, seededRng(7))).not.toEqual(planFaults(plan, seededRng(8)));
});

test('in ten minutes everything happens to every role', () => {
  const done = new Set(planFaults(plan, seededRng(1)).map(({ action, role }) => `${action} ${role}`));
  expect(done.size).toBe(actions.length * roles.length);
});

test('only what was asked for happens', () => {
  const faults = planFaults({ ...plan, actions: ['drain'], roles: ['tunnel'] }, seededRng(1));
  expect(faults.length).toBeGreaterThan(10);
  expect(faults.every(({ action, role }) => action === 'drain' && role === 'tunnel')).toBe(true);
  expect(planFaults({ ...plan, actions: [] }, seededRng(1))).toEqual([]);
});

test('of a role one node is away at a time, and all are back a lease before the end', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 900 }), (seed, seconds) => {
      const ms = seconds * 1000;
      const faults = planFaults({ ...plan, ms }, seededRng(seed));
      for (const [index, { role, at, downFor }] of faults.entries()) {
        expect(at + downFor).toBeLessThan(ms - plan.leaseMs);
        const before = faults.slice(0, index).filter((other) => other.role === role);
        for (const other of before) expect(at).toBeGreaterThan(other.at + other.downFor);
      }
    }),
  );
});
