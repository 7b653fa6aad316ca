import {
  type Cluster,
  type ClusterView,
  type Footing,
  askAgainAfter,
  ownersOf,
} from '@derailed/platform/cluster';
import type { Mesh } from '@derailed/platform/mesh';
import type { Logger, Readiness } from '@derailed/platform/observability';
import type { Clock } from '@derailed/shared/kernel';

export interface FenceParts {
  readonly mesh: Mesh;
  readonly cluster: Cluster;
  readonly clock: Clock;
  /** LEASE_TTL. */
  readonly ttlMs: number;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly readiness: Pick<Readiness, 'hold' | 'release'>;
}

/**
 * Between member list and mesh: a start that is off the list is gone to this node, whatever it believes of itself; and
 * while this node can't renew its lease, it asks the others that own keys whether they can't either.
 */
export function fence(parts: FenceParts): void {
  keepOut(parts);
  askOwners(parts);
}

function keepOut({ mesh, cluster, logger }: FenceParts): void {
  let before: ClusterView | undefined;
  cluster.onChange((view) => {
    for (const { id, incarnation } of before?.members ?? []) {
      const isGone = view.member(id)?.incarnation !== incarnation;
      if (!isGone || incarnation === '' || id === mesh.self.id) continue;
      logger.info(
        { node: id, incarnation },
        'this start is off the member list: it is gone, whatever it says',
      );
      mesh.exclude({ id, incarnation });
    }
    before = view;
  });
}

function askOwners({ mesh, cluster, clock, ttlMs, logger, readiness }: FenceParts): void {
  const say = sayFooting(logger, readiness);
  let asking = false;
  const ask = (): void => {
    asking = cluster.cannotRenew;
    say(cluster.footing);
    if (!asking) return;
    const askedAt = Math.floor(clock.monotonic());
    for (const id of ownersOf(cluster.view, mesh.self.id))
      mesh.signal(id, { $case: 'cannotRenew', value: { askedAt } });
    clock.after(ttlMs * askAgainAfter, ask);
  };
  cluster.onRenewal(() => {
    if (asking) say(cluster.footing);
    else ask();
  });
  mesh.onMessage('cannotRenew', ({ askedAt }, from) => {
    if (cluster.cannotRenew) mesh.signal(from.id, { $case: 'cannotRenewEither', value: { askedAt } });
  });
  mesh.onMessage('cannotRenewEither', ({ askedAt }, from) => cluster.heardCannotRenew(from, askedAt));
  mesh.onPeer(({ kind, node }) => {
    if (kind === 'gone') cluster.linkLost(node.id);
    else cluster.linkMade(node.id);
  });
}

/** Tells the operator of each change. */
function sayFooting(
  logger: FenceParts['logger'],
  readiness: FenceParts['readiness'],
): (footing: Footing) => void {
  let last: Footing = 'lease';
  return (footing) => {
    if (footing === last) return;
    last = footing;
    if (footing === 'none') {
      logger.warn('the lease may have ended: this node serves none of its keys until it is renewed');
      readiness.hold('lease', 'the lease may have ended, and etcd does not answer');
      return;
    }
    readiness.release('lease');
    if (footing === 'lease') logger.info('the lease is renewed again');
    else logger.warn('no node that owns keys can renew its lease: this one goes on without');
  };
}
