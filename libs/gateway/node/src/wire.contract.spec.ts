import { randomBytes } from 'node:crypto';
import { constants, inflateSync } from 'node:zlib';
import { decodeEtf, encodeEtf } from '@derailed/shared/protocol';
import { Inflate } from 'minizlib';
import { GatewayFixture, type Language, jsonText, sessionId } from './gateway.fixture';
import { zstdContexts } from './wire/compressor';

const json = (bytes: Buffer): unknown => JSON.parse(bytes.toString());
const mustBeBinary = (isBinary: boolean): void => {
  if (!isBinary) throw new Error('a text frame');
};

const terms: Language = {
  read: (message, isBinary) => {
    mustBeBinary(isBinary);
    return decodeEtf(message, Infinity);
  },
  write: encodeEtf,
};

function inflating(parse: (bytes: Buffer) => unknown, write: Language['write']): Language {
  const stream = new Inflate({ flush: constants.Z_SYNC_FLUSH });
  return {
    read: (message, isBinary) => {
      mustBeBinary(isBinary);
      stream.write(message);
      return parse(stream.read() as Buffer);
    },
    write,
  };
}

const documents: Language = {
  read: (message, isBinary) => (isBinary ? json(inflateSync(message)) : jsonText.read(message, false)),
  write: jsonText.write,
};

const long = JSON.stringify({
  members: Array.from({ length: 2000 }, (_, id) => ({ id: String(id), nick: null })),
});

const ways: [string, string, () => Language, object][] = [
  ['terms', '?encoding=etf', () => terms, {}],
  ['a zlib stream', '?compress=zlib-stream', () => inflating(json, jsonText.write), { compress: true }],
  [
    'a zlib stream of terms',
    '?encoding=etf&compress=zlib-stream',
    () => inflating((bytes) => decodeEtf(bytes, 99), encodeEtf),
    { compress: 'zlib-stream' },
  ],
  ['whole documents', '?v=10', () => documents, { compress: true }],
];

describe.each([
  ['without memory for compressors', '0'],
  ['with compressors', '1'],
])('a ws-gateway %s', (_, compressionContextMb) => {
  let gateway: GatewayFixture;

  beforeAll(async () => {
    gateway = await GatewayFixture.start({ compressionContextMb });
  });
  afterAll(() => gateway.stop());

  it.each(ways)('speaks %s', async (_what, query, language, fields) => {
    const { client, connection } = await gateway.identified(1, query, language(), fields);
    gateway.deliver([connection], [1], 'READY', '{"v":10}');
    gateway.deliver([connection], [2], 'GUILD_CREATE', long);
    client.send({ op: 1, d: 2 });
    expect(await client.next()).toEqual({ op: 0, s: 1, t: 'READY', d: { v: 10 } });
    expect(await client.next()).toEqual({ op: 0, s: 2, t: 'GUILD_CREATE', d: json(Buffer.from(long)) });
    expect(await client.next()).toEqual({ op: 11, d: null, s: null, t: null });
    gateway.deliver([connection], [3], 'MESSAGE_CREATE', '{"content":"hé"}');
    expect(await client.next()).toEqual({ op: 0, s: 3, t: 'MESSAGE_CREATE', d: { content: 'hé' } });
  });

  it('gives one event to clients of every kind', async () => {
    const kinds: [string, Language, object][] = [
      ['?v=10', jsonText, {}],
      ['?encoding=etf', terms, {}],
      ['?compress=zlib-stream', inflating(json, jsonText.write), {}],
      ['?compress=zlib-stream', inflating(json, jsonText.write), {}],
      ['?v=10', documents, { compress: true }],
    ];
    const all = [];
    for (const [query, language, fields] of kinds)
      all.push(await gateway.identified(1, query, language, fields));
    const connections = all.map(({ connection }) => connection);
    const seqs = connections.map(() => 1);
    gateway.deliver(connections, seqs, 'GUILD_CREATE', long);
    for (const { client } of all)
      expect(await client.next(0)).toEqual({ op: 0, s: 1, t: 'GUILD_CREATE', d: json(Buffer.from(long)) });
  });

  it.each(ways)(
    'cuts off a client of %s that does not read, and only that one',
    async (_what, query, language, fields) => {
      const small = await GatewayFixture.start({ compressionContextMb, outboundLimit: '64K' });
      const { client, connection } = await small.identified(1, query, language(), fields);
      const deaf = await small.identified(4, query, language(), fields);
      deaf.client.ws.pause();
      let isOver = false;
      const ended = small.heard('connectionEnded').finally(() => (isOver = true));
      for (let seq = 1; !isOver; seq++) {
        const noise = randomBytes(45_000).toString('base64');
        small.deliver([connection, deaf.connection], [seq, seq], 'X', JSON.stringify(noise));
        expect(await client.next(0)).toEqual({ op: 0, s: seq, t: 'X', d: noise });
      }
      expect(await small.heard('socketPressure')).toEqual({ sessionId, epoch: 4, pressed: true });
      expect(await ended).toEqual({ sessionId, epoch: 4, endSession: false });
      expect(await small.figure('derailed_gateway_closes_total{reason="too_slow"}')).toMatch(/ 1$/);
      await small.stop();
    },
  );

  it('closes 4002 on terms that are none, and on text where terms are spoken', async () => {
    for (const message of [
      Buffer.from([131, 80, 0, 0, 0, 1, 120]),
      Buffer.from([131, 108, 255, 255, 255, 255]),
      '{"op":1,"d":null}',
    ]) {
      const client = await gateway.connect('?encoding=etf', terms);
      expect(await client.next()).toMatchObject({ op: 10 });
      client.ws.send(message);
      expect(await client.closed).toEqual({ code: 4002, reason: 'Not a payload.' });
    }
  });

  (zstdContexts() ? it.skip : it)('says why it can speak no zstd where there is none', async () => {
    const client = await gateway.connect('?compress=zstd-stream');
    expect(await client.closed).toEqual({
      code: 4002,
      reason: 'No zstd-stream here: it needs Node 22.15 or the package zstd-napi.',
    });
  });
});

it('a compressor goes to the next connection when one has ended', async () => {
  const gateway = await GatewayFixture.start({ compressionContextMb: '1' });
  const name = 'derailed_gateway_compressors';
  for (let round = 0; round < 2; round++) {
    const clients = [];
    for (let at = 0; at < 12; at++) {
      const client = await gateway.connect('?compress=zlib-stream', inflating(json, jsonText.write));
      expect(await client.next()).toMatchObject({ op: 10 });
      clients.push(client);
    }
    expect(await gateway.figure(name)).toBe(`${name} 10`);
    for (const client of clients) client.ws.terminate();
    while ((await gateway.figure(name)) !== `${name} 0`) await new Promise(setImmediate);
  }
  await gateway.stop();
});
