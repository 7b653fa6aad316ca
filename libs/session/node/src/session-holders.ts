import type { Cluster } from '@derailed/platform/cluster';
import type { NodeRef } from '@derailed/platform/mesh';
import type { Clock } from '@derailed/shared/kernel';

/** How long after a change of the list (ms) another node may still hold a session of this one's. */
const unsettledFor = 120_000;

/** The nodes that may hold sessions of this one's. */
export class SessionHolders {
  private changedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly cluster: Pick<Cluster, 'view' | 'onChange'>,
    private readonly self: NodeRef,
    private readonly clock: Pick<Clock, 'monotonic'>,
  ) {
    cluster.onChange(() => {
      this.changedAt = this.clock.monotonic();
    });
  }

  others(): readonly string[] {
    if (this.clock.monotonic() - this.changedAt > unsettledFor) return [];
    return this.cluster.view.members.flatMap(({ id, roles }) =>
      id !== this.self.id && roles.includes('session-node') ? id : [],
    );
  }
}
