import { CallError, Code } from '@derailed/shared/kernel';
import type { Mesh, Message } from './mesh';
import {
  Ear,
  type MeshWorld,
  type WorldFactory,
  type WorldOptions,
  note,
  parcel,
  turn,
  upTo,
} from './mesh-world.fixture';
import { describePeers } from './peer-conformance.fixture';

const question = (guildId: string): Message => ({ $case: 'guildInfo', value: { guildId } });
const reply = (presences: number): Message => ({
  $case: 'guildInfoReply',
  value: { presences, available: true },
});

const outcome = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);

/** What every wiring of the mesh must do. */
export function describeMesh(wiring: string, make: WorldFactory): void {
  describe(`mesh over ${wiring}`, () => {
    let world: MeshWorld;
    const within = async (options: WorldOptions = {}): Promise<{ a: Mesh; b: Mesh; atA: Ear; atB: Ear }> => {
      world = await make(options);
      const [atA, atB] = [new Ear(), new Ear()];
      return { atA, atB, a: await world.start('a', atA.listen), b: await world.start('b', atB.listen) };
    };
    afterEach(() => world.close());

    it('handles what one node sends on a flow in that order, each message once', async () => {
      const { a, b, atB } = await within();
      for (const index of upTo(1000)) {
        for (const flow of ['x', 'y', 'z']) expect(a.send(b.self.id, flow, parcel(flow, index))).toBe(true);
        if (index % 100 === 0) await turn();
      }
      await atB.until(() => ['x', 'y', 'z'].every((flow) => atB.heard(flow).length >= 1000));
      for (const flow of ['x', 'y', 'z']) expect(atB.heard(flow)).toEqual(upTo(1000));
      expect(
        atB.from.every(({ id, incarnation }) => id === a.self.id && incarnation === a.self.incarnation),
      ).toBe(true);
    });

    it('keeps the order across flows too, of messages that are short enough to travel whole', async () => {
      const { a, b, atB } = await within();
      const flowOf = (index: number): string => (index % 10 === 9 ? 'all of it' : `part ${index % 7}`);
      for (const index of upTo(2000)) {
        // What is long goes its own way, and holds nothing up.
        if (index % 500 === 0) a.send(b.self.id, 'long', parcel('long', index, 300_000));
        a.send(b.self.id, flowOf(index), parcel('short', index, index % 3 === 0 ? 1500 : 8));
        if (index % 300 === 0) await turn();
      }
      await atB.until(() => atB.heard('short').length === 2000 && atB.heard('long').length === 4);
      expect(atB.heard('short')).toEqual(upTo(2000));
    });

    it('hands a message to oneself over as the very object, after send has returned', async () => {
      world = await make();
      const seen: unknown[] = [];
      let done = (): void => undefined;
      const handled = new Promise<void>((resolve) => (done = resolve));
      const mesh = await world.start('a', (own) => {
        own.onMessage('audienceAck', (value) => {
          seen.push(value);
          if (seen.length === 2) done();
        });
      });
      const [first, second] = [note(1), note(2)];
      mesh.send(mesh.self.id, 'x', first);
      mesh.signal(mesh.self.id, second);
      expect(seen).toEqual([]);
      await handled;
      expect(seen[0]).toBe(first.value);
      expect(seen[1]).toBe(second.value);
    });

    it('never starts a handler within another', async () => {
      world = await make();
      let depth = 0;
      let deepest = 0;
      const ear = new Ear();
      const a = await world.start('a', (own) => {
        ear.listen(own);
        own.onMessage('drained', ({ epoch }) => {
          deepest = Math.max(deepest, ++depth);
          if (epoch > 0)
            own.send(own.self.id, 'x', { $case: 'drained', value: { sessionId: '', epoch: epoch - 1 } });
          else own.signal(own.self.id, note(0));
          depth--;
        });
      });
      a.send(a.self.id, 'x', { $case: 'drained', value: { sessionId: '', epoch: 100 } });
      await ear.until(() => ear.notes.length === 1);
      expect(deepest).toBe(1);
    });

    it('gives a message to the first handler that accepts it, and lives on when a handler throws', async () => {
      world = await make();
      const got: string[] = [];
      const ear = new Ear();
      const b = await world.start('b', (own) => {
        own.onMessage(
          'drained',
          () => got.push('odd'),
          ({ epoch }) => epoch % 2 === 1,
        );
        own.onMessage('drained', ({ epoch }) => {
          got.push('any');
          if (epoch === 2) throw new Error('a bug');
        });
        ear.listen(own);
      });
      const a = await world.start('a', () => undefined);
      for (const epoch of [1, 2, 3, 4])
        a.send(b.self.id, 'x', { $case: 'drained', value: { sessionId: '', epoch } });
      a.send(b.self.id, 'x', parcel('x', 0));
      await ear.until(() => ear.order.length === 1);
      expect(got).toEqual(['odd', 'any', 'odd', 'any']);
    });

    describe('calls', () => {
      const answering = (own: Mesh): void => {
        own.onCall('guildInfo', async ({ guildId }) => {
          if (guildId === 'never') return new Promise<Message>(() => undefined);
          await turn();
          if (guildId === 'refused') throw new CallError(Code.NOT_FOUND, 'no such guild');
          if (guildId === 'broken') throw new Error('secret details');
          if (guildId === 'strange') return note(1);
          return reply(Number(guildId));
        });
      };
      const ask = (from: Mesh, to: Mesh, id: string, deadlineMs = 10_000): Promise<unknown> =>
        outcome(from.call(to.self.id, 'g', question(id), 'guildInfoReply', deadlineMs));

      it.each(['another node', 'oneself'])('are answered by %s, each with its own answer', async (whom) => {
        world = await make();
        const a = await world.start('a', answering);
        const b = whom === 'oneself' ? a : await world.start('b', answering);
        const answers = await Promise.all(upTo(50).map((id) => ask(a, b, String(id))));
        expect(answers).toEqual(upTo(50).map((presences) => ({ presences, available: true })));
      });

      it('fail with the code and sentence of the CallError that the handler threw', async () => {
        world = await make();
        const [a, b] = [await world.start('a', answering), await world.start('b', answering)];
        expect(await ask(a, b, 'refused')).toMatchObject({ code: Code.NOT_FOUND, message: 'no such guild' });
      });

      it('fail INTERNAL, without details, when the handler fails otherwise or answers with something else', async () => {
        world = await make();
        const [a, b] = [await world.start('a', answering), await world.start('b', answering)];
        const error = await ask(a, b, 'broken');
        expect(error).toMatchObject({ code: Code.INTERNAL });
        expect(String(error)).not.toContain('secret');
        expect(await ask(a, b, 'strange')).toMatchObject({ code: Code.INTERNAL });
      });

      it('fail UNIMPLEMENTED where nobody answers that kind', async () => {
        world = await make();
        const [a, b] = [await world.start('a', answering), await world.start('b', () => undefined)];
        expect(await ask(a, b, '1')).toMatchObject({ code: Code.UNIMPLEMENTED });
      });

      it('fail DEADLINE_EXCEEDED when no answer comes in time', async () => {
        world = await make();
        const [a, b] = [await world.start('a', answering), await world.start('b', answering)];
        const late = ask(a, b, 'never', 100);
        world.pass(100);
        expect(await late).toMatchObject({ code: Code.DEADLINE_EXCEEDED });
      });

      it('fail UNAVAILABLE to a node that nobody knows', async () => {
        world = await make();
        const a = await world.start('a', answering);
        expect(a.send('nobody', 'g', note(1))).toBe(false);
        expect(await outcome(a.call('nobody', 'g', question('1'), 'guildInfoReply', 1000))).toMatchObject({
          code: Code.UNAVAILABLE,
        });
      });

      it('fail UNAVAILABLE when the peer dies meanwhile', async () => {
        world = await make();
        const ear = new Ear();
        const [a, b] = [await world.start('a', ear.listen), await world.start('b', answering)];
        const lost = ask(a, b, 'never', 60_000);
        await ear.until(() => ear.peers.length === 1);
        await world.kill('b');
        world.pass(world.graceMs);
        expect(await lost).toMatchObject({ code: Code.UNAVAILABLE });
      });
    });

    describe('back pressure', () => {
      const sendUntilFull = (from: Mesh, to: Mesh, first: number): number => {
        let index = first;
        while (index < first + 100_000 && from.send(to.self.id, 'x', parcel('x', index, 1024))) index++;
        return index;
      };

      it('refuses at the limit, takes again later, and handles exactly what it took', async () => {
        const { a, b, atB } = await within({ smallQueues: true });
        const first = sendUntilFull(a, b, 0);
        expect(first).toBeLessThan(10_000);
        await atB.until(() => atB.heard('x').length === first);
        const second = sendUntilFull(a, b, first);
        expect(second).toBeGreaterThan(first);
        await atB.until(() => atB.heard('x').length === second);
        expect(atB.heard('x')).toEqual(upTo(second));
      });

      it('lets two nodes with full queues go on: acks pass, and both queues empty', async () => {
        const total = 2000;
        world = await make({ smallQueues: true });
        const ears = [new Ear(), new Ear()];
        const register = (ear: Ear) => (own: Mesh) => {
          ear.listen(own);
          own.onCall('guildInfo', () => reply(1));
          own.onMessage('drained', ({ epoch }, from) => void own.signal(from.id, note(epoch)));
        };
        const nodes = await Promise.all(
          ['a', 'b'].map((name, index) => world.start(name, register(ears[index]!))),
        );
        const publish = async (from: Mesh, to: Mesh, ear: Ear): Promise<void> => {
          for (let sent = 0; sent < total;) {
            const body: Message = { $case: 'drained', value: { sessionId: 'x'.repeat(1024), epoch: sent } };
            if (from.send(to.self.id, 'x', body)) sent++;
            else await turn();
          }
          await ear.until(() => ear.notes.length === total);
        };
        await Promise.all([publish(nodes[0]!, nodes[1]!, ears[0]!), publish(nodes[1]!, nodes[0]!, ears[1]!)]);
        for (const ear of ears) expect(ear.notes).toEqual(upTo(total));
      });
    });

    it('keeps a 1 MiB body whole and in the order of its flow', async () => {
      const { a, b, atB } = await within();
      const sizes = [10, 1024 * 1024, 10, 200_000, 65_537, 65_536, 10];
      sizes.forEach((size, index) => {
        a.send(b.self.id, 'long', parcel('long', index, size));
        a.send(b.self.id, 'short', parcel('short', index));
      });
      await atB.until(() => atB.order.length === 2 * sizes.length);
      expect(atB.heard('long')).toEqual(upTo(sizes.length));
      expect(atB.heard('short')).toEqual(upTo(sizes.length));
      expect(atB.intact).toBe(true);
    });
  });

  describePeers(wiring, make);
}
