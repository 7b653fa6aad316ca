import { seededRng } from '@derailed/shared/kernel';
import type { Member } from '../cluster';
import { type Effect, Membership } from './membership';

const self = { id: 'a:1', incarnation: 'one', roles: ['guild-node' as const], contractVersion: 1 };
const ttlMs = 10_000;

/** A node that has asked for nothing yet. */
function start() {
  const membership = new Membership({
    self,
    ttlMs,
    compatible: (theirs, ours) => Math.abs(theirs - ours) <= 1,
    rng: seededRng(1),
  });
  /** Joins at `now`, the grant sent then, everything else answered at once. */
  const join = (now = 0): readonly Effect[] => {
    membership.start(now);
    membership.grant(ttlMs, now + 50);
    membership.list({ entries: [], revision: 5 }, now + 50);
    membership.watch(now + 50);
    membership.register(6, true, now + 50);
    return membership.changed([entry(6)], 6, now + 50);
  };
  return { membership, join };
}

const entry = (revision: number, more: Partial<Member> = {}) => {
  const member: Member = { ...self, state: 'joining', ...more };
  return { id: member.id, member, revision };
};
const kinds = (effects: readonly Effect[]): string => effects.map(({ kind }) => kind).join();

describe('a membership', () => {
  it('grants, lists, watches and registers, in that order', () => {
    const { membership } = start();
    expect(kinds(membership.start(0))).toBe('grant');
    expect(kinds(membership.grant(ttlMs, 1))).toBe('list');
    expect(membership.list({ entries: [], revision: 5 }, 2)).toEqual([{ kind: 'watch', from: 6 }]);
    expect(kinds(membership.watch(3))).toBe('register');
    expect(kinds(membership.register(6, true, 4))).toBe('');
    expect(membership.changed([entry(6)], 6, 5)).toMatchObject([{ kind: 'view', generation: 6 }]);
    expect(membership.isIn('joining')).toBe(true);
  });

  it('holds its lease until 1 s before it may have ended, counted from when the renewal was sent', () => {
    const { membership, join } = start();
    join(1000);
    expect([membership.validAt(9999), membership.validAt(10_000)]).toEqual([true, false]);
    expect(membership.nextWake()).toBe(3500);
    expect(kinds(membership.tick(3500))).toBe('keepAlive');
    // The answer takes its time, and does not count.
    membership.keepAlive(ttlMs, 6000);
    expect([membership.validAt(12_499), membership.validAt(12_500)]).toEqual([true, false]);
  });

  it('that slept through its lease does nothing before etcd has said that it lives', () => {
    const { membership, join } = start();
    join();
    expect(membership.validAt(60_000)).toBe(false);
    membership.tick(60_000);
    expect(membership.validAt(60_000)).toBe(false);
    expect(kinds(membership.keepAlive(0, 60_010))).toBe('lost');
    expect(membership.validAt(60_011)).toBe(false);
  });

  it('renews again half a second after a renewal that failed, and says so once', () => {
    const { membership, join } = start();
    join();
    membership.tick(2500);
    expect(membership.failed('keepAlive', 'away', 3000)).toEqual([
      { kind: 'renewal' },
      { kind: 'trouble', why: 'away' },
    ]);
    expect(membership.cannotRenew).toBe(true);
    expect(membership.nextWake()).toBe(3500);
    membership.tick(3500);
    expect(membership.failed('keepAlive', 'away', 4000)).toEqual([]);
    membership.tick(4500);
    expect(membership.keepAlive(ttlMs, 4600)).toEqual([
      { kind: 'renewal' },
      { kind: 'trouble', why: undefined },
    ]);
    expect(membership.cannotRenew).toBe(false);
  });

  it('is lost when its entry is gone, however that came', () => {
    const gone = { id: self.id, member: undefined, revision: 7 };
    const watched = start();
    watched.join();
    expect(kinds(watched.membership.changed([gone], 7, 100))).toBe('lost');

    const listed = start();
    listed.join();
    expect(kinds(listed.membership.compacted(100))).toBe('list');
    expect(kinds(listed.membership.list({ entries: [], revision: 9 }, 100))).toBe('lost');

    const overwritten = start();
    overwritten.join();
    expect(kinds(overwritten.membership.become('serving', 100))).toBe('register');
    expect(kinds(overwritten.membership.register(undefined, false, 100))).toBe('lost');
  });

  it('believes a listing only once it has written its own entry after it', () => {
    const { membership, join } = start();
    join();
    const other = entry(4, { id: 'b:1', state: 'serving' });
    expect(kinds(membership.compacted(100))).toBe('list');
    expect(membership.list({ entries: [entry(6), other], revision: 20 }, 100)).toEqual([
      { kind: 'watch', from: 21 },
    ]);
    expect(membership.watch(100)).toMatchObject([{ kind: 'register', isNew: false }]);
    expect(kinds(membership.changed([{ ...other, revision: 21 }], 21, 100))).toBe('');
    expect(kinds(membership.register(22, false, 100))).toBe('');
    expect(membership.changed([entry(22)], 22, 100)).toMatchObject([
      { kind: 'view', generation: 22, members: [{ id: 'a:1' }, { id: 'b:1' }] },
    ]);
  });

  it('goes on from the last revision it has heard of when its watch ends', () => {
    const { membership, join } = start();
    join();
    membership.changed([], 40, 200);
    expect(membership.failed('watch', 'cut', 300)).toEqual([{ kind: 'trouble', why: 'cut' }]);
    expect(membership.tick(membership.nextWake() ?? 0)).toEqual([{ kind: 'watch', from: 41 }]);
  });

  it('waits behind its earlier start, and for nothing but word of its end', () => {
    const { membership } = start();
    membership.start(0);
    membership.grant(ttlMs, 0);
    membership.list({ entries: [entry(3, { incarnation: 'zero' })], revision: 5 }, 0);
    expect(kinds(membership.watch(0))).toBe('trouble');
    expect(membership.nextWake()).toBe(2500);
    expect(kinds(membership.changed([{ id: self.id, member: undefined, revision: 6 }], 6, 2000))).toBe(
      'register',
    );
  });

  it('that was asked to drain while it was joining drains', () => {
    const { membership, join } = start();
    join();
    membership.become('serving', 100);
    expect(kinds(membership.become('draining', 101))).toBe('');
    membership.register(7, false, 102);
    expect(membership.changed([entry(7, { state: 'serving' })], 7, 103)).toMatchObject([
      { kind: 'view', generation: 7 },
      { kind: 'register', member: { state: 'draining' } },
    ]);
  });

  it('that drains does not serve any more, also when it was about to begin', () => {
    const { membership, join } = start();
    join();
    expect(membership.become('draining', 100)).toMatchObject([
      { kind: 'register', member: { state: 'draining' } },
    ]);
    membership.register(7, false, 101);
    membership.changed([entry(7, { state: 'draining' })], 7, 102);
    expect(kinds(membership.become('serving', 103))).toBe('');
  });

  it('gives its lease back when it leaves, and does nothing any more', () => {
    const { membership, join } = start();
    join();
    expect(kinds(membership.leave())).toBe('revoke');
    expect(membership.validAt(100)).toBe(false);
    expect(membership.nextWake()).toBeUndefined();
    expect(kinds(membership.tick(50_000))).toBe('');
  });
});
