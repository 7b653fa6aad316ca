import { OperatorError } from '@derailed/shared/kernel';
import { loadConfig } from '@derailed/platform/config';
import { type Role, roles } from './cluster';
import { clusterSettings } from './config';
import { parseCluster } from './parse';
import { StaticCluster } from './static-cluster';

const clusterOf = (line: string, id: string, own: readonly Role[]): StaticCluster => {
  const parsed = parseCluster(line);
  if (parsed.source !== 'static') throw new Error('not a static line');
  return StaticCluster.of(parsed.members, { id, roles: own });
};

describe('a static cluster', () => {
  it('is this node alone when nothing is configured', () => {
    const { view } = StaticCluster.single({ id: '127.0.0.1:18000', roles });
    expect(view.members).toMatchObject([{ id: '127.0.0.1:18000', roles }]);
    expect(view.ownerOf('presence-node', '1')).toBe('127.0.0.1:18000');
  });

  it('must have this node', () => {
    expect(() => clusterOf('static:a:1/tunnel,b:1/tunnel', 'c:1', ['tunnel'])).toThrow(
      new OperatorError('CLUSTER does not have this node, c:1 (LINK_ADVERTISE); it has a:1, b:1.'),
    );
  });

  it('must give this node the roles that it runs', () => {
    const line = 'static:a:1/tunnel+guild-node';
    expect(() => clusterOf(line, 'a:1', ['tunnel'])).toThrow(
      new OperatorError(
        'CLUSTER gives a:1 the roles guild-node, tunnel, but this process has the roles tunnel (ROLES).',
      ),
    );
    expect(clusterOf(line, 'a:1', ['tunnel', 'guild-node']).view.membersOf('tunnel')).toEqual(['a:1']);
  });
});

describe('ROLES', () => {
  const load = (environment: Record<string, string>) =>
    loadConfig({ cluster: clusterSettings }, environment).cluster.roles;

  it('are all by default, and come in one order', () => {
    expect(load({})).toEqual(roles);
    expect(load({ ROLES: 'tunnel, guild-node' })).toEqual(['guild-node', 'tunnel']);
  });

  it('must be known', () => {
    expect(() => load({ ROLES: 'cook' })).toThrow(/ROLES must name roles of .*, not "cook"/);
  });
});
