import type { Cluster } from '@derailed/platform/cluster';

/** From the end of a lease until all have seen that its node is off the list, and some more. */
const margin = 2000;
/** Of nodes that never leave the list. */
const withoutLease = 5000;

/**
 * How long a node may say nothing before others go on without it (ms). One that stands still, and still has its lease, comes
 * back; one that does not is off the list before this is over. What remains is a node that lives and can't be reached.
 */
export function silence({ leaseTtl }: Pick<Cluster, 'leaseTtl'>): number {
  return leaseTtl === undefined ? withoutLease : Math.max(withoutLease, leaseTtl + margin);
}
