import { LruBytes } from './lru-bytes';

const bytes = (length: number): Uint8Array => new Uint8Array(length);

describe('byte strings that are kept', () => {
  it('are forgotten past the limit, those first that were not asked for', () => {
    const kept = new LruBytes(10);
    kept.set('a', bytes(4));
    kept.set('b', bytes(4));
    expect(kept.get('a')).toHaveLength(4);
    kept.set('c', bytes(4));
    expect([kept.get('a'), kept.get('b'), kept.get('c')].map((value) => value?.length)).toEqual([
      4,
      undefined,
      4,
    ]);
  });

  it('are not more because one is set again, and none is kept that is over the limit by itself', () => {
    const kept = new LruBytes(10);
    kept.set('a', bytes(5));
    kept.set('a', bytes(5));
    kept.set('b', bytes(5));
    kept.set('c', bytes(11));
    expect(['a', 'b', 'c'].map((key) => kept.get(key)?.length)).toEqual([5, 5, undefined]);
  });
});
