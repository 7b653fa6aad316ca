import type { Member, Role } from '../cluster';
import { RingView } from '../view';
import type { KeyPart } from './key-part';
import { keyTest } from './key-part';
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

/** The session-node speaks of those keys, or of all. */
const said = (
  ownership: Ownership,
  node: string,
  generation: number,
  incarnation = 'one',
  part?: KeyPart,
  now = 0,
): void => ownership.synced(node, incarnation, generation, part, now);

/** A node that has served alone since the list of generation 5. */
function alone(): Ownership {
  const ownership = new Ownership('guild-node', 'a', timeout);
  ownership.changed(view(5, a, s), 0);
  ownership.tick(0);
  said(ownership, 's', 5, 'one');
  expect(standings(ownership)).toBe('ready');
  return ownership;
}

describe('the keys of a node', () => {
  it('that has just come wait until every session-node has said what it holds', () => {
    const ownership = new Ownership('guild-node', 'a', timeout);
    expect(standings(ownership)).toBe('elsewhere');
    ownership.changed(view(5, a, s, t), 0);
    expect(asks(ownership, 0)).toEqual(['sync s 5', 'sync t 5']);
    said(ownership, 's', 5, 'one');
    expect(standings(ownership)).toBe('waiting');
    said(ownership, 't', 5, 'one');
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
    said(ownership, 's', 5, 'one');
    ownership.yielded('b', 'zero', 5);
    ownership.yielded('b', 'one', 4);
    expect(standings(ownership, mine)).toBe('waiting');
    expect(ownership.awaits).toEqual({ yields: ['b'], syncs: ['s'], late: [] });
    ownership.yielded('b', 'one', 5);
    expect(asks(ownership, 100 * timeout)).toEqual(['sync s 5']);
    said(ownership, 's', 5, 'one');
    expect(standings(ownership, mine)).toBe('ready');
  });

  it('wait for no node that has yielded before this one had the list', () => {
    const ownership = new Ownership('guild-node', 'a', timeout);
    ownership.changed(view(5, b, s), 0);
    for (const [incarnation, generation] of [
      ['zero', 6],
      ['one', 7],
    ] as const) {
      ownership.yielded('b', incarnation, generation);
      ownership.changed(view(6, a, b, s), 0);
      expect(ownership.awaits.yields).toEqual(['b']);
      ownership.changed(view(5, b, s), 0);
    }
    ownership.yielded('b', 'one', 6);
    ownership.changed(view(6, a, b, s), 0);
    expect(asks(ownership, 200)).toEqual(['sync s 6']);
    // It has served again meanwhile.
    ownership.changed(view(7, b, s), 10);
    ownership.changed(view(8, a, b, s), 20);
    expect(asks(ownership, 20)).toEqual(['claim b 8']);
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
    said(ownership, 's', 7, 'one');
    expect(standings(ownership)).toBe('ready');
  });

  it('do not wait for the word of a session-node that is gone, nor take that of its earlier start', () => {
    const ownership = new Ownership('guild-node', 'a', timeout);
    ownership.changed(view(5, a, s, t), 0);
    ownership.tick(0);
    said(ownership, 's', 5, 'one');
    ownership.changed(view(6, a, s), 10);
    ownership.tick(10);
    // What s said for 5 is older than the list of 6.
    expect(standings(ownership)).toBe('waiting');
    said(ownership, 's', 6, 'zero');
    expect(standings(ownership)).toBe('waiting');
    said(ownership, 's', 6, 'one');
    expect(standings(ownership)).toBe('ready');
  });

  it('are not served on the word of a node that is ahead: it speaks of owners that are not known here yet', () => {
    const ownership = new Ownership('guild-node', 'a', timeout);
    ownership.changed(view(5, a, s), 0);
    ownership.tick(0);
    said(ownership, 's', 6, 'one');
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
    said(ownership, 's', 5, 'one');
    expect(ownership.isLate('s')).toBe(false);
  });

  describe('of which session-nodes speak part by part', () => {
    /** What each is asked now. */
    const questions = (ownership: Ownership, now: number): Map<string, KeyPart> =>
      new Map(ownership.tick(now).map(({ node, part }) => [node, part!]));

    it('are served one after the other, as soon as all have spoken of one', () => {
      const ownership = new Ownership('guild-node', 'a', timeout);
      ownership.changed(view(5, a, s, t), 0);
      let served: string[] = [];
      for (let now = 0; ownership.waits; now += 10) {
        const asked = questions(ownership, now);
        expect(questions(ownership, now).size).toBe(0);
        expect([...asked.keys()]).toEqual(['s', 't']);
        said(ownership, 's', 5, 'one', asked.get('s'), now);
        expect(keys.filter((key) => ownership.standing(key) === 'ready')).toEqual(served);
        said(ownership, 't', 5, 'one', asked.get('t'), now);
        served = keys.filter((key) => ownership.standing(key) === 'ready');
        expect(keys.filter(keyTest(asked.get('t'))).every((key) => served.includes(key))).toBe(true);
      }
      expect(served).toEqual(keys);
    });

    it('are asked for first when something waits for them', () => {
      const ownership = new Ownership('guild-node', 'a', timeout);
      ownership.changed(view(5, a, s), 0);
      ownership.want('7');
      const [first] = questions(ownership, 0).values();
      expect(first!.keys).toEqual(['7']);
      expect([ownership.want('8'), ownership.want('8'), ownership.want('9')]).toEqual([true, false, true]);
      said(ownership, 's', 5, 'one', first);
      expect(standings(ownership, ['7'])).toBe('ready');
      expect(standings(ownership, ['8', '9'])).toBe('waiting');
      const [second] = questions(ownership, 0).values();
      expect(second!.keys).toEqual(['8', '9']);
      said(ownership, 's', 5, 'one', second);
      const [third] = questions(ownership, 0).values();
      expect([third!.keys, third!.number]).toEqual([[], 0]);
      said(ownership, 's', 5, 'one', third);
      // The others are for later: whoever serves those has the machine.
      expect(questions(ownership, 9).size).toBe(0);
      expect(ownership.nextWake()).toBe(10);
      expect(questions(ownership, 10).get('s')).toMatchObject({ keys: [], number: 1 });
    });

    it('are asked for alone at first when they come from nodes that live', () => {
      const ownership = new Ownership('guild-node', 'a', timeout);
      ownership.changed(view(5, a, b, s), 0);
      ownership.yielded('b', 'one', 5);
      const mine = keys.find((key) => ownership.standing(key) === 'waiting')!;
      expect(ownership.tick(0)).toEqual([]);
      ownership.want(mine);
      const asked = questions(ownership, 100).get('s');
      expect(asked?.keys).toEqual([mine]);
      said(ownership, 's', 5, 'one', asked, 150);
      expect(ownership.tick(199)).toEqual([]);
      expect(ownership.tick(200)).toMatchObject([{ part: { keys: [] } }]);
    });

    it('are asked for again until the answer is to what was asked', () => {
      const ownership = new Ownership('guild-node', 'a', timeout);
      ownership.changed(view(5, a, s), 0);
      const [asked] = questions(ownership, 0).values();
      said(ownership, 's', 5, 'one', { ...asked!, number: asked!.number + 1 });
      expect(questions(ownership, 999).size).toBe(0);
      expect([...questions(ownership, 1000).values()]).toEqual([asked]);
    });

    it('go on when the list changes before all are served, and are not asked for as if they were new', () => {
      const ownership = new Ownership('guild-node', 'a', timeout);
      ownership.changed(view(5, a, s), 0);
      ownership.want('7');
      said(ownership, 's', 5, 'one', ownership.tick(0)[0]?.part);
      ownership.changed(view(6, a, s, t), 10);
      expect([standings(ownership, ['7']), standings(ownership, ['8'])]).toEqual(['ready', 'waiting']);
      ownership.changed(view(7, b, s), 20);
      ownership.changed(view(8, a, s), 30);
      expect(standings(ownership, ['7'])).toBe('waiting');
    });

    it('wait for a session-node that goes on answering, however slowly', () => {
      const ownership = new Ownership('guild-node', 'a', timeout);
      ownership.changed(view(5, a, s), 0);
      ownership.want('7');
      let now = 0;
      while (ownership.waits) {
        const asked = ownership.tick(now).map(({ part }) => part);
        // One that is asked for a part as late as can be takes nearly as long as it may.
        now += asked.length > 0 ? timeout - 1 : 1;
        for (const part of asked) said(ownership, 's', 5, 'one', part, now);
        if (asked.length > 0) now += 999;
      }
      expect([standings(ownership), ownership.isLate('s')]).toEqual(['ready', false]);
      expect(now).toBeGreaterThan(60 * timeout);
    });

    it('are not asked for while something waits for others, for thrice as long as the last part took', () => {
      const ownership = new Ownership('guild-node', 'a', timeout);
      ownership.changed(view(5, a, s), 0);
      const first = questions(ownership, 0).get('s');
      ownership.want('7');
      said(ownership, 's', 5, 'one', first, 100);
      const second = questions(ownership, 100).get('s');
      expect(second?.keys).toEqual(['7']);
      said(ownership, 's', 5, 'one', second, 150);
      expect(questions(ownership, 399).size).toBe(0);
      expect(questions(ownership, 400).get('s')).toMatchObject({ keys: [], number: 1 });
    });
  });

  it('are all elsewhere for a node that drains', () => {
    const ownership = alone();
    ownership.changed(view(6, { ...a!, state: 'draining' }, b, s), 0);
    expect(standings(ownership)).toBe('elsewhere');
    expect(ownership.waits).toBe(false);
  });
});
