import type { Cluster, Member } from './cluster';

/** Starts a node of a cluster whose members are these, and returns what that node sees. */
export type ClusterFactory = (members: readonly Member[], self: Member) => Cluster | Promise<Cluster>;

const keys = Array.from({ length: 500 }, (_, index) =>
  String(175_928_847_299_117_063n + BigInt(index) * 4_194_304_007n),
);

/** What every source of members must do. */
export function describeCluster(source: string, make: ClusterFactory): void {
  const members: readonly Member[] = [
    { id: '10.0.0.1:18000', roles: ['session-node', 'guild-node'] },
    { id: '10.0.0.2:18000', roles: ['session-node'] },
    { id: '10.0.0.3:18000', roles: ['ws-gateway', 'guild-node'] },
  ];

  describe(`a cluster from ${source}`, () => {
    it('is seen alike by every node of one generation', async () => {
      const views = await Promise.all(members.map(async (self) => (await make(members, self)).view));
      const [first, ...others] = views;
      for (const view of others) {
        expect(view.generation).toBe(first!.generation);
        for (const key of keys) {
          expect(view.ownerOf('session-node', key)).toBe(first!.ownerOf('session-node', key));
          expect(view.ownerOf('guild-node', key)).toBe(first!.ownerOf('guild-node', key));
        }
      }
    });

    it('gives each key to a node of the role, and each such node some', async () => {
      const { view } = await make(members, members[0]!);
      const owners = new Set(keys.map((key) => view.ownerOf('guild-node', key)));
      expect([...owners].sort()).toEqual(['10.0.0.1:18000', '10.0.0.3:18000']);
      expect(view.membersOf('guild-node')).toEqual(['10.0.0.1:18000', '10.0.0.3:18000']);
    });

    it('has no owner for a role that nobody has', async () => {
      const { view } = await make(members, members[0]!);
      expect(view.ownerOf('presence-node', '1')).toBeUndefined();
      expect(view.membersOf('presence-node')).toEqual([]);
    });

    it('has a view of generation 1 or more from the start, itself in it', async () => {
      const { view } = await make(members, members[1]!);
      expect(view.generation).toBeGreaterThanOrEqual(1);
      expect(view.members).toContainEqual(members[1]);
    });
  });
}
