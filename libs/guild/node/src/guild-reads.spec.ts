import { DatabaseUnavailable } from '@derailed/platform/persistence';
import type { GuildSnapshot } from '@derailed/shared/protocol';
import { GuildReads } from './guild-reads';

const count = () => {
  const counts = { read: 0, absent: 0, unavailable: 0, failed: 0 };
  const inc = (outcome: keyof typeof counts) => ({ inc: () => void counts[outcome]++ });
  return {
    counts,
    counters: {
      read: inc('read'),
      absent: inc('absent'),
      unavailable: inc('unavailable'),
      failed: inc('failed'),
    },
  };
};

/** A database whose transactions are answered by hand. */
function start(concurrency: number) {
  const asked: (readonly string[])[] = [];
  const answers: ((error?: Error) => void)[] = [];
  const snapshotOf = (id: string) => ({ guild: { id } }) as GuildSnapshot;
  const repository = {
    snapshots: (ids: readonly string[]) =>
      new Promise<ReadonlyMap<string, GuildSnapshot>>((resolve, reject) => {
        asked.push(ids);
        answers.push((error) => {
          if (error === undefined)
            resolve(new Map(ids.filter((id) => id !== 'none').map((id) => [id, snapshotOf(id)])));
          else reject(error);
        });
      }),
    snapshotWith: () => Promise.resolve({ snapshot: null, members: [], joined: [] }),
    members: () => Promise.resolve([]),
  };
  const { counts, counters } = count();
  const logged: unknown[] = [];
  const logger = { error: (line: unknown) => void logged.push(line) };
  const all = { snapshots: counters, members: count().counters };
  const reads = new GuildReads(repository, concurrency, all, logger as never);
  const answer = async (at: number, error?: Error): Promise<void> => {
    answers[at]?.(error);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { reads, asked, answer, counts, logged };
}

test('snapshots that wait for their turn are read together, each caller gets its own', async () => {
  const { reads, asked, answer, counts } = start(1);
  const found = ['a', 'b', 'none', 'c'].map((id) => reads.snapshot(id));
  expect(asked).toEqual([['a']]);
  expect(reads.waiting).toBe(1);
  await answer(0);
  expect(asked).toEqual([['a'], ['b', 'none', 'c']]);
  await answer(1);
  const ids = (await Promise.all(found)).map((snapshot) => snapshot?.guild.id ?? snapshot);
  expect(ids).toEqual(['a', 'b', null, 'c']);
  expect(counts).toEqual({ read: 3, absent: 1, unavailable: 0, failed: 0 });
});

test('a transaction reads 16 guilds at most, and no read overtakes another', async () => {
  const { reads, asked, answer } = start(1);
  for (let guild = 0; guild < 20; guild++) void reads.snapshot(`${guild}`);
  const later = reads.members('1', ['2']);
  for (let at = 0; at < 3; at++) await answer(at);
  expect(asked.map((ids) => ids.length)).toEqual([1, 16, 3]);
  await expect(later).resolves.toEqual([]);
});

test('what comes while a turn has begun waits for the next one', async () => {
  const { reads, asked, answer } = start(1);
  void reads.snapshot('a');
  void reads.snapshot('b');
  await answer(0);
  void reads.snapshot('c');
  expect(asked).toEqual([['a'], ['b']]);
  await answer(1);
  expect(asked).toEqual([['a'], ['b'], ['c']]);
});

test('one guild that can not be read leaves those that wait with it alone', async () => {
  const { reads, asked, answer, counts, logged } = start(1);
  void reads.snapshot('a');
  const bad = reads.snapshot('bad');
  const good = reads.snapshot('good');
  await answer(0);
  await answer(1, new Error('invalid data'));
  await answer(2, new Error('invalid data'));
  await answer(3);
  expect(asked).toEqual([['a'], ['bad', 'good'], ['bad'], ['good']]);
  await expect(bad).resolves.toBeUndefined();
  await expect(good).resolves.toMatchObject({ guild: { id: 'good' } });
  expect([counts.failed, logged.length]).toEqual([1, 1]);
});

test('while the database is away all that wait together are told so, and it is asked once', async () => {
  const { reads, asked, answer, counts, logged } = start(1);
  void reads.snapshot('a');
  const both = [reads.snapshot('b'), reads.snapshot('c')];
  await answer(0);
  await answer(1, new DatabaseUnavailable(new Error('ECONNREFUSED')));
  await expect(Promise.all(both)).resolves.toEqual([undefined, undefined]);
  expect([asked.length, counts.unavailable, logged.length]).toEqual([2, 2, 0]);
});
