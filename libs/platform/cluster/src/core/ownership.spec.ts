import type { Member, Role } from '../cluster';
import { RingView } from '../view';
import { Ownership } from './ownership';

const timeout = 5000;
const member = (id: string, role: Role, incarnation = 'one'): Member => ({
  id,
  roles: [role],
  incarnation,
  state: 'serving',
  contractVersion: 1,
});
const [a, b] = ['a', 'b'].map((id) => member(id, 'guild-node'));
const [s, t] = ['s', 't'].map((id) => member(id, 'session-node'));
const view = (generation: number, ...members: (Member | undefined)[]): RingView =>
  new RingView(
    generation,
    members.filter((each) => each !== undefined),
  );

const keys = Array.from({ length: 200 }, (_, at) => String(at));
const standings = (ownership: Ownership, of = keys): string =>
  [...new Set(of.map((key) => ownership.standing(key)))].sort().join();

const asks = (ownership: Ownership, now: number): string[] =>
  ownership.tick(now).map(({ kind, node, generation }) => `${kind} ${node} ${generation}`);

/** A node that has served alone since the list of generation 5. */
function alone(): Ownership {
  const ownership = new Ownership('guild-node', 'a', timeout);
  ownership.changed(view(5, a, s), 0);
  ownership.tick(0);
  ownership.synced('s', 'one', 5);
  expect(standings(ownership)).toBe('ready');
  return ownership;
}

describe('the keys of a node', () => {
  it('that has just come wait until every session-node has said what it holds', () => {
    const ownership = new Ownership('guild-node', 'a', timeout);
    expect(standings(ownership)).toBe('elsewhere');
    ownership.changed(view(5, a, s, t), 0);
    expect(asks(ownership, 0)).toEqual(['sync s 5', 'sync t 5']);
    ownership.synced('s', 'one', 5);
    expect(standings(ownership)).toBe('waiting');
    ownership.synced('t', 'one', 5);
    expect(standings(ownership)).toBe('ready');
    expect(ownership.nextWake()).toBeUndefined();
  });

  it('that come from a living node wait until it has yielded, by its word or by the store; only then session-nodes are asked', () => {
    const ownership = new Ownership('guild-node', 'a', timeout);
    ownership.changed(view(5, a, b, s), 0);
    const mine = keys.filter((key) => view(5, a, b, s).ownerOf('guild-node', key) === 'a');
    expect(asks(ownership, 0)).toEqual(['claim b 5']);
    expect(asks(ownership, 999)).toEqual([]);
    expect(asks(ownership, 1000)).toEqual(['claim b 5']);
    expect(asks(ownership, 100 * timeout)).toEqual(['claim b 5', 'look b 5']);
    // Nobody asked it yet, and what it says may be about an owner that still serves.
    ownership.synced('s', 'one', 5);
    ownership.yielded('b', 'zero', 5);
    ownership.yielded('b', 'one', 4);
    expect(standings(ownership, mine)).toBe('waiting');
    expect(ownership.awaits).toEqual({ yields: ['b'], syncs: ['s'], late: [] });
    ownership.yielded('b', 'one', 5);
    expect(asks(ownership, 100 * timeout)).toEqual(['sync s 5']);
    ownership.synced('s', 'one', 5);
    expect(standings(ownership, mine)).toBe('ready');
  });

  it('do not wait for a node that is off the list', () => {
    const ownership = new Ownership('guild-node', 'a', timeout);
    ownership.changed(view(5, a, b, s), 0);
    ownership.changed(view(6, a, s), 10);
    expect(asks(ownership, 10)).toEqual(['sync s 6']);
  });

  it('wait for a node that drains: it may not have seen that yet', () => {
    const ownership = new Ownership('guild-node', 'a', timeout);
    ownership.changed(view(5, a, { ...b!, state: 'draining' }, s), 0);
    expect(asks(ownership, 0)).toEqual(['claim b 5']);
  });

  it('go on while others come, and wait only for those that another lost', () => {
    const ownership = alone();
    const before = view(6, a, b, s);
    ownership.changed(before, 10);
    const mine = keys.filter((key) => before.ownerOf('guild-node', key) === 'a');
    const theirs = keys.filter((key) => before.ownerOf('guild-node', key) === 'b');
    expect([standings(ownership, mine), standings(ownership, theirs)]).toEqual(['ready', 'elsewhere']);
    expect(ownership.waits).toBe(false);
    ownership.changed(view(7, a, s), 20);
    expect([standings(ownership, mine), standings(ownership, theirs)]).toEqual(['ready', 'waiting']);
    ownership.tick(20);
    ownership.synced('s', 'one', 7);
    expect(standings(ownership)).toBe('ready');
  });

  it('do not wait for the word of a session-node that is gone, nor take that of its earlier start', () => {
    const ownership = new Ownership('guild-node', 'a', timeout);
    ownership.changed(view(5, a, s, t), 0);
    ownership.tick(0);
    ownership.synced('s', 'one', 5);
    ownership.changed(view(6, a, s), 10);
    ownership.tick(10);
    // What s said for 5 is older than the list of 6.
    expect(standings(ownership)).toBe('waiting');
    ownership.synced('s', 'zero', 6);
    expect(standings(ownership)).toBe('waiting');
    ownership.synced('s', 'one', 6);
    expect(standings(ownership)).toBe('ready');
  });

  it('are not served on the word of a node that is ahead: it speaks of owners that are not known here yet', () => {
    const ownership = new Ownership('guild-node', 'a', timeout);
    ownership.changed(view(5, a, s), 0);
    ownership.tick(0);
    ownership.synced('s', 'one', 6);
    expect(standings(ownership)).toBe('waiting');
    ownership.changed(view(6, a, s), 10);
    expect(asks(ownership, 10)).toEqual(['sync s 6']);
  });

  it('are served without the word of a session-node that does not answer, which is late until it has spoken', () => {
    const ownership = new Ownership('guild-node', 'a', timeout);
    ownership.changed(view(5, a, s), 0);
    expect(asks(ownership, 0)).toHaveLength(1);
    expect(asks(ownership, 999)).toHaveLength(0);
    expect(asks(ownership, 1000)).toHaveLength(1);
    ownership.tick(timeout);
    expect(standings(ownership)).toBe('ready');
    expect(ownership.isLate('s')).toBe(true);
    // It is still asked: what it holds must come some day.
    expect(asks(ownership, (ownership.nextWake() ?? 0) + 1000)).toEqual(['sync s 5']);
    ownership.synced('s', 'one', 5);
    expect(ownership.isLate('s')).toBe(false);
  });

  it('are all elsewhere for a node that drains', () => {
    const ownership = alone();
    ownership.changed(view(6, { ...a!, state: 'draining' }, b, s), 0);
    expect(standings(ownership)).toBe('elsewhere');
    expect(ownership.waits).toBe(false);
  });
});
