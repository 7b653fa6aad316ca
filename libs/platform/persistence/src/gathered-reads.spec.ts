import { GatheredReads } from './gathered-reads';

/** A database whose statements are answered by hand; ids that begin with "no" are not there. */
function tables() {
  const statements: { ids: readonly string[]; answer: () => void; fail: (error: Error) => void }[] = [];
  const reads = new GatheredReads<string>(
    (ids) =>
      new Promise((resolve, reject) =>
        statements.push({
          ids,
          answer: () =>
            resolve(new Map(ids.flatMap((id) => (id.startsWith('no') ? [] : [[id, `row ${id}`]])))),
          fail: reject,
        }),
      ),
  );
  const asked = () => statements.map(({ ids }) => ids);
  return { reads, statements, asked };
}

/** Lets promises that are settled be heard. */
const heard = () => new Promise((resolve) => setImmediate(resolve));

test('one alone goes at once; what is not there is null', async () => {
  const { reads, statements, asked } = tables();
  const [there, absent] = [reads.one('a'), reads.one('nobody')];
  expect(asked()).toEqual([['a'], ['nobody']]);
  for (const { answer } of statements) answer();
  await expect(there).resolves.toBe('row a');
  await expect(absent).resolves.toBeNull();
});

test('those that come while two are on their way share the next statement', async () => {
  const { reads, statements, asked } = tables();
  const all = ['a', 'b', 'c', 'd', 'e'].map((id) => reads.one(id));
  expect(asked()).toEqual([['a'], ['b']]);
  statements[0]?.answer();
  await heard();
  expect(asked()).toEqual([['a'], ['b'], ['c', 'd', 'e']]);
  for (const { answer } of statements) answer();
  await expect(Promise.all(all)).resolves.toEqual(['row a', 'row b', 'row c', 'row d', 'row e']);
});

test('one id that is asked for twice while it waits is read once; one that is on its way is read again', async () => {
  const { reads, statements, asked } = tables();
  const first = reads.one('a');
  void reads.one('b');
  const twice = [reads.one('a'), reads.one('a')];
  statements[0]?.answer();
  await heard();
  expect(asked()).toEqual([['a'], ['b'], ['a']]);
  statements[2]?.answer();
  await expect(Promise.all([first, ...twice])).resolves.toEqual(['row a', 'row a', 'row a']);
});

test('a statement asks for 500 ids at most, in the order in which they were asked for', async () => {
  const { reads, statements, asked } = tables();
  const ids = Array.from({ length: 1_202 }, (_, at) => String(at));
  for (const id of ids) void reads.one(id);
  for (const statement of [0, 1]) statements[statement]?.answer();
  await heard();
  statements[2]?.answer();
  await heard();
  expect(asked().map((each) => each.length)).toEqual([1, 1, 500, 500, 200]);
  expect(asked().flat()).toEqual(ids);
});

test('a statement that fails fails all of its ids, and no other', async () => {
  const { reads, statements, asked } = tables();
  const others = [reads.one('a'), reads.one('b')];
  const failing = [reads.one('c'), reads.one('d')];
  statements[0]?.answer();
  await heard();
  statements[2]?.fail(new Error('gone'));
  statements[1]?.answer();
  for (const read of failing) await expect(read).rejects.toThrow('gone');
  await expect(Promise.all(others)).resolves.toEqual(['row a', 'row b']);
  const next = reads.one('c');
  statements.at(-1)?.answer();
  await expect(next).resolves.toBe('row c');
  expect(asked()).toEqual([['a'], ['b'], ['c', 'd'], ['c']]);
});
