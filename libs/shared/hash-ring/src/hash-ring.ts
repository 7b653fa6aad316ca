import { murmur3 } from './murmur3';

/** Members are packed beside a 32-bit hash in a double of 53 bits. */
const maxMembers = 2 ** 16;

/**
 * An immutable consistent hash ring: a pure function of the set of members and the number of virtual nodes.
 *
 * Each member stands at `vnodes` points, murmur3(`MEMBER#N`) for N from 0; a key belongs to the member at the
 * first point at or after murmur3(key), going round. Where two members share a point, the one whose name sorts
 * first (by UTF-16 unit) has it.
 */
export class HashRing {
  private constructor(
    /** Sorted by name, each once. */
    readonly members: readonly string[],
    private readonly points: Uint32Array,
    private readonly owners: Uint16Array,
  ) {}

  /** @throws RangeError for more than 65,536 members, or less than one virtual node. */
  static of(members: readonly string[], vnodes = 512): HashRing {
    const names = [...new Set(members)].sort();
    if (names.length > maxMembers) throw new RangeError(`a ring has at most ${maxMembers} members`);
    if (!Number.isInteger(vnodes) || vnodes < 1)
      throw new RangeError('a member has at least one virtual node');

    const packed = new Float64Array(names.length * vnodes);
    names.forEach((name, member) => {
      for (let vnode = 0; vnode < vnodes; vnode++) {
        packed[member * vnodes + vnode] = murmur3(`${name}#${vnode}`) * maxMembers + member;
      }
    });
    packed.sort();
    return new HashRing(
      names,
      Uint32Array.from(packed, (point) => Math.floor(point / maxMembers)),
      Uint16Array.from(packed, (point) => point % maxMembers),
    );
  }

  /** The member that the key belongs to. Undefined: the ring is empty. */
  owner(key: string): string | undefined {
    const points = this.points;
    const hash = murmur3(key);
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (points[middle]! < hash) low = middle + 1;
      else high = middle;
    }
    return this.members[this.owners[low === points.length ? 0 : low]!];
  }
}
