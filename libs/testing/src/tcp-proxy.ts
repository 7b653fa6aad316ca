import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

/** A TCP proxy whose connections a test can cut in the middle of whatever they carry. */
export interface TcpProxy {
  /** HOST:PORT to dial instead of the target. */
  readonly address: string;
  /** The first line that each connection sent, of those that were passed on. */
  readonly requests: readonly string[];
  /** Ends every connection on both sides at once, without a goodbye. */
  cut(): void;
  /** Where new connections go from now on. Empty: they wait, as behind a balancer that looks for a living node. */
  retarget(target: string): void;
  close(): Promise<void>;
}

/**
 * @param first HOST:PORT; empty: connections wait until retarget()
 * @param at HOST:PORT to listen on
 */
export async function startTcpProxy(first = '', at = '127.0.0.1:0'): Promise<TcpProxy> {
  let target = first;
  const sockets = new Set<Socket>();
  const held = new Set<Socket>();
  const requests: string[] = [];
  const join = (inbound: Socket): void => {
    const colon = target.lastIndexOf(':');
    const outbound = connect(Number(target.slice(colon + 1)), target.slice(0, colon));
    inbound.on('data', (chunk: Buffer) => {
      // Some clients send one request after the other on a connection; none of them cuts its first line in two.
      const request = /^GET .*/.exec(chunk.toString('latin1', 0, 1024));
      if (request) requests.push(request[0].trimEnd());
    });
    for (const [from, to] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  };
  const server = createServer((inbound) => {
    if (target !== '') return join(inbound);
    held.add(inbound);
    inbound.on('error', () => inbound.destroy());
    inbound.on('close', () => held.delete(inbound));
  });
  await new Promise<void>((resolve) =>
    server.listen(Number(at.slice(at.lastIndexOf(':') + 1)), at.slice(0, at.lastIndexOf(':')), resolve),
  );
  const cut = (): void => {
    for (const socket of [...sockets, ...held]) socket.resetAndDestroy();
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    cut,
    retarget: (next) => {
      target = next;
      if (next === '') return;
      for (const inbound of held) join(inbound);
      held.clear();
    },
    close: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
