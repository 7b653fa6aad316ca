import type { Handover } from '@derailed/guild/core';
import { type Member, RingView } from '@derailed/platform/cluster';
import { InProcessNetwork } from '@derailed/platform/mesh';
import { seededRng } from '@derailed/shared/kernel';
import { VirtualClock } from '@derailed/testing';
import { settled } from './guild-node.fixture';
import { Handovers } from './handovers';

const handover: Handover = {
  guild: { id: '1', name: 'one', icon: null, ownerId: '5', permissions: 0n, flags: 0 },
  roles: [],
  channels: [],
  memberCount: 0,
  members: [],
  known: [],
  voices: [],
  readAt: 7,
  unread: false,
};

/** Guild-nodes, each with its own view of the list; `old` has a guild for whoever owns it by its view. */
function start() {
  const clock = new VirtualClock();
  const network = new InProcessNetwork({ clock, rng: seededRng(1) });
  const members = new Map<string, Member>();
  const asked: boolean[] = [];
  const node = (id: string) => {
    const mesh = network.join(id);
    const { incarnation } = mesh.self;
    members.set(id, { id, incarnation, roles: ['guild-node'], state: 'serving', contractVersion: 1 });
    const cluster = { view: new RingView(0, []) };
    const handovers = new Handovers(mesh, cluster, clock, { asked: (done) => void asked.push(done) });
    const see = (generation: number, ...ids: string[]): void => {
      cluster.view = new RingView(
        generation,
        ids.map((name) => {
          const [of, state = 'serving'] = name.split('-') as [string, Member['state'] | undefined];
          return { ...members.get(of)!, state };
        }),
      );
      handovers.listChanged();
    };
    return { handovers, see, incarnation };
  };
  const [old, next, third] = [node('old'), node('next'), node('third')];
  const before = {
    kind: 1,
    audienceId: '1',
    owner: 'old',
    ownerIncarnation: old.incarnation,
    term: 3,
    index: 9,
  };
  for (const { see } of [old, next, third]) see(2, 'old-draining', 'next');
  old.handovers.keep('1', 3, () => handover);
  return { clock, asked, old, next, third, before };
}

describe('the state of a guild that has moved', () => {
  it('goes to the next owner, once', async () => {
    const { next, before, asked } = start();
    expect(await next.handovers.fetch('1', before)).toEqual(handover);
    expect(await next.handovers.fetch('1', before)).toBeUndefined();
    expect(asked).toEqual([true, false]);
  });

  it('goes to nobody else, and not for another term', async () => {
    const { next, third, before } = start();
    expect(await third.handovers.fetch('1', before)).toBeUndefined();
    expect(await next.handovers.fetch('1', { ...before, term: 2 })).toBeUndefined();
    expect(await next.handovers.fetch('1', before)).toEqual(handover);
  });

  it('does not go to an owner by a later list than is known here: others may have had the guild meanwhile', async () => {
    const { next, before, old } = start();
    next.see(3, 'old-draining', 'next');
    expect(await next.handovers.fetch('1', before)).toBeUndefined();
    old.see(3, 'old-draining', 'next');
    expect(await next.handovers.fetch('1', before)).toEqual(handover);
  });

  it('is dropped when the guild goes on to another owner, also when it comes back', async () => {
    const { next, old, before } = start();
    old.see(3, 'old-draining', 'third');
    old.see(4, 'old-draining', 'next');
    next.see(4, 'old-draining', 'next');
    expect(await next.handovers.fetch('1', before)).toBeUndefined();
  });

  it('is not asked of a start that is off the list', async () => {
    const { next, before, asked } = start();
    expect(await next.handovers.fetch('1', { ...before, ownerIncarnation: 'zero' })).toBeUndefined();
    next.see(3, 'next');
    expect(await next.handovers.fetch('1', before)).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it('is forgotten when nobody asks for it', async () => {
    const { clock, next, before } = start();
    clock.advance(30_000);
    expect(await next.handovers.fetch('1', before)).toBeUndefined();
  });

  it('keeps a node that drains until it is fetched, or a few seconds', async () => {
    const { old, next, before } = start();
    let left = false;
    void old.handovers.fetched().then(() => (left = true));
    await settled();
    expect(left).toBe(false);
    await next.handovers.fetch('1', before);
    await settled();
    expect(left).toBe(true);
    const slow = start();
    void slow.old.handovers.fetched().then(() => (left = false));
    slow.clock.advance(3000);
    await settled();
    expect(left).toBe(false);
  });
});
