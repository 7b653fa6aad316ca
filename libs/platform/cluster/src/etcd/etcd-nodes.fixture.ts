import { loadConfig } from '@derailed/platform/config';
import type { Clock, Rng } from '@derailed/shared/kernel';
import type { Cluster, ClusterView } from '../cluster';
import { clusterSettings } from '../config';
import { createCluster } from '../create-cluster';
import type { StaticMember } from '../parse';

export const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, task) => {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};

let starts = 0;
const rng: Rng = { next: () => Math.random(), token: () => `start-${++starts}` };

export interface NodeOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly version?: number;
}

/** A node as it is before it joins, with a short lease. @param at endpoints and prefix */
export function nodeOf(
  at: string,
  { id, roles }: StaticMember,
  { env = {}, version = 1 }: NodeOptions = {},
): Cluster {
  const settings = { cluster: clusterSettings };
  const { cluster: config } = loadConfig(settings, { CLUSTER: `etcd:${at}`, LEASE_TTL: '2s', ...env });
  return createCluster({
    config,
    self: { id, roles, incarnation: rng.token(12) },
    contractVersion: version,
    compatible: (theirs, ours) => Math.abs(theirs - ours) <= 1,
    clock,
    rng,
    logger: { info: () => undefined, warn: () => undefined },
  });
}

export async function enter(cluster: Cluster): Promise<Cluster> {
  await cluster.join();
  await cluster.become('serving');
  return cluster;
}

/** The first view, from now on, of which `test` is true. */
export function viewOf(cluster: Cluster, test: (view: ClusterView) => boolean): Promise<ClusterView> {
  return new Promise((resolve) => {
    if (test(cluster.view)) resolve(cluster.view);
    cluster.onChange((view) => {
      if (test(view)) resolve(view);
    });
  });
}

export const idsOf = ({ members }: ClusterView): string => members.map(({ id }) => id).join();
