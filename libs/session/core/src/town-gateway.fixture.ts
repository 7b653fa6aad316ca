import type { Inbound, NodeRef, Outbound } from './messages';

const decoder = new TextDecoder();

export interface Client {
  sessionId: string;
  epoch: number;
  /** The session-node that its connection hears. */
  peer: string;
  /** Another one before, while the present one has not bound it. */
  before: string | undefined;
  lastSeq: number;
  readonly frames: { readonly seq: number; readonly name: string; readonly text: string }[];
  closed: number | undefined;
  /** Op 9, false. */
  invalid: boolean;
  boundTimes: number;
}

/** The ws-gateway of a Town: does as the contract says, and keeps what each client got. */
export class TownGateway {
  readonly clients = new Map<number, Client>();
  private connections = 0;

  constructor(private readonly send: (to: string, message: Inbound) => void) {}

  client(connection: number): Client {
    const client = this.clients.get(connection);
    if (client === undefined) throw new Error(`no connection ${connection}`);
    return client;
  }

  connect(): number {
    const connection = ++this.connections;
    const lastSeq = 0;
    const fresh = {
      sessionId: '',
      epoch: 0,
      peer: '',
      before: undefined,
      lastSeq,
      closed: undefined,
      invalid: false,
      boundTimes: 0,
    };
    this.clients.set(connection, { ...fresh, frames: [] });
    return connection;
  }

  /** A session-node is dead. */
  gone(id: string): void {
    for (const [connection, client] of this.clients) {
      if (client.peer === id) {
        client.closed ??= 4000;
        client.peer = '';
      }
      if (client.before !== id) continue;
      client.before = undefined;
      const { sessionId, epoch } = client;
      const value = { connection, sessionId, epoch, open: true, pressed: false, forsaken: true };
      this.send(client.peer, { $case: 'connectionReleased', value });
    }
  }

  /** What a session-node says. */
  hear(from: NodeRef, message: Outbound): void {
    switch (message.$case) {
      case 'bound': {
        const { connection, sessionId, epoch, seq } = message.value;
        const client = this.client(connection);
        if (client.closed !== undefined) {
          this.send(from.id, {
            $case: 'connectionEnded',
            value: { sessionId, epoch, endSession: false },
          });
          return;
        }
        if (epoch <= client.epoch) return;
        if (client.boundTimes++ > 0 && seq !== client.lastSeq) client.closed = 4000;
        Object.assign(client, { sessionId, epoch, peer: from.id, before: undefined, lastSeq: seq });
        break;
      }
      case 'refused':
        this.client(message.value.connection).invalid = message.value.closeCode === 0;
        this.client(message.value.connection).closed = message.value.closeCode;
        break;
      case 'closeConnection': {
        const client = this.client(message.value.connection);
        if (client.epoch !== message.value.epoch || client.peer !== from.id) return;
        client.closed = message.value.closeCode;
        client.invalid = message.value.closeCode === 0;
        break;
      }
      case 'connectionMoving': {
        const { connection, sessionId, epoch, node } = message.value;
        const client = this.client(connection);
        const open = client.closed === undefined && client.epoch === epoch && client.peer === from.id;
        if (open) Object.assign(client, { peer: node, before: from.id });
        const value = { connection, sessionId, epoch, open, pressed: false, forsaken: false };
        this.send(node, { $case: 'connectionReleased', value });
        break;
      }
      case 'deliver': {
        const { event, connections, seqs, wantsDrain } = message.value;
        for (const [at, connection] of connections.entries()) {
          const client = this.client(connection);
          const seq = seqs[at] ?? 0;
          if (client.closed !== undefined || client.peer !== from.id) continue;
          if (seq !== client.lastSeq + 1) client.closed = 4000;
          client.lastSeq = seq;
          client.frames.push({ seq, name: event.name, text: decoder.decode(event.data) });
          if (wantsDrain)
            this.send(client.peer, {
              $case: 'drained',
              value: { sessionId: client.sessionId, epoch: client.epoch },
            });
        }
        break;
      }
      default:
        break;
    }
  }
}
