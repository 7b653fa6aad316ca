import { describeCluster } from './cluster-conformance.fixture';
import { createCluster } from './static-cluster';

describeCluster('a static line', (members, self) => {
  const line = members.map(({ id, roles }) => `${id}/${roles.join('+')}`).join(',');
  return createCluster({ cluster: `static:${line}`, roles: self.roles }, self.id);
});
