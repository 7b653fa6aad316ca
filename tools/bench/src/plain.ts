import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Message } from './message';
import { type Publisher, failure } from './publisher';
import type { Server } from './server';

const loader = join(__dirname, '../../ts.cjs');

/** One of the servers of plain-server.ts. */
export interface PlainServer extends Server {
  /** HOST:PORT of its WebSockets. */
  readonly sockets: string;
  stop(): Promise<void>;
}

export async function startPlain(way: 'plain' | 'corked' | 'deflated'): Promise<PlainServer> {
  const child = fork(join(__dirname, 'plain-server.ts'), [way], {
    execArgv: ['-r', loader],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  if (!child.stdout) throw new Error('the process has no output');
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), 'line'),
    ended.then(([code]) => Promise.reject(new Error(`the ${way} server ended with ${String(code)}`))),
  ])) as [string];
  const [sockets, events] = line.split(' ').map(Number) as [number, number];
  const publisher = await connectPublisher(events);
  return {
    name: way,
    pid: child.pid ?? 0,
    sockets: `127.0.0.1:${sockets}`,
    publisher,
    stop: async () => {
      publisher.close();
      child.disconnect();
      await ended;
    },
  };
}

async function connectPublisher(port: number): Promise<Publisher> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const waiting: (() => void)[] = [];
  const { failed, fail } = failure();
  socket.on('data', (acks) => {
    for (const done of waiting.splice(0, acks.length)) done();
  });
  socket.on('close', () => {
    fail(new Error('the plain server hung up'));
  });
  return {
    publish: ({ name, data }: Message, done) => {
      waiting.push(done);
      socket.write(`${name} ${data}\n`);
    },
    failed,
    close: () => {
      socket.destroy();
    },
  };
}
