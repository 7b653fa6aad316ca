import fc from 'fast-check';
import golden from './hash-ring.golden.json';
import { HashRing } from './hash-ring';

const node = (index: number): string => `10.0.${index >> 8}.${index & 255}:18000`;
const nodes = (count: number): string[] => Array.from({ length: count }, (_, index) => node(index));
const keys = Array.from({ length: 20_000 }, (_, index) =>
  String(175_928_847_299_117_063n + BigInt(index) * 4_194_304_007n),
);
const memberSet = (minLength: number) => fc.uniqueArray(fc.nat(999).map(node), { minLength, maxLength: 12 });

describe('a hash ring', () => {
  it('that is empty owns nothing', () => {
    expect(HashRing.of([]).owner('1')).toBeUndefined();
  });

  it('of one member gives it everything', () => {
    const ring = HashRing.of(['only']);
    expect(keys.every((key) => ring.owner(key) === 'only')).toBe(true);
  });

  it.each(Object.entries(golden))('of %s members maps every key as it always has', (count, owners) => {
    const ring = HashRing.of(nodes(Number(count)));
    expect(Object.fromEntries(Object.keys(owners).map((key) => [key, ring.owner(key)]))).toEqual(owners);
  });

  it('does not care for the order of members, nor for one named twice', () => {
    fc.assert(
      fc.property(
        memberSet(1).chain((members) =>
          fc.tuple(fc.constant(members), fc.shuffledSubarray(members, { minLength: members.length })),
        ),
        fc.array(fc.string(), { maxLength: 50 }),
        ([members, shuffled], asked) => {
          const [one, other] = [HashRing.of(members, 64), HashRing.of([...shuffled, members[0]!], 64)];
          expect(other.members).toEqual(one.members);
          for (const key of asked) expect(other.owner(key)).toBe(one.owner(key));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('moves at most 1/N and 5 points of the keys when one of N comes or goes, and only to or from that one', () => {
    fc.assert(
      fc.property(memberSet(2), (members) => {
        const [without, joined] = [HashRing.of(members.slice(1)), members[0]!];
        const ring = HashRing.of(members);
        const moved = keys.filter((key) => ring.owner(key) !== without.owner(key));
        expect(moved.length / keys.length).toBeLessThanOrEqual(1 / members.length + 0.05);
        expect(moved.every((key) => ring.owner(key) === joined)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('of 100 members gives each its share, half as much again at most', () => {
    const ring = HashRing.of(nodes(100));
    const counts = new Map<string, number>();
    for (const key of keys) counts.set(ring.owner(key)!, (counts.get(ring.owner(key)!) ?? 0) + 1);
    expect(counts.size).toBe(100);
    expect(Math.max(...counts.values())).toBeLessThan((keys.length / 100) * 1.5);
  });

  it('refuses to be of no virtual nodes', () => {
    expect(() => HashRing.of(['a'], 0)).toThrow(RangeError);
  });
});
