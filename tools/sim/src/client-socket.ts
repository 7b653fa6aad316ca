import { EventEmitter } from 'node:events';
import type { Client, ClientSide, ClientWebSocket, Sink } from '@derailed/gateway/node';
import type { ConnectionEnd, ConnectionEvents, VirtualNetwork, VirtualProcess } from '@derailed/testing';

/** What passes between a client and its ws-gateway. */
export type ClientWire =
  | { readonly kind: 'upgrade'; readonly query: string }
  /** Frames of the gateway, as they are on the wire. */
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  /** A message of the client. */
  | { readonly kind: 'message'; readonly text: string }
  | { readonly kind: 'close'; readonly code: number };

const open = 1;
const closing = 2;
const closed = 3;
/** What a kernel takes without telling its process (bytes). */
const kernelBuffer = 64 * 1024;
/** Nobody looks after a client's connection but its heartbeats. */
const never = 3_600_000;

/** The WebSocket of a client as its gateway sees it: what `ws` and a socket would be. */
class GatewaySocket extends EventEmitter implements ClientWebSocket, Sink {
  readyState = open;

  constructor(private readonly end: ConnectionEnd) {
    super();
  }

  get writableLength(): number {
    return Math.max(0, this.end.waiting - kernelBuffer);
  }

  write(bytes: Uint8Array, done?: (error?: Error | null) => void): boolean {
    // The gateway uses this memory again.
    const goesOn = this.end.send(
      { kind: 'bytes', bytes: Buffer.from(bytes) } satisfies ClientWire,
      bytes.length,
    );
    if (done) queueMicrotask(done);
    return goesOn;
  }

  cork(): void {
    // What is written is sent as it comes.
  }

  uncork(): void {
    // What is written is sent as it comes.
  }

  close(code: number): void {
    if (this.readyState !== open) return;
    this.readyState = closing;
    this.end.send({ kind: 'close', code } satisfies ClientWire, 8);
  }

  terminate(): void {
    if (this.readyState === closed) return;
    this.end.close('terminated');
    this.emit('ended', 1006);
  }
}

/** Opens the door of a ws-gateway on the virtual network. */
export function serveClients(
  network: VirtualNetwork,
  process: VirtualProcess,
  address: string,
  side: ClientSide,
): void {
  network.listen(process, address, never, (end): ConnectionEvents => {
    const ws = new GatewaySocket(end);
    let client: Client | undefined;
    const over = (code: number): void => {
      if (ws.readyState === closed) return;
      ws.readyState = closed;
      if (client) side.shell.socketClosed(client, code);
    };
    ws.on('ended', over);
    return {
      received: (item) => {
        const wire = item as ClientWire;
        if (wire.kind === 'upgrade') client = side.enter(ws, ws, wire.query);
        else if (wire.kind === 'message') ws.emit('message', Buffer.from(wire.text));
        else if (wire.kind === 'close') {
          const { code } = wire;
          if (ws.readyState === open) ws.close(code);
          end.close('closed');
          over(code);
        }
      },
      drained: () => ws.emit('drain'),
      closed: () => over(1006),
    };
  });
}

/** The JSON texts in unmasked text frames. */
export function textsOf(bytes: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== 0x81) throw new Error(`frame with first byte ${bytes[at]}`);
    let length = bytes[at + 1]!;
    at += 2;
    if (length === 126) {
      length = bytes.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(at));
      at += 8;
    }
    texts.push(bytes.toString('utf8', at, at + length));
    at += length;
  }
  return texts;
}
