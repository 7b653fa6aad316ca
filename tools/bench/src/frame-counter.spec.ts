import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import fc from 'fast-check';
import { WebSocketServer } from 'ws';
import { FrameCounter, clientFrame } from './frame-counter';

function frame(opcode: number, length: number): Buffer {
  const extended = length < 126 ? Buffer.alloc(0) : Buffer.alloc(length < 65_536 ? 2 : 8);
  if (extended.length === 2) extended.writeUInt16BE(length);
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(length));
  const short = extended.length === 0 ? length : extended.length === 2 ? 126 : 127;
  // A payload that looks like headers, so that a lost position shows.
  return Buffer.concat([Buffer.from([0x80 | opcode, short]), extended, Buffer.alloc(length, 0x81)]);
}

test('frames are counted wherever the bytes are cut', () => {
  const lengths = fc.array(fc.constantFrom(0, 1, 125, 126, 270, 65_535, 65_536), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(lengths, fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1 }), (all, cuts) => {
      const bytes = Buffer.concat(all.map((length) => frame(1, length)));
      const counter = new FrameCounter();
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const end = Math.min(bytes.length, at + cuts[turn % cuts.length]!);
        counter.scan(bytes, at, end);
        at = end;
      }
      expect(counter.frames).toBe(all.length);
    }),
    { numRuns: 200 },
  );
});

test('control frames are not counted', () => {
  const counter = new FrameCounter();
  counter.scan(Buffer.concat([frame(9, 4), frame(2, 10), frame(10, 0), frame(1, 5)]));
  expect(counter.frames).toBe(2);
});

test('the code of a close is kept', () => {
  const counter = new FrameCounter();
  for (const byte of [0x88, 5, 0x0f, 0xa0, 1, 2, 3]) counter.scan(Buffer.from([byte]));
  expect(counter.closeCode).toBe(4000);
  const bare = new FrameCounter();
  bare.scan(Buffer.from([0x88, 0]));
  expect(bare.closeCode).toBe(1005);
});

test('ws understands what we send', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
  socket.write('Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n');
  const [client] = (await once(server, 'connection')) as [import('ws').WebSocket];
  for (const text of ['{"op":1}', 'x'.repeat(126), 'x'.repeat(4000)]) {
    socket.write(clientFrame(text));
    const [data] = (await once(client, 'message')) as [Buffer];
    expect(data.toString()).toBe(text);
  }
  socket.destroy();
  server.close();
});
