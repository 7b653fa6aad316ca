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
  const there = reads.one('a');
  expect(asked()).toEqual([['a']]);
  statements[0]?.answer();
  await expect(there).resolves.toBe('row a');
  const absent = reads.one('nobody');
  statements[1]?.answer();
  await expect(absent).resolves.toBeNull();
});

test('those that come while one is on its way share the next statement', async () => {
  const { reads, statements, asked } = tables();
  const all = ['a', 'b', 'c', 'd', 'e'].map((id) => reads.one(id));
  expect(asked()).toEqual([['a']]);
  statements[0]?.answer();
  await heard();
  expect(asked()).toEqual([['a'], ['b', 'c', 'd', 'e']]);
  statements[1]?.answer();
  await expect(Promise.all(all)).resolves.toEqual(['row a', 'row b', 'row c', 'row d', 'row e']);
});

test('one id that is asked for twice while it waits is read once; one that is on its way is read again', async () => {
  const { reads, statements, asked } = tables();
  const first = reads.one('a');
  const twice = [reads.one('a'), reads.one('a')];
  statements[0]?.answer();
  await heard();
  expect(asked()).toEqual([['a'], ['a']]);
  statements[1]?.answer();
  await expect(Promise.all([first, ...twice])).resolves.toEqual(['row a', 'row a', 'row a']);
});

test('many do not wait for a slow one: a second statement goes beside it, and never a third', async () => {
  const { reads, statements, asked } = tables();
  const slow = reads.one('slow');
  const many = Array.from({ length: 40 }, (_, at) => reads.one(`${at}`));
  expect(asked().map((ids) => ids.length)).toEqual([1, 16]);
  statements[1]?.answer();
  await heard();
  statements[2]?.answer();
  await Promise.all(many);
  statements[0]?.answer();
  await expect(slow).resolves.toBe('row slow');
  expect(asked().map((ids) => ids.length)).toEqual([1, 16, 24]);
});

test('a statement asks for 500 ids at most, in the order in which they were asked for', async () => {
  const { reads, statements, asked } = tables();
  const ids = Array.from({ length: 1_202 }, (_, at) => String(at));
  for (const id of ids) void reads.one(id);
  for (let at = 0; at < 4; at++) {
    statements[at]?.answer();
    await heard();
  }
  expect(asked().map((each) => each.length)).toEqual([1, 16, 500, 500, 185]);
  expect(asked().flat()).toEqual(ids);
});

test('a statement that fails fails all of its ids, and no other', async () => {
  const { reads, statements, asked } = tables();
  const other = reads.one('a');
  const failing = [reads.one('c'), reads.one('d')];
  statements[0]?.answer();
  await expect(other).resolves.toBe('row a');
  await heard();
  statements[1]?.fail(new Error('gone'));
  for (const read of failing) await expect(read).rejects.toThrow('gone');
  const next = reads.one('c');
  statements.at(-1)?.answer();
  await expect(next).resolves.toBe('row c');
  expect(asked()).toEqual([['a'], ['c', 'd'], ['c']]);
});
