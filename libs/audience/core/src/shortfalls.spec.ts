import { type Notice, Notices, Shortfalls, type StreamPoint } from './index';

const point = (index: number, fields: Partial<StreamPoint> = {}): StreamPoint => ({
  kind: 1,
  audienceId: '1',
  owner: 'o',
  ownerIncarnation: 'a',
  term: 1,
  index,
  ...fields,
});
const notice = (needs: number, fields: Partial<Notice> = {}): Notice => ({
  kind: 1,
  audienceId: '1',
  owner: 'o',
  ownerIncarnation: 'a',
  term: 1,
  node: 'n',
  needs,
  ...fields,
});

/** Whether the node counts as behind, whichever word comes first. */
function isBehind(at: StreamPoint | undefined, word: Notice): boolean {
  const [one, other] = [new Shortfalls(), new Shortfalls()];
  one.noticed(word);
  const late = one.followed('1', 'n', at);
  expect(other.followed('1', 'n', at)).toBe(false);
  expect(other.noticed(word)).toBe(late);
  return late;
}

describe('Shortfalls', () => {
  it('has a node behind that has not got what its owner went on with', () => {
    expect(isBehind(point(4), notice(5))).toBe(true);
    expect(isBehind(point(5), notice(5))).toBe(false);
  });

  it('has a node behind that never came to follow the owner that went on', () => {
    expect(isBehind(point(9, { ownerIncarnation: 'before' }), notice(1))).toBe(true);
    expect(isBehind(point(9, { term: 1 }), notice(1, { term: 2 }))).toBe(true);
    expect(isBehind(point(0, { term: 2 }), notice(5, { term: 1 }))).toBe(false);
    expect(isBehind(undefined, notice(1))).toBe(true);
  });

  it('has nobody behind of whom no owner spoke', () => {
    const shortfalls = new Shortfalls();
    shortfalls.noticed(notice(5, { node: 'other' }));
    shortfalls.noticed(notice(5, { audienceId: '2' }));
    expect(shortfalls.followed('1', 'n', point(0))).toBe(false);
  });

  it('looks at each of the points from which sessions of a node come', () => {
    const shortfalls = new Shortfalls();
    shortfalls.followed('1', 'n', point(7));
    shortfalls.followed('1', 'n', point(3));
    expect(shortfalls.noticed(notice(5))).toBe(true);
  });
});

describe('Notices', () => {
  it('keep the last of what an owner said of a node, until it takes that back, and are bounded', () => {
    const notices = new Notices(2);
    notices.put(notice(5));
    notices.put(notice(4));
    expect(notices.matching(() => true)).toEqual([notice(4)]);
    notices.put(notice(5, { node: 'k' }));
    notices.put(notice(0, { node: 'k' }));
    expect(notices.size).toBe(1);
    notices.put(notice(1, { node: 'm' }));
    notices.put(notice(1, { node: 'l' }));
    expect(notices.matching(() => true).map(({ node }) => node)).toEqual(['m', 'l']);
    notices.drop(({ node }) => node === 'm');
    expect(notices.size).toBe(1);
  });
});
