import { Code } from '@derailed/shared/kernel';
import fc from 'fast-check';
import type { Mesh } from './mesh';
import { Ear, type MeshWorld, type WorldFactory, note, parcel, turn, upTo } from './mesh-world.fixture';

/** What every wiring must do about peers that die, come back, or are cut off. Part of describeMesh. */
export function describePeers(wiring: string, make: WorldFactory): void {
  describe(`peers over ${wiring}`, () => {
    let world: MeshWorld;
    let a: Mesh;
    let b: Mesh;
    let atA: Ear;
    let atB: Ear;
    beforeEach(async () => {
      world = await make();
      [atA, atB] = [new Ear(), new Ear()];
      a = await world.start('a', atA.listen);
      b = await world.start('b', atB.listen);
    });
    afterEach(() => world.close());

    const meet = async (): Promise<void> => {
      a.send(b.self.id, 'x', parcel('x', 0));
      b.send(a.self.id, 'x', parcel('x', 0));
      await atB.until(() => atB.heard('x').length === 1 && atB.peers.length === 1);
      await atA.until(() => atA.heard('x').length === 1 && atA.peers.length === 1);
    };

    it('both hear up at the first message of one of them, before it is handled, and never of themselves', async () => {
      a.send(a.self.id, 'x', parcel('own', 0));
      a.send(b.self.id, 'x', parcel('x', 0));
      await atB.until(() => atB.order.length > 0);
      await atA.until(() => atA.peers.length > 0);
      expect(atB.log).toEqual(['up', 'x']);
      expect(atA.peers).toMatchObject([{ kind: 'up', node: b.self }]);
      expect(atB.peers).toMatchObject([{ kind: 'up', node: a.self }]);
    });

    it('a dead peer is gone: sends are refused', async () => {
      await meet();
      await world.kill('b');
      world.pass(world.graceMs);
      await atA.until(() => atA.kinds().includes('gone'));
      expect(atA.peers.at(-1)).toMatchObject({ kind: 'gone', node: b.self });
      expect(a.send(b.self.id, 'x', parcel('x', 1))).toBe(false);
      expect(a.signal(b.self.id, note(1))).toBe(false);
    });

    it('a peer that comes back is another incarnation, up with a greater epoch', async () => {
      await meet();
      await world.kill('b');
      world.pass(world.graceMs);
      await atA.until(() => atA.kinds().includes('gone'));
      const again = new Ear();
      const reborn = await world.start('b', again.listen);
      reborn.send(a.self.id, 'again', parcel('again', 0));
      await atA.until(() => atA.kinds().length === 3 && atA.heard('again').length === 1);
      expect(atA.peers.at(-1)).toMatchObject({ kind: 'up', node: reborn.self });
      expect(atA.peers.at(-1)!.epoch).toBeGreaterThan(atA.peers[0]!.epoch);
      expect(reborn.self.id).toBe(b.self.id);
      expect(a.send(reborn.self.id, 'again', parcel('again', 0))).toBe(true);
      await again.until(() => again.heard('again').length === 1);
      expect(again.heard('x')).toEqual([]);
    });

    it('a start that is excluded is gone at once: nothing more of it is handled, nothing said to it; the next one is up', async () => {
      await meet();
      a.onMessage('drained', () => a.exclude(b.self));
      const ask = a
        .call(b.self.id, 'x', parcel('x', 1), 'guildInfoReply', 60_000)
        .catch((error: unknown) => error);
      // All in one turn: what is behind the exclusion is there already when it comes.
      for (const index of [1, 2]) b.send(a.self.id, 'x', parcel('x', index));
      b.send(a.self.id, 'x', { $case: 'drained', value: { sessionId: '', epoch: 0 } });
      for (const index of [3, 4]) b.send(a.self.id, 'x', parcel('x', index));
      await atA.until(() => atA.kinds().includes('gone'));
      expect(atA.peers.at(-1)).toMatchObject({ kind: 'gone', node: b.self, epoch: atA.peers[0]!.epoch });
      expect(await ask).toMatchObject({ code: Code.UNAVAILABLE });
      expect(a.send(b.self.id, 'x', parcel('x', 1))).toBe(false);
      expect(a.signal(b.self.id, note(1))).toBe(false);
      a.exclude(b.self);
      await world.kill('b');
      const again = new Ear();
      const reborn = await world.start('b', again.listen);
      reborn.send(a.self.id, 'again', parcel('again', 0));
      await atA.until(() => atA.heard('again').length === 1);
      expect(atA.heard('x')).toEqual([0, 1, 2]);
      expect(atA.peers.slice(1)).toMatchObject([
        { kind: 'gone', node: b.self },
        { kind: 'up', node: reborn.self },
      ]);
      expect(a.send(reborn.self.id, 'again', parcel('again', 0))).toBe(true);
      await again.until(() => again.heard('again').length === 1);
    });

    it('a start that is excluded before it was ever met is never up', async () => {
      a.exclude(b.self);
      b.send(a.self.id, 'x', parcel('x', 0));
      await atB.until(() => atB.kinds().includes('up'));
      await world.kill('b');
      const reborn = await world.start('b', new Ear().listen);
      reborn.send(a.self.id, 'again', parcel('again', 0));
      await atA.until(() => atA.heard('again').length === 1);
      expect(atA.heard('x')).toEqual([]);
      expect(atA.peers).toMatchObject([{ kind: 'up', node: reborn.self }]);
    });

    it('a cut longer than the grace parts both, and what was said before is never handled', async () => {
      await meet();
      world.cut();
      for (const index of [1, 2, 3]) a.send(b.self.id, 'x', parcel('x', index));
      world.pass(world.graceMs);
      await Promise.all([atA, atB].map((ear) => ear.until(() => ear.kinds().includes('gone'))));
      world.heal();
      while (!a.send(b.self.id, 'x', parcel('x', 4))) await turn();
      b.send(a.self.id, 'x', parcel('x', 5));
      await Promise.all([atA, atB].map((ear) => ear.until(() => ear.kinds().length >= 3)));
      await atB.until(() => atB.heard('x').includes(4));
      expect(atB.heard('x')).toEqual([0, 4]);
      for (const { peers } of [atA, atB]) {
        expect(peers.map(({ kind }) => kind)).toEqual(
          peers.map((_, index) => (index % 2 === 0 ? 'up' : 'gone')),
        );
        expect(peers.at(-1)!.epoch).toBeGreaterThan(peers[0]!.epoch);
      }
    });

    it('a cut within the grace loses nothing, doubles nothing, and nobody hears of it', async () => {
      await meet();
      for (const index of upTo(3000)) {
        expect(a.send(b.self.id, 'x', parcel('x', index + 1, index % 500 === 0 ? 100_000 : 100))).toBe(true);
        expect(b.send(a.self.id, 'x', parcel('x', index + 1))).toBe(true);
        if (index % 1000 === 500) {
          world.cut();
          await turn();
          world.heal();
        } else if (index % 100 === 0) await turn();
      }
      await Promise.all([atA, atB].map((ear) => ear.until(() => ear.heard('x').length >= 3001)));
      expect(atB.heard('x')).toEqual(upTo(3001));
      expect(atA.heard('x')).toEqual(upTo(3001));
      expect([atA.kinds(), atB.kinds()]).toEqual([['up'], ['up']]);
    });

    it('random sends over random flows with random cuts arrive exactly once and in order per flow', async () => {
      const step = fc.oneof(
        { weight: 20, arbitrary: fc.record({ forth: fc.boolean(), flow: fc.nat(3), size: fc.nat(300) }) },
        {
          weight: 3,
          arbitrary: fc.record({
            forth: fc.boolean(),
            flow: fc.nat(3),
            size: fc.integer({ min: 60_000, max: 300_000 }),
          }),
        },
        { weight: 3, arbitrary: fc.constant('turn' as const) },
        { weight: 1, arbitrary: fc.constant('cut' as const) },
      );
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 150, size: 'max' }), async (steps) => {
          run++;
          const sent = new Map<string, { ear: Ear; count: number }>();
          for (const now of steps) {
            if (now === 'turn') await turn();
            else if (now === 'cut') {
              world.cut();
              await turn();
              world.heal();
            } else {
              const flow = `${run}:${now.flow}:${now.forth ? 'forth' : 'back'}`;
              const [from, to, ear] = now.forth ? [a, b, atB] : [b, a, atA];
              const soFar = sent.get(flow) ?? { ear, count: 0 };
              sent.set(flow, soFar);
              if (from.send(to.self.id, flow, parcel(flow, soFar.count, now.size))) soFar.count++;
              else throw new Error('refused far from the limit');
            }
          }
          for (const [flow, { ear, count }] of sent) await ear.until(() => ear.heard(flow).length >= count);
          for (const [flow, { ear, count }] of sent) expect(ear.heard(flow)).toEqual(upTo(count));
        }),
        { numRuns: 12, seed: 20_240_917, endOnFailure: true },
      );
      expect([atA, atB].every(({ intact }) => intact)).toBe(true);
    });
  });
}
