import type { Cluster } from '@derailed/platform/cluster';
import type { Registry } from '@derailed/platform/observability';
import { Gauge } from 'prom-client';

/** What an operator sees of this node's membership. */
export function watchCluster(cluster: Cluster, registry: Registry): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name: `derailed_cluster_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  };
  gauge(
    'generation',
    'Revision of the member list that this node goes by; 0 before it has one.',
    () => cluster.view.generation,
  );
  gauge('members', 'Nodes on that list.', () => cluster.view.members.length);
  gauge('cannot_renew', '1 while the last renewal of the lease got no answer.', () =>
    Number(cluster.cannotRenew),
  );
  new Gauge({
    name: 'derailed_cluster_footing',
    help: 'On what this node acts as an owner, 1 for one of them: its lease; an outage of etcd that all owners see; none, so that it serves nothing.',
    labelNames: ['on'],
    registers: [registry],
    collect() {
      for (const on of ['lease', 'outage', 'none'] as const)
        this.labels(on).set(Number(cluster.footing === on));
    },
  });
}
