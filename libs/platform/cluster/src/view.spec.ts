import type { Member } from './cluster';
import { fingerprint } from './view';

const member = (id: string, incarnation: string, state: Member['state'] = 'serving'): Member => ({
  id,
  incarnation,
  state,
  roles: ['guild-node'],
  contractVersion: 1,
});
const of = (...members: Member[]): string => fingerprint({ members }, 'guild-node');

describe('the fingerprint of a role', () => {
  const before = of(member('a', '1'), member('b', '1'));

  it('stays when a node joins that has no keys yet, or that has another role', () => {
    expect(of(member('a', '1'), member('b', '1'), member('c', '1', 'joining'))).toBe(before);
    expect(of(member('a', '1'), member('b', '1'), { ...member('c', '1'), roles: ['tunnel'] })).toBe(before);
  });

  it.each([
    ['serves', [member('a', '1'), member('b', '1'), member('c', '1')]],
    ['drains', [member('a', '1'), member('b', '1', 'draining')]],
    ['leaves', [member('a', '1')]],
    ['is started again', [member('a', '1'), member('b', '2')]],
  ])('is another one when a node %s', (_what, members) => {
    expect(of(...members)).not.toBe(before);
  });
});
