import { type Cluster, RingView, type Role } from '@derailed/platform/cluster';
import { InProcessNetwork } from '@derailed/platform/mesh';
import { AudienceKind } from '@derailed/shared/contract';
import { seededRng } from '@derailed/shared/kernel';
import { VirtualClock } from '@derailed/testing';
import { SyncAnswers } from './sync-answers';

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Session-node `s` and two owners of guilds. `list` shows it a list: of each member which of its starts is on it. */
function start() {
  const network = new InProcessNetwork({ clock: new VirtualClock(), rng: seededRng(1) });
  const [mesh, before, next] = ['s', 'g1', 'g2'].map((id) => network.join(id));
  const said: string[] = [];
  next!.onMessage('audienceWasBehind', ({ node, needs }) => said.push(`${node} ${needs}`));
  next!.onMessage('ownershipSynced', () => said.push('all'));
  const cluster = { view: new RingView(0, []) };
  const answers = new SyncAnswers(mesh!, cluster as Pick<Cluster, 'view'> as Cluster, () => true);
  answers.listen();
  let generation = 0;
  return {
    list: (starts: Readonly<Record<string, string>>): void => {
      const members = Object.entries(starts).map(([id, incarnation]) => {
        const roles: Role[] = [id.startsWith('g') ? 'guild-node' : 'session-node'];
        return { id, incarnation, roles, state: 'serving' as const, contractVersion: 1 };
      });
      cluster.view = new RingView(++generation, members);
      answers.listChanged();
    },
    /** Owner g1 goes on without that node. */
    goOnWithout: (node: string, needs: number): void => {
      const kind = AudienceKind.AUDIENCE_KIND_GUILD;
      before!.signal('s', {
        $case: 'audienceBehind',
        value: { kind, audienceId: '1', term: 1, node, needs },
      });
    },
    /** What owner g2 hears when it asks. */
    asked: async (): Promise<readonly string[]> => {
      await settled();
      next!.send('s', 'sync', {
        $case: 'ownershipSync',
        value: { role: 'guild-node', generation, part: undefined },
      });
      await settled();
      return said.splice(0);
    },
  };
}

describe('what a session-node says to the next owner of a guild', () => {
  it('has in it whom the owner before went on without', async () => {
    const { list, goOnWithout, asked } = start();
    list({ s: 'a', t: 'a', g1: 'a', g2: 'a' });
    goOnWithout('t', 5);
    list({ s: 'a', t: 'a', g2: 'a' });
    expect(await asked()).toEqual(['t 5', 'all']);
  });

  it('has nothing in it of a start that is over: the next one has no session of those', async () => {
    const { list, goOnWithout, asked } = start();
    list({ s: 'a', t: 'a', g1: 'a', g2: 'a' });
    goOnWithout('t', 5);
    await settled();
    list({ s: 'a', t: 'b', g2: 'a' });
    expect(await asked()).toEqual(['all']);
    list({ s: 'a', t: 'b', g1: 'a', g2: 'a' });
    goOnWithout('t', 7);
    list({ s: 'a', t: 'b', g2: 'a' });
    expect(await asked()).toEqual(['t 7', 'all']);
  });
});
