import { OperatorError } from '@derailed/shared/kernel';
import { parseCluster } from './parse';

describe('a CLUSTER line', () => {
  it('names nodes and their roles', () => {
    expect(parseCluster('static:10.0.0.1:18000/guild-node+tunnel, [::1]:18001/session-node')).toEqual({
      source: 'static',
      members: [
        { id: '10.0.0.1:18000', roles: ['guild-node', 'tunnel'] },
        { id: '[::1]:18001', roles: ['session-node'] },
      ],
    });
  });

  it('names the servers of an etcd, and where in it the members are', () => {
    expect(parseCluster('etcd:10.0.0.7:2379, [::1]:2379/derailed/blue/')).toEqual({
      source: 'etcd',
      endpoints: ['10.0.0.7:2379', '[::1]:2379'],
      prefix: 'derailed/blue',
    });
  });

  it.each<[string, string]>([
    [
      '10.0.0.1:1/tunnel',
      'CLUSTER must read static:HOST:PORT/ROLE+ROLE,HOST:PORT/ROLE or etcd:HOST:PORT,HOST:PORT/PREFIX, but it begins with "10.0.0.1".',
    ],
    ['static:', 'CLUSTER names no node: it must read static:HOST:PORT/ROLE+ROLE,HOST:PORT/ROLE.'],
    ['static', 'CLUSTER names no node: it must read static:HOST:PORT/ROLE+ROLE,HOST:PORT/ROLE.'],
    ['static:a:1/tunnel,', 'CLUSTER entry 2 is empty: a comma is left over.'],
    ['static:a:1/tunnel,b/tunnel', 'CLUSTER entry 2, "b/tunnel": HOST:PORT must come first.'],
    ['static:a:0/tunnel', 'CLUSTER entry 1, a:0: others cannot dial port 0.'],
    ['static:a:1', 'CLUSTER entry 1, a:1, has no roles: a:1/ROLE+ROLE is meant.'],
    ['static:a:1/', 'CLUSTER entry 1, a:1, has no roles: a:1/ROLE+ROLE is meant.'],
    [
      'static:a:1/tunnel+cook',
      'CLUSTER entry 1, a:1, has the unknown role "cook"; known are ws-gateway, session-node, guild-node, presence-node, tunnel.',
    ],
    [
      'etcd:a:1',
      'CLUSTER has no prefix for its keys in etcd (letters, digits, "_", "-", "." and "/"): it must read etcd:HOST:PORT,HOST:PORT/PREFIX.',
    ],
    ['etcd:/derailed', 'CLUSTER names no etcd: it must read etcd:HOST:PORT,HOST:PORT/PREFIX.'],
    ['etcd:a:1,a:1/derailed', 'CLUSTER names a:1 twice.'],
    ['etcd:a/derailed', 'CLUSTER entry 1, "a": HOST:PORT must come first.'],
    ['static:a:1/tunnel,b:1/tunnel,a:1/guild-node', 'CLUSTER names a:1 twice.'],
  ])('%j is refused in one sentence', (line, sentence) => {
    expect(() => parseCluster(line)).toThrow(new OperatorError(sentence));
  });
});
