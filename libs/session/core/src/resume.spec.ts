import fc from 'fast-check';
import { World, gateway, otherGateway, readinessOf } from './world.fixture';

const refusal = { closeCode: 0, resumable: false };

describe('a resume', () => {
  it('brings what was missed, once, in order, with the original numbers; then RESUMED; then what is live', () => {
    const world = new World();
    const { connection, sessionId } = world.ready();
    world.event(1);
    world.drop(connection);
    world.event(2);
    world.event(3);
    const again = world.resume(sessionId, 2);
    world.event(4);
    expect(world.connection(again)).toMatchObject({ from: 2, epoch: 2 });
    expect(world.connection(again).frames.map(({ seq, name, json }) => [seq, name, json])).toEqual([
      [3, 'MESSAGE_CREATE', '"e1"'],
      [4, 'MESSAGE_CREATE', '"e2"'],
      [5, 'MESSAGE_CREATE', '"e3"'],
      [6, 'RESUMED', '{"_trace":[]}'],
      [7, 'MESSAGE_CREATE', '"e4"'],
    ]);
  });

  it('of an unknown session, or of another user, is answered with op 9', () => {
    const world = new World();
    const { sessionId } = world.ready();
    expect(world.connection(world.resume('7..AAAAAAAAAAAAAAAAAAAAAA', 1)).refused).toMatchObject(refusal);
    expect(world.connection(world.resume(sessionId, 1, '8')).refused).toMatchObject(refusal);
    expect(world.connection(world.resume(sessionId, 0)).refused).toMatchObject(refusal);
    expect(world.node.figures.sessions).toBe(1);
  });

  it('from a number that was never sent closes with 4007 and drops the session', () => {
    const world = new World();
    const { connection, sessionId } = world.ready();
    expect(world.connection(world.resume(sessionId, 3)).refused?.closeCode).toBe(4007);
    expect(world.connection(connection).closed).toBe(0);
    expect(world.connection(world.resume(sessionId, 2)).refused).toMatchObject(refusal);
  });

  it('from before the start of the buffer is answered with op 9', () => {
    const world = new World({ replay: { events: 3, bytes: 1e6 } });
    const { connection, sessionId } = world.ready();
    world.drop(connection);
    for (let index = 1; index <= 3; index++) world.event(index);
    expect(world.connection(world.resume(sessionId, 1)).refused).toMatchObject(refusal);
    expect(world.node.figures.sessions).toBe(0);
  });

  it('takes the session over from a connection that still looks open, whose late end means nothing', () => {
    const world = new World();
    const { connection, sessionId } = world.ready();
    const again = world.resume(sessionId, 1);
    expect(world.connection(connection).closed).toBe(4000);
    world.drop(connection, true);
    world.event(1);
    expect(world.names(connection)).toEqual(['READY', 'GUILD_CREATE']);
    expect(world.names(again)).toEqual(['GUILD_CREATE', 'RESUMED', 'MESSAGE_CREATE']);
  });

  it('takes it over from another ws-gateway too, which is told to close, and whose end means nothing', () => {
    const world = new World();
    const { connection, sessionId } = world.ready();
    const again = world.resume(sessionId, 1, '7', otherGateway);
    expect(world.connection(connection).closed).toBe(4000);
    world.drop(connection, true);
    world.run(world.node.peerGone(gateway, world.now));
    world.event(1);
    expect(world.names(connection)).toEqual(['READY', 'GUILD_CREATE']);
    expect(world.names(again)).toEqual(['GUILD_CREATE', 'RESUMED', 'MESSAGE_CREATE']);
    expect(world.connection(again).closed).toBeUndefined();
  });

  it('in the middle of a replay takes that over as well, from where its own client is', () => {
    const world = new World();
    const { connection, sessionId } = world.ready();
    world.drop(connection);
    for (let index = 1; index <= 400; index++) world.event(index);
    const first = world.resume(sessionId, 2);
    const second = world.resume(sessionId, 100, '7', otherGateway);
    world.drained(first);
    world.drained(second);
    expect(world.connection(first).frames).toHaveLength(256);
    expect(world.connection(first).closed).toBe(4000);
    expect(world.seqs(second)).toEqual(Array.from({ length: 303 }, (_, at) => at + 101));
    expect(world.names(second).at(-1)).toBe('RESUMED');
  });

  it('is possible until the window has passed, again after each drop, and not later', () => {
    const world = new World();
    const { connection, sessionId } = world.ready();
    world.drop(connection);
    world.wait(179_999);
    const again = world.resume(sessionId, 2);
    expect(world.names(again)).toEqual(['RESUMED']);
    world.wait(400_000);
    world.drop(again);
    world.wait(180_000);
    expect(world.connection(world.resume(sessionId, 3)).refused).toMatchObject(refusal);
  });

  it('of a session that is not ready yet is answered with op 9', () => {
    const world = new World();
    world.readiness = undefined;
    const { sessionId } = world.connection(world.identify());
    expect(world.connection(world.resume(sessionId, 1)).refused).toMatchObject(refusal);
    expect(world.node.figures.sessions).toBe(1);
  });

  it('that is refused leaves the session to the client that has it', () => {
    const world = new World({ replay: { events: 3, bytes: 1e6 } });
    const { connection, sessionId } = world.ready();
    for (let index = 1; index <= 4; index++) world.event(index);
    expect(world.connection(world.resume(sessionId, 1)).refused).toMatchObject(refusal);
    world.event(5);
    expect(world.seqs(connection)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(world.names(world.resume(sessionId, 6))).toEqual(['MESSAGE_CREATE', 'RESUMED']);
  });

  it('comes in parts that wait for the socket, and nothing live comes between', () => {
    const world = new World();
    const { connection, sessionId } = world.ready();
    world.drop(connection);
    for (let index = 1; index <= 600; index++) world.event(index);
    const again = world.resume(sessionId, 2);
    expect(world.connection(again).frames).toHaveLength(256);
    expect(
      world
        .connection(again)
        .frames.filter(({ wantsDrain }) => wantsDrain)
        .map(({ seq }) => seq),
    ).toEqual([258]);
    world.event(601);
    expect(world.connection(again).frames).toHaveLength(256);
    world.drained(again);
    world.drained(again);
    expect(world.seqs(again)).toEqual(Array.from({ length: 602 }, (_, at) => at + 3));
    expect(world.names(again).at(-1)).toBe('RESUMED');
  });

  it('sends at most 256 KiB at once, and one dispatch however long it is', () => {
    const world = new World();
    const { connection, sessionId } = world.ready();
    world.drop(connection);
    const data = new Uint8Array(100_000).fill(32);
    for (let index = 1; index <= 3; index++) {
      world.event(index, {
        event: { id: `e${index}`, name: 'X', data, own: new Uint8Array(0), volatile: false },
      });
    }
    world.event(4, {
      event: { id: 'e4', name: 'X', data: new Uint8Array(300_000), own: data, volatile: false },
    });
    const again = world.resume(sessionId, 2);
    expect(world.seqs(again)).toEqual([3, 4]);
    world.drained(again);
    expect(world.seqs(again)).toEqual([3, 4, 5]);
    world.drained(again);
    expect(world.names(again).slice(-2)).toEqual(['X', 'RESUMED']);
  });

  it('that is slower than the buffer slides ends with op 9', () => {
    const world = new World({ replay: { events: 300, bytes: 1e9 } });
    const { connection, sessionId } = world.ready();
    world.drop(connection);
    for (let index = 1; index <= 298; index++) world.event(index);
    const again = world.resume(sessionId, 1);
    for (let index = 299; index <= 600; index++) world.event(index);
    world.drained(again);
    expect(world.connection(again).closed).toBe(0);
    expect(world.node.figures.sessions).toBe(0);
  });

  it('whatever is interleaved, leaves the client with 1..n, each once, in order, as they were dispatched', () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ do: fc.constant('events' as const), count: fc.integer({ min: 1, max: 200 }) }),
      },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('read' as const), count: fc.nat(200) }) },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constantFrom('drop' as const, 'takeover' as const, 'gone' as const),
          count: fc.constant(0),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), count: fc.nat(20_000) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), (steps) => {
        const world = new World({ replay: { events: 16_384, bytes: 1e9 } });
        world.readiness = readinessOf('7', ['100']);
        const { connection, sessionId } = world.ready();
        let current: number | undefined = connection;
        let read = 0;
        let index = 0;
        const got: { seq: number; name: string; json: string }[] = [];
        const take = (count: number): void => {
          if (current === undefined) return;
          const at = current;
          for (let left = count; left > 0; left--) {
            const frame = world.connection(at).frames[read];
            if (frame === undefined) return;
            read++;
            got.push(frame);
            if (frame.wantsDrain) world.drained(at);
          }
        };
        const resume = (): void => {
          current = world.resume(sessionId, got.length);
          read = 0;
          if (world.connection(current).refused !== undefined) throw new Error('refused');
        };
        take(1);
        for (const { do: what, count } of steps) {
          if (what === 'events') for (let at = 0; at < count; at++) world.event(++index);
          else if (what === 'wait') world.wait(count);
          else if (what === 'read' && current === undefined) resume();
          else if (what === 'read') take(count);
          else if (what === 'takeover') resume();
          else if (current !== undefined) {
            if (what === 'drop') world.drop(current);
            else world.run(world.node.peerGone(gateway, world.now));
            current = undefined;
          }
          if (current === undefined && world.node.figures.sessions === 0) return;
          if (world.now > 170_000) break;
        }
        resume();
        take(1_000_000);
        expect(got.map(({ seq }) => seq)).toEqual(got.map((_, at) => at + 1));
        expect(got.filter(({ name }) => name === 'MESSAGE_CREATE').map(({ json }) => json)).toEqual(
          Array.from({ length: index }, (_, at) => `"e${at + 1}"`),
        );
        expect(got.at(-1)?.name).toBe('RESUMED');
      }),
      { numRuns: 60 },
    );
  });
});
