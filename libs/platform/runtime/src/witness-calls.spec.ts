import { type Cluster, type ClusterView, RingView, type Role } from '@derailed/platform/cluster';
import { InProcessNetwork, type Mesh } from '@derailed/platform/mesh';
import { AudienceKind } from '@derailed/shared/contract';
import { seededRng } from '@derailed/shared/kernel';
import { VirtualClock } from '@derailed/testing';
import { WitnessCalls } from './witness-calls';

const settled = () => new Promise((resolve) => setImmediate(resolve));
const kind = AudienceKind.AUDIENCE_KIND_GUILD;

/** An owner `g` that is no session-node, and session-nodes that note what they are told. */
function start(...ids: string[]) {
  const clock = new VirtualClock();
  const network = new InProcessNetwork({ clock, rng: seededRng(1) });
  const heard: string[] = [];
  const meshes = new Map<string, Mesh>();
  for (const id of ids) {
    const mesh = network.join(id);
    meshes.set(id, mesh);
    mesh.onMessage('audienceBehind', (value, from) => {
      heard.push(`${id}: ${value.node} ${value.needs}`);
      mesh.signal(from.id, { $case: 'audienceBehindNoted', value });
    });
  }
  const viewOf = (...members: string[]): ClusterView =>
    new RingView(
      1,
      ['g', ...members].map((id) => {
        const roles: Role[] = [id === 'g' ? 'guild-node' : 'session-node'];
        return { id, incarnation: '', roles, state: 'serving', contractVersion: 0 };
      }),
    );
  const listeners: ((view: ClusterView) => void)[] = [];
  const cluster = {
    view: viewOf(...ids),
    onChange: (listener: (view: ClusterView) => void) => listeners.push(listener),
  };
  const known: string[] = [];
  const calls = new WitnessCalls(
    kind,
    network.join('g'),
    cluster as Pick<Cluster, 'view' | 'onChange'>,
    (...word) => known.push(word.join(' ')),
  );
  const show = (...members: string[]): void => {
    cluster.view = viewOf(...members);
    for (const listener of listeners) listener(cluster.view);
  };
  /** The node is in contact with the owner again. */
  const meet = (id: string): void => {
    network.heal('g', id);
    meshes.get(id)?.signal('g', { $case: 'ownershipSettled', value: { role: '', generation: 0 } });
  };
  return { clock, network, meet, calls, heard, known, show };
}

describe('WitnessCalls', () => {
  it('tell every session-node who is behind, that one too, and say once that it is known', async () => {
    const { calls, heard, known } = start('s1', 's2', 's3');
    calls.tell('1', 7, 's1', 5);
    expect(known).toEqual([]);
    await settled();
    expect([...new Set(heard)].sort()).toEqual(['s1: s1 5', 's2: s1 5', 's3: s1 5']);
    expect(known).toEqual(['1 7 s1 5']);
  });

  it('are repeated to a session-node that is reached again, until one knows', async () => {
    const { clock, network, meet, calls, known } = start('s1', 's2');
    calls.tell('0', 7, 's1', 5);
    await settled();
    for (const id of ['s1', 's2']) network.cut('g', id);
    calls.tell('1', 7, 's1', 5);
    clock.advance(60_000);
    await settled();
    expect(known).toEqual(['0 7 s1 5']);
    meet('s2');
    await settled();
    expect(known).toEqual(['0 7 s1 5', '1 7 s1 5']);
  });

  it('are for nobody where the only session-node is the one that is behind', () => {
    const { calls, known, show } = start('s1');
    calls.tell('1', 7, 's1', 5);
    expect(known).toEqual(['1 7 s1 5']);
    show('s1', 's2');
    calls.tell('2', 8, 's1', 1);
    show('s1');
    expect(known).toEqual(['1 7 s1 5', '2 8 s1 1']);
  });

  it('are not waited for by an owner that has lost the key', async () => {
    const { calls, known } = start('s1', 's2');
    calls.tell('1', 7, 's1', 5);
    calls.forget('1');
    await settled();
    expect(known).toEqual([]);
  });
});
