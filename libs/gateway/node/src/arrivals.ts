import { type AddressInfo, type ListenOptions, type Server, type Socket, createServer } from 'node:net';
import { Pace } from './pace';

/**
 * Connections that the system keeps until they are accepted, as far as it allows (net.core.somaxconn): with Node's 511 those of
 * a storm are dropped and come again after seconds.
 */
const backlog = 4096;

/** Connections that begin in one turn: a TLS handshake takes a millisecond or two. */
const perTurn = 16;

export interface Reception {
  /** Whether a connection may come in. If not, it has been answered. */
  readonly admit: (socket: Socket) => boolean;
  /** Takes a connection over, from its first byte on. */
  readonly begin: (socket: Socket) => void;
  /** Runs a task after the current turn of the event loop. */
  readonly turn: (task: () => void) => void;
}

/**
 * The listening socket. Node accepts all that the system has in one turn of the event loop, and would read their requests in the
 * next: with thousands that come at once everything else waits for most of a second. Here they are accepted without
 * being read, and begin a few a turn.
 */
export class Arrivals {
  private readonly server: Server;
  private readonly waiting: Pace<Socket>;

  /** @param most connections at the same time; one more is cut off */
  constructor(most: number, { admit, begin, turn }: Reception) {
    // As an HTTP server has it, but for the pause.
    this.server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
    this.server.maxConnections = most;
    this.waiting = new Pace(perTurn, turn, (socket) => {
      begin(socket);
      socket.resume();
    });
    this.server.on('connection', (socket) => {
      if (admit(socket)) this.waiting.add(socket);
    });
  }

  /** Rejects with the error of `listen`. @returns where it listens, with the real port */
  async listen(at: Pick<ListenOptions, 'host' | 'port'>): Promise<AddressInfo> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ ...at, backlog }, resolve);
    });
    return this.server.address() as AddressInfo;
  }

  /** Accepts no more. Those that have not begun are cut off, and find another ws-gateway. */
  shut(): void {
    this.server.close();
    for (const socket of this.waiting.clear()) socket.destroy();
  }
}
