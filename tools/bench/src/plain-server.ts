import { type AddressInfo, type Socket, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { type WebSocket, WebSocketServer } from 'ws';

/**
 * What the gateway is compared with, as a process of its own: a server on `ws` that sends every event to every socket
 * with a seq of its own, and does nothing else (no sessions, no replay buffers, no permissions). Events come over TCP
 * as lines `NAME DATA`; each is answered with one byte when it has been sent to all.
 *
 * `plain` sends send by send. `corked` takes all the events that came in one turn and gives each socket all of them
 * under one cork, which is one write.
 */

interface Receiver {
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

function tailOf(line: string): string {
  const space = line.indexOf(' ');
  return `"t":"${line.slice(0, space)}","d":${line.slice(space + 1)}}`;
}

function main(way: string | undefined): void {
  const send = way === 'corked' ? sendCorked : sendEach;
  const receivers: Receiver[] = [];
  const sockets = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: false,
    clientTracking: false,
  });
  sockets.on('connection', (socket, { socket: under }) => {
    const receiver = { socket, under, seq: 0 };
    receivers.push(receiver);
    socket.on('error', () => undefined);
    socket.on('close', () => receivers.splice(receivers.indexOf(receiver), 1));
  });
  const events = createServer({ noDelay: true }, (publisher) => {
    const tails: string[] = [];
    createInterface(publisher).on('line', (line) => {
      if (tails.push(tailOf(line)) > 1) return;
      setImmediate(() => {
        send(receivers, tails);
        publisher.write('.'.repeat(tails.length));
        tails.length = 0;
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
