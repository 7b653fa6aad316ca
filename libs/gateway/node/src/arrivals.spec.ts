import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { Arrivals } from './arrivals';

describe('connections that arrive at once', () => {
  const turns: (() => void)[] = [];
  const accepted: Socket[] = [];
  const begun: Socket[] = [];
  const callers: Socket[] = [];
  let arrivals: Arrivals;
  let port: number;

  beforeEach(async () => {
    arrivals = new Arrivals(100, {
      admit: (socket) => accepted.push(socket) !== 3,
      begin: (socket) => void begun.push(socket),
      turn: (task) => void turns.push(task),
    });
    ({ port } = await arrivals.listen({ host: '127.0.0.1', port: 0 }));
  });

  afterEach(() => {
    arrivals.shut();
    for (const socket of [...callers.splice(0), ...accepted.splice(0)]) socket.destroy();
    turns.length = begun.length = 0;
  });

  const call = async (count: number): Promise<void> => {
    const most = accepted.length + count;
    while (accepted.length < most) {
      if (callers.length < most)
        callers.push(connect(port, '127.0.0.1', () => callers[0]?.write('first bytes')));
      await new Promise(setImmediate);
    }
  };
  const takeTurn = (): void => {
    for (const task of turns.splice(0)) task();
  };

  it('begin a few a turn, in the order of their coming, and go on while more come', async () => {
    await call(41);
    expect(begun).toHaveLength(0);
    takeTurn();
    expect(begun).toHaveLength(16);
    await call(10);
    takeTurn();
    takeTurn();
    takeTurn();
    expect(begun).toHaveLength(50);
    expect(begun).toEqual(accepted.filter((_, nth) => nth !== 2));
    expect(turns).toHaveLength(0);
    await call(1);
    takeTurn();
    expect(begun).toHaveLength(51);
  });

  it('are not read before they begin, and then from their first byte on', async () => {
    await call(1);
    const [socket] = accepted;
    if (socket === undefined) throw new Error('nobody came');
    expect(socket.bytesRead).toBe(0);
    const data = once(socket, 'data') as Promise<[Buffer]>;
    takeTurn();
    expect((await data)[0].toString()).toMatch(/^first bytes/);
  });

  it('and have not begun are cut off when no more are taken', async () => {
    await call(1);
    const [caller] = callers;
    if (caller === undefined) throw new Error('nobody called');
    const closed = new Promise((resolve) => caller.on('error', () => undefined).on('close', resolve));
    arrivals.shut();
    await closed;
    takeTurn();
    expect(begun).toHaveLength(0);
  });
});
