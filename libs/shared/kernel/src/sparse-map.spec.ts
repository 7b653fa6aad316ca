import * as fc from 'fast-check';
import { SparseMap } from './index';

describe('SparseMap', () => {
  it('does what a Map does', () => {
    const step = fc.oneof(
      fc.tuple(fc.constant('set' as const), fc.nat(5), fc.nat()),
      fc.tuple(fc.constantFrom('delete' as const, 'clear' as const), fc.nat(5), fc.constant(0)),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const map = new Map<number, number>();
        const sparse = new SparseMap<number, number>();
        for (const [kind, key, value] of steps) {
          if (kind === 'set') {
            map.set(key, value);
            sparse.set(key, value);
          } else if (kind === 'delete') expect(sparse.delete(key)).toBe(map.delete(key));
          else {
            map.clear();
            sparse.clear();
          }
          expect([sparse.size, ...sparse.keys(), ...sparse.values()]).toEqual([
            map.size,
            ...map.keys(),
            ...map.values(),
          ]);
          expect([...sparse.entries()]).toEqual([...map.entries()]);
          expect([sparse.get(key), sparse.has(key)]).toEqual([map.get(key), map.has(key)]);
        }
      }),
    );
  });
});
