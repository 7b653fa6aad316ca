import { type RunningEtcd, describeWithEtcd, startEtcd } from '@derailed/testing';
import { describeCluster } from './cluster-conformance.fixture';
import { enter, nodeOf, viewOf } from './etcd/etcd-nodes.fixture';
import { StaticCluster } from './static-cluster';

describeCluster('a static line', async (members) => ({
  nodes: members.map((self) => StaticCluster.of(members, self)),
  close: async () => undefined,
}));

describeWithEtcd('membership in a real etcd', () => {
  let etcd: RunningEtcd;
  beforeAll(async () => {
    etcd = await startEtcd();
  }, 20_000);
  afterAll(() => etcd.stop());

  describeCluster('etcd', async (members) => {
    const nodes = await Promise.all(
      members.map((member) => enter(nodeOf(`${etcd.address}/contract`, member))),
    );
    const all = (view: { members: readonly { state: string }[] }) =>
      view.members.length === members.length && view.members.every(({ state }) => state === 'serving');
    await Promise.all(nodes.map((node) => viewOf(node, all)));
    return {
      nodes,
      close: async () => {
        await Promise.all(nodes.map((node) => node.leave()));
      },
    };
  });
});
