import { type AddressInfo, createServer } from 'node:net';
import { Server, ServerCredentials, type ServerDuplexStream, credentials } from '@grpc/grpc-js';
import { loadConfig } from '@derailed/platform/config';
import { InProcessNetwork, type Mesh, type Message, createMesh, meshSettings } from '@derailed/platform/mesh';
import { systemClock, systemRng } from '@derailed/platform/runtime';
import {
  Batch,
  type ConnectRequest,
  type ConnectResponse,
  LinkClient,
  LinkService,
} from '@derailed/shared/contract';
import { Registry } from 'prom-client';

export interface MeshHop {
  /** Messages a second. */
  readonly inProcess: number;
  readonly grpc: number;
  /** A bare grpc-js stream, one message a frame, no acknowledgement, as long as the stream takes it. */
  readonly bare: number;
  /** grpc / bare. */
  readonly ratio: number;
}

const messages = 200_000;
const body = Buffer.alloc(300, 'x');
const message: Message = {
  $case: 'deliver',
  value: {
    event: { id: '1', name: 'MESSAGE_CREATE', data: body, own: Buffer.alloc(0), volatile: false },
    connections: [1],
    seqs: [1],
    wantsDrain: false,
  },
};
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function perSecond(count: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return count / ((performance.now() - start) / 1000);
}

/** Sends as fast as the mesh takes it, and waits until the last is handled. */
async function pump(from: Mesh, to: Mesh, count: number): Promise<void> {
  let handled = 0;
  let finish = (): void => undefined;
  const done = new Promise<void>((resolve) => (finish = resolve));
  to.onMessage(
    'deliver',
    () => {
      if (++handled === count) finish();
    },
    () => handled < count,
  );
  for (let sent = 0; sent < count;) {
    if (from.send(to.self.id, 'bench', message)) sent++;
    else await turn();
    if (sent % 1000 === 0) await turn();
  }
  await done;
}

async function inProcess(): Promise<number> {
  const network = new InProcessNetwork({ clock: systemClock, rng: systemRng });
  const [a, b] = [network.join('a'), network.join('b')];
  await pump(a, b, 10_000);
  return perSecond(messages, () => pump(a, b, messages));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function overGrpc(): Promise<number> {
  const nodes = await Promise.all(
    [0, 1].map(async () => {
      const { link } = loadConfig({ link: meshSettings }, { LINK_LISTEN: `127.0.0.1:${await freePort()}` });
      return createMesh({
        config: link,
        others: true,
        clock: systemClock,
        rng: systemRng,
        logger: silent,
        metrics: new Registry(),
      });
    }),
  );
  const [a, b] = nodes as [(typeof nodes)[0], (typeof nodes)[0]];
  for (const node of nodes) await node.listen();
  await pump(a, b, 10_000);
  const rate = await perSecond(messages, () => pump(a, b, messages));
  for (const node of nodes) await node.close();
  return rate;
}

async function bareStream(): Promise<number> {
  let handled = 0;
  let finish = (): void => undefined;
  const server = new Server();
  server.addService(LinkService, {
    connect: (call: ServerDuplexStream<ConnectRequest, ConnectResponse>) => {
      call.on('data', () => {
        if (++handled === messages) finish();
      });
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const client = new LinkClient(`127.0.0.1:${port}`, credentials.createInsecure());
  const stream = client.connect();
  stream.on('error', () => undefined);
  const frame: ConnectRequest = {
    seq: 1,
    kind: { $case: 'batch', value: Batch.fromPartial({ envelopes: [body] }) },
  };
  const rate = await perSecond(messages, async () => {
    const done = new Promise<void>((resolve) => (finish = resolve));
    for (let sent = 0; sent < messages; sent++) {
      if (!stream.write(frame)) await new Promise<void>((resolve) => stream.once('drain', resolve));
    }
    await done;
  });
  stream.cancel();
  client.close();
  server.forceShutdown();
  return rate;
}

/** One hop of a message of 300 bytes, sender and receiver in one process, over each wiring and beside a bare stream. */
export async function run(): Promise<MeshHop> {
  const [local, grpc, bare] = [await inProcess(), await overGrpc(), await bareStream()];
  const ratio = grpc / bare;
  const shown = [local, grpc, bare].map((rate) => Math.round(rate).toLocaleString('en'));
  console.log(
    `mesh hop, 300 bytes, messages/s: in process ${shown[0]}; gRPC ${shown[1]}; bare grpc-js stream ${shown[2]}; ratio ${ratio.toFixed(2)}`,
  );
  return { inProcess: local, grpc, bare, ratio };
}

if (require.main === module) void run();
