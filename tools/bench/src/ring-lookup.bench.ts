import { HashRing, murmur3 } from '@derailed/shared/hash-ring';

export interface RingLookup {
  readonly members: number;
  /** Microseconds a lookup. */
  readonly ringUs: number;
  readonly peerUs: number;
  /** How many times the peer's time the ring takes. */
  readonly ratio: number;
}

const members = 100;
const vnodes = 512;
const rounds = 1_000_000;

/** The plain way: the points of the same ring in a Map, their hashes in a sorted array, binary search. */
function plainRing(names: readonly string[]): (key: string) => string | undefined {
  const owners = new Map<number, string>();
  for (const name of names)
    for (let vnode = 0; vnode < vnodes; vnode++) owners.set(murmur3(`${name}#${vnode}`), name);
  const points = [...owners.keys()].sort((a, b) => a - b);
  return (key) => {
    const hash = murmur3(key);
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle]! < hash) low = middle + 1;
      else high = middle;
    }
    return owners.get(points[low % points.length]!);
  };
}

function microseconds(lookup: (key: string) => string | undefined, keys: readonly string[]): number {
  let found = 0;
  const start = performance.now();
  for (let round = 0; round < rounds; round++) if (lookup(keys[round & 4095]!) !== undefined) found++;
  const spent = performance.now() - start;
  if (found !== rounds) throw new Error('a key had no owner');
  return (spent * 1000) / rounds;
}

/** Looks up guild ids on a ring of 100 members, beside the plain way, in turns; the best of five each. */
export function run(): RingLookup {
  const names = Array.from({ length: members }, (_, index) => `10.0.0.${index}:18000`);
  const keys = Array.from({ length: 4096 }, (_, index) =>
    String(175_928_847_299_117_063n + BigInt(index) * 419_430_400_003n),
  );
  const ring = HashRing.of(names, vnodes);
  const plain = plainRing(names);
  let [ringUs, peerUs] = [Infinity, Infinity];
  for (let turn = 0; turn < 5; turn++) {
    ringUs = Math.min(
      ringUs,
      microseconds((key) => ring.owner(key), keys),
    );
    peerUs = Math.min(peerUs, microseconds(plain, keys));
  }
  const ratio = ringUs / peerUs;
  console.log(
    `ring lookup, ${members} members: ${ringUs.toFixed(3)} us; sorted array and Map: ${peerUs.toFixed(3)} us; ratio ${ratio.toFixed(2)}`,
  );
  return { members, ringUs, peerUs, ratio };
}

if (require.main === module) run();
