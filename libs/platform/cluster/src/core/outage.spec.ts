import type { Member, Role } from '../cluster';
import { RingView } from '../view';
import { Outage } from './outage';

const member = (id: string, role: Role): Member => ({
  id,
  roles: [role],
  incarnation: 'one',
  state: 'serving',
  contractVersion: 1,
});
const view = new RingView(5, [
  member('a', 'guild-node'),
  member('b', 'guild-node'),
  member('s', 'session-node'),
  member('w', 'ws-gateway'),
]);

const among = (list: RingView): Outage => {
  const outage = new Outage('a', 10_000);
  outage.see(list);
  return outage;
};

describe('an outage of the store', () => {
  it('is general when every other owner says that it can not renew, for as long as their words count', () => {
    const outage = among(view);
    outage.heard('b', 'one', 0);
    expect(outage.isGeneral(0)).toBe(false);
    outage.heard('s', 'one', 500);
    expect(outage.isGeneral(2999)).toBe(true);
    expect(outage.isGeneral(3000)).toBe(false);
    outage.heard('b', 'one', 1000);
    expect(outage.isGeneral(3499)).toBe(true);
    expect(outage.isGeneral(3500)).toBe(false);
  });

  it('is not when one of them can not be reached, or speaks for an earlier start', () => {
    const outage = among(view);
    outage.heard('b', 'one', 0);
    outage.heard('s', 'one', 0);
    expect(outage.isGeneral(0)).toBe(true);
    outage.forget('b');
    expect(outage.isGeneral(0)).toBe(false);
    outage.heard('b', 'zero', 0);
    expect(outage.isGeneral(0)).toBe(false);
  });

  it('is not when the list has an owner who was not asked yet, or when there is no list', () => {
    const outage = among(view);
    outage.heard('b', 'one', 0);
    outage.heard('s', 'one', 0);
    outage.see(new RingView(6, [...view.members, member('p', 'presence-node')]));
    expect(outage.isGeneral(0)).toBe(false);
    expect(new Outage('a', 10_000).isGeneral(0)).toBe(false);
  });

  it('is not when somebody is there whom the list does not have, until the list has', () => {
    const outage = among(view);
    for (const id of ['b', 's']) outage.heard(id, 'one', 0);
    outage.met('w');
    expect(outage.isGeneral(0)).toBe(true);
    outage.met('x');
    outage.heard('b', 'one', 100);
    expect(outage.isGeneral(0)).toBe(false);
    outage.see(new RingView(6, [...view.members, member('x', 'tunnel')]));
    expect(outage.isGeneral(0)).toBe(true);
  });

  it('is that of the node itself when there is no other', () => {
    expect(among(new RingView(5, [member('a', 'guild-node')])).isGeneral(0)).toBe(true);
  });
});
