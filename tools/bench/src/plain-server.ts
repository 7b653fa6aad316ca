import { type AddressInfo, type Socket, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { type Deflate, constants, createDeflate } from 'node:zlib';
import { type WebSocket, WebSocketServer } from 'ws';

/**
 * What the gateway is compared with, as a process of its own: a server on `ws` that sends every event to every socket
 * with a seq of its own, and does nothing else (no sessions, no replay buffers, no permissions). Events come over TCP
 * as lines `NAME DATA`; each is answered with one byte when it has been sent to all.
 *
 * `plain` sends send by send. `corked` takes all the events that came in one turn and gives each socket all of them
 * under one cork, which is one write. `deflated` is `plain` with a deflater of its own for each socket, as servers of
 * this protocol have for `compress=zlib-stream`: each payload is written to it and flushed.
 */

interface Receiver {
  readonly deflater: Deflate | undefined;
  readonly socket: WebSocket;
  readonly under: Socket;
  seq: number;
}

function sendEach(receivers: readonly Receiver[], tails: readonly string[]): void {
  for (const tail of tails)
    for (const receiver of receivers) receiver.socket.send(`{"op":0,"s":${++receiver.seq},${tail}`);
}

function sendCorked(receivers: readonly Receiver[], tails: readonly string[]): void {
  for (const receiver of receivers) {
    receiver.under.cork();
    for (const tail of tails) receiver.socket.send(`{"op":0,"s":${++receiver.seq},${tail}`);
    receiver.under.uncork();
  }
}

async function sendDeflated(receivers: readonly Receiver[], tails: readonly string[]): Promise<void> {
  const sent: Promise<void>[] = [];
  for (const tail of tails)
    for (const receiver of receivers) sent.push(sendOne(receiver, `{"op":0,"s":${++receiver.seq},${tail}`));
  await Promise.all(sent);
}

function sendOne({ deflater, socket }: Receiver, payload: string): Promise<void> {
  return new Promise((resolve) => {
    deflater?.write(payload);
    deflater?.flush(constants.Z_SYNC_FLUSH, () => {
      socket.send(deflater.read() as Buffer);
      resolve();
    });
  });
}

function tailOf(line: string): string {
  const space = line.indexOf(' ');
  return `"t":"${line.slice(0, space)}","d":${line.slice(space + 1)}}`;
}

function main(way: string | undefined): void {
  const send = way === 'corked' ? sendCorked : way === 'deflated' ? sendDeflated : sendEach;
  const receivers: Receiver[] = [];
  const sockets = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: false,
    clientTracking: false,
  });
  sockets.on('connection', (socket, { socket: under }) => {
    const deflater = way === 'deflated' ? createDeflate() : undefined;
    const receiver = { deflater, socket, under, seq: 0 };
    receivers.push(receiver);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      deflater?.close();
      receivers.splice(receivers.indexOf(receiver), 1);
    });
  });
  const events = createServer({ noDelay: true }, (publisher) => {
    const tails: string[] = [];
    createInterface(publisher).on('line', (line) => {
      if (tails.push(tailOf(line)) > 1) return;
      setImmediate(() => {
        const taken = tails.splice(0);
        void Promise.resolve(send(receivers, taken)).then(() => {
          publisher.write('.'.repeat(taken.length));
        });
      });
    });
    publisher.on('error', () => undefined);
  });
  events.listen(0, '127.0.0.1', () => {
    const ports = [sockets, events].map((server) => (server.address() as AddressInfo).port);
    process.stdout.write(`${ports.join(' ')}\n`);
  });
  process.once('disconnect', () => process.exit(0));
}

main(process.argv[2]);
