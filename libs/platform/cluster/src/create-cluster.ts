import type { Logger } from '@derailed/platform/observability';
import type { Clock, Rng } from '@derailed/shared/kernel';
import type { Cluster, Role } from './cluster';
import type { MembershipConfig } from './config';
import { EtcdCluster } from './etcd/etcd-cluster';
import { parseCluster } from './parse';
import { StaticCluster } from './static-cluster';

export interface ClusterOptions {
  readonly config: MembershipConfig;
  /** This node: `id` is what others dial (LINK_ADVERTISE). */
  readonly self: { readonly id: string; readonly incarnation: string; readonly roles: readonly Role[] };
  readonly contractVersion: number;
  /** Whether nodes of the two contract versions understand each other. */
  readonly compatible: (theirs: number, ours: number) => boolean;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

/**
 * The membership source that the configuration names. Nothing is dialled before `join()`.
 * @throws OperatorError for a line that is broken or does not have this node, and for files that can't be read
 */
export function createCluster(options: ClusterOptions): Cluster {
  const { config, self } = options;
  if (config.cluster === undefined) return StaticCluster.single(self);
  const line = parseCluster(config.cluster);
  return line.source === 'static'
    ? StaticCluster.of(line.members, self)
    : EtcdCluster.of(line.endpoints, line.prefix, options);
}
