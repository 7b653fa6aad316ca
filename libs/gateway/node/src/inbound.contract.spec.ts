import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { deflateSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { GatewayFixture, type TestClient } from './gateway.fixture';

const refused = (url: string, headers: Record<string, string> = {}): Promise<string> =>
  new Promise((resolve) => {
    new WebSocket(url, { headers }).on('error', (error) => resolve(error.message));
  });

/** A masked frame of a client, written by hand. @param first byte: flags and opcode */
function frame(first: number, body: Buffer, length = body.length): Buffer {
  const head =
    length < 126 ? Buffer.of(first, 0x80 | length) : Buffer.of(first, 0x80 | 126, length >> 8, length & 0xff);
  return Buffer.concat([head, Buffer.alloc(4), body]);
}

const [fin, text, binary, ping, continuation] = [0x80, 1, 2, 9, 0];

describe('clients that do wrong, beside one that does not', () => {
  let gateway: GatewayFixture;
  let neighbour: TestClient;
  let connection: number;

  beforeAll(async () => {
    gateway = await GatewayFixture.start({ handshakeTimeout: '200ms' });
    ({ client: neighbour, connection } = await gateway.identified());
  });
  afterAll(() => gateway.stop());

  // After each of them the neighbour still gets its dispatches, answers to its heartbeats, and no gap.
  let seq = 0;
  afterEach(async () => {
    gateway.deliver([connection], [++seq], 'MESSAGE_CREATE', `{"n":${seq}}`);
    neighbour.send({ op: 1, d: seq });
    expect(await neighbour.next(0)).toMatchObject({ s: seq, d: { n: seq } });
    await neighbour.next(11);
  });

  const socketOf = ({ ws }: TestClient): Socket => (ws as unknown as { _socket: Socket })._socket;

  it.each<[string, Buffer[], number]>([
    ['binary junk', [frame(fin | binary, Buffer.from([0, 159, 146, 150, 131, 116]))], 4002],
    ['text that is no UTF-8', [frame(fin | text, Buffer.from([0x7b, 0xc3, 0x28, 0x7d]))], 4002],
    ['an empty message', [frame(fin | text, Buffer.alloc(0))], 4002],
    ['JSON in 2,000 levels', [frame(fin | text, Buffer.from('{"d":'.repeat(800)))], 4002],
    ['lists in 2,000 levels', [frame(fin | text, Buffer.from('['.repeat(2000) + ']'.repeat(2000)))], 4002],
    ['a compressed payload', [frame(fin | binary, deflateSync('{"op":1,"d":null}'))], 4002],
    ['a compressed frame', [frame(fin | 0x40 | text, deflateSync('{"op":1,"d":null}'))], 4002],
    ['a frame with reserved bits', [frame(fin | 0x20 | text, Buffer.from('{}'))], 4002],
    ['an unknown kind of frame', [frame(fin | 3, Buffer.from('{}'))], 4002],
    ['a frame without a mask', [Buffer.of(fin | text, 2, 0x7b, 0x7d)], 4002],
    ['a fragment of nothing', [frame(fin | continuation, Buffer.from('{}'))], 4002],
    ['the head of a message of 4,097 bytes', [frame(fin | text, Buffer.alloc(1), 4097)], 4002],
    ['the head of one of 60,000 bytes', [frame(fin | text, Buffer.alloc(1), 60_000)], 4002],
    [
      'the head of one of 2^60 bytes',
      [Buffer.of(fin | text, 0xff, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
      4002,
    ],
    [
      '4,097 bytes in two fragments',
      [frame(text, Buffer.alloc(4000, 0x20)), frame(fin | continuation, Buffer.alloc(97, 0x20))],
      4002,
    ],
    [
      'a message in 65 fragments',
      [frame(text, Buffer.from('{')), ...Array<Buffer>(64).fill(frame(continuation, Buffer.alloc(0)))],
      4002,
    ],
    ['121 pings', Array<Buffer>(121).fill(frame(fin | ping, Buffer.alloc(125))), 4008],
    ['121 pongs', Array<Buffer>(121).fill(frame(fin | 10, Buffer.alloc(0))), 4008],
    [
      '121 heartbeats in one packet',
      [Buffer.concat(Array<Buffer>(121).fill(frame(fin | text, Buffer.from('{"op":1,"d":null}'))))],
      4008,
    ],
  ])('%s costs that connection only', async (_what, frames, code) => {
    const client = await gateway.connect();
    await client.next(10);
    const { client: bound } = await gateway.identified();
    for (const culprit of [client, bound]) {
      const socket = socketOf(culprit);
      for (const bytes of frames) socket.write(bytes);
      expect(await culprit.closed).toMatchObject({ code });
    }
    // Wrong bytes are no goodbye: the session may be resumed.
    expect(await gateway.heard('connectionEnded')).toMatchObject({ endSession: false });
  });

  it('10 MB in one message cost that connection only', async () => {
    const client = await gateway.connect();
    await client.next(10);
    client.ws.send('x'.repeat(10_000_000));
    expect(await client.closed).toMatchObject({ code: 4002, reason: 'Payloads have at most 4096 bytes.' });
    expect(await gateway.figure('derailed_gateway_closes_total{reason="payload_too_large"}')).toMatch(
      / [1-9]/,
    );
  });

  it('a payload of 4,096 bytes in 64 fragments, with pings between, is one payload', async () => {
    const client = await gateway.connect();
    await client.next(10);
    const payload = Buffer.from('{"op":1,"d":null}'.padEnd(4096));
    for (let at = 0; at < 64; at++) {
      const flags = (at === 63 ? fin : 0) | (at === 0 ? text : continuation);
      socketOf(client).write(frame(flags, payload.subarray(at * 64, at * 64 + 64)));
      socketOf(client).write(frame(fin | ping, Buffer.alloc(0)));
    }
    await client.next(11);
    client.ws.close();
  });

  it('what comes after a close is not looked at', async () => {
    const client = await gateway.connect();
    await client.next(10);
    const before = await gateway.figure('derailed_gateway_payloads_total{op="heartbeat"}');
    socketOf(client).write(
      Buffer.concat([
        frame(fin | text, Buffer.from('nonsense')),
        ...Array<Buffer>(500).fill(frame(fin | text, Buffer.from('{"op":1,"d":null}'))),
      ]),
    );
    expect(await client.closed).toMatchObject({ code: 4002 });
    expect(await gateway.figure('derailed_gateway_payloads_total{op="heartbeat"}')).toBe(before);
  });

  it.each([
    ['nothing', ''],
    ['half a request', 'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: webso'],
    ['a body that does not come', 'POST /gateway HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx'],
  ])('who sends %s is cut off after HANDSHAKE_TIMEOUT', async (_what, bytes) => {
    const socket = connect(gateway.node.address.port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    socket.write(bytes);
    await once(socket, 'close');
  });

  it('a head of 9 KB is refused with 431', async () => {
    const { status } = await fetch(`${gateway.http}/gateway`, { headers: { x: 'x'.repeat(9000) } });
    expect(status).toBe(431);
  });
});

describe('connections of one address', () => {
  let gateway: GatewayFixture;
  afterEach(() => gateway.stop());

  it('are refused past the limit, and taken again once one is closed', async () => {
    gateway = await GatewayFixture.start({ maxConnectionsPerIp: '2' });
    const first = await gateway.connect();
    await gateway.connect();
    expect(await refused(gateway.url)).toContain('429');
    expect(await gateway.figure('derailed_gateway_refused_total{reason="per_address"}')).toMatch(/ 1$/);
    first.ws.close();
    await first.closed;
    await (await gateway.connect()).next(10);
  });

  it('count with those that only sit there', async () => {
    gateway = await GatewayFixture.start({ maxConnectionsPerIp: '1' });
    const idle = connect(gateway.node.address.port, '127.0.0.1');
    await once(idle, 'connect');
    expect(await refused(gateway.url)).toContain('429');
    idle.destroy();
  });

  it('do not depend on X-Forwarded-For unless a proxy is trusted', async () => {
    gateway = await GatewayFixture.start({ maxConnectionsPerIp: '1' });
    await gateway.connect();
    expect(await refused(gateway.url, { 'x-forwarded-for': '198.51.100.1' })).toContain('429');
  });

  it('are those of the client when a trusted proxy speaks for it', async () => {
    gateway = await GatewayFixture.start({ maxConnectionsPerIp: '1', trustedProxies: '127.0.0.0/8' });
    const through = (forwardedFor: string) => ({ 'x-forwarded-for': forwardedFor });
    const open = async (forwardedFor: string) => {
      const ws = new WebSocket(gateway.url, { headers: through(forwardedFor) });
      await once(ws, 'open');
      return ws;
    };
    const first = await open('198.51.100.1');
    await open('198.51.100.2');
    expect(await refused(gateway.url, through('198.51.100.9, 198.51.100.1'))).toContain('429');
    first.close();
    await once(first, 'close');
    await open('198.51.100.9, 198.51.100.1, 127.0.0.7');
  });

  it('count no more once they are gone, even those that left while they waited for their upgrade', async () => {
    gateway = await GatewayFixture.start({ maxConnectionsPerIp: '1', trustedProxies: '127.0.0.0/8' });
    const headers = { 'x-forwarded-for': '198.51.100.1' };
    const head = [
      'GET /?v=10 HTTP/1.1',
      'Host: x',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      'X-Forwarded-For: 198.51.100.1',
    ];
    const leaveAtOnce = (): Promise<unknown> => {
      const socket = connect(gateway.node.address.port, '127.0.0.1');
      socket.write([...head, '', ''].join('\r\n'), () => socket.resetAndDestroy());
      return once(socket, 'close');
    };
    await Promise.all(Array.from({ length: 40 }, leaveAtOnce));
    const comesIn = (): Promise<boolean> =>
      new Promise((resolve) => {
        new WebSocket(gateway.url, { headers })
          .on('open', () => resolve(true))
          .on('error', () => resolve(false));
      });
    while (!(await comesIn()));
  });
});
