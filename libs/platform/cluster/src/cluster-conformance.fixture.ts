import type { Cluster } from './cluster';
import type { StaticMember } from './parse';

/** The clusters that nodes see which have joined, in the order of `members`. */
export interface JoinedCluster {
  readonly nodes: readonly Cluster[];
  close(): Promise<void>;
}

export type ClusterFactory = (members: readonly StaticMember[]) => Promise<JoinedCluster>;

const keys = Array.from({ length: 500 }, (_, index) =>
  String(175_928_847_299_117_063n + BigInt(index) * 4_194_304_007n),
);

/** What every source of members must do. */
export function describeCluster(source: string, join: ClusterFactory): void {
  const members: readonly StaticMember[] = [
    { id: '10.0.0.1:18000', roles: ['session-node', 'guild-node'] },
    { id: '10.0.0.2:18000', roles: ['session-node'] },
    { id: '10.0.0.3:18000', roles: ['ws-gateway', 'guild-node'] },
  ];

  describe(`a cluster from ${source}`, () => {
    let joined: JoinedCluster;
    beforeAll(async () => {
      joined = await join(members);
    });
    afterAll(() => joined.close());

    it('is seen alike by every node of one generation', () => {
      const [first, ...others] = joined.nodes.map(({ view }) => view);
      for (const view of others) {
        expect(view.generation).toBe(first!.generation);
        expect(view.members).toEqual(first!.members);
        for (const key of keys) {
          expect(view.ownerOf('session-node', key)).toBe(first!.ownerOf('session-node', key));
          expect(view.ownerOf('guild-node', key)).toBe(first!.ownerOf('guild-node', key));
        }
      }
    });

    it('gives each key to a node of the role, and each such node some', () => {
      const { view } = joined.nodes[0]!;
      const owners = new Set(keys.map((key) => view.ownerOf('guild-node', key)));
      expect([...owners].sort()).toEqual(['10.0.0.1:18000', '10.0.0.3:18000']);
      expect(view.membersOf('guild-node')).toEqual(['10.0.0.1:18000', '10.0.0.3:18000']);
    });

    it('has no owner for a role that nobody has', () => {
      const { view } = joined.nodes[0]!;
      expect(view.ownerOf('presence-node', '1')).toBeUndefined();
      expect(view.membersOf('presence-node')).toEqual([]);
    });

    it('has a view of generation 1 or more with every member serving', () => {
      const { view } = joined.nodes[1]!;
      expect(view.generation).toBeGreaterThanOrEqual(1);
      expect(view.members.map(({ id, roles }) => ({ id, roles }))).toEqual(members);
      expect(view.members.map(({ state }) => state)).toEqual(['serving', 'serving', 'serving']);
      expect(view.member('10.0.0.2:18000')).toBe(view.members[1]);
      expect(view.member('10.0.0.4:18000')).toBeUndefined();
    });

    it('lets its members act', () => {
      expect(joined.nodes.map((node) => node.holdsLease())).toEqual([true, true, true]);
    });
  });
}
