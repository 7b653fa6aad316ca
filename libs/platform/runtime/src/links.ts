import { type Cluster, type Role, createCluster } from '@derailed/platform/cluster';
import { formatAddress } from '@derailed/platform/config';
import { type Mesh, compatible, contractVersion, createMesh } from '@derailed/platform/mesh';
import type { Door } from './assembly';
import { watchCluster } from './cluster-metrics';
import { drainNode } from './drain-node';
import { fence } from './fence';
import { answerGreetings, greet } from './greet';
import type { NodeContext } from './run';
import type { LinkConfig } from './settings';
import { systemClock, systemRng } from './system';

/** How this node reaches others, and how they reach it. */
export interface NodeLinks {
  readonly mesh: Mesh;
  readonly cluster: Cluster;
  /** Undefined when there is nobody else. */
  readonly door: Door | undefined;
  /** Has a word with the others before this node is given keys. */
  greet(): Promise<void>;
  /**
   * Takes the node off the rings and waits until others have its keys, DRAIN_TIMEOUT at most. Without etcd keys never move:
   * nothing is waited for.
   */
  drain(): Promise<void>;
  /** Opens the door; all handlers must be registered. */
  listen(): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param fixed roles of an app that has no choice
 * @throws OperatorError for a CLUSTER line that is broken or does not have this node
 */
export function openLinks(
  { cluster: membership, link }: LinkConfig,
  fixed: readonly Role[] | undefined,
  { logger, metrics, readiness, drain }: NodeContext,
): NodeLinks {
  const others = membership.cluster !== undefined;
  const mesh = createMesh({ config: link, others, clock: systemClock, rng: systemRng, logger, metrics });
  const cluster = createCluster({
    config: membership,
    self: { ...mesh.self, roles: fixed ?? membership.roles ?? [] },
    contractVersion,
    compatible,
    clock: systemClock,
    rng: systemRng,
    logger,
  });
  answerGreetings(mesh, drain);
  fence({ mesh, cluster, clock: systemClock, ttlMs: membership.leaseTtl, logger, readiness });
  watchCluster(cluster, metrics);
  const parts = { mesh, cluster, drain, clock: systemClock, logger };
  const scheme = link.tlsCert === undefined ? 'grpc' : 'grpcs';
  return {
    mesh,
    cluster,
    door: others ? { name: 'link', at: `${scheme}://${formatAddress(link.listen)}` } : undefined,
    greet: () => greet(parts),
    drain: () => drainNode(parts, membership.drainTimeout),
    listen: () => mesh.listen(),
    close: async () => {
      await cluster.leave();
      await mesh.close();
    },
  };
}
