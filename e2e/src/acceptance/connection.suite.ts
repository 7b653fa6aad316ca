import { type IncomingHttpHeaders, request } from 'node:http';
import { deflateSync } from 'node:zlib';
import { type Stage, everything, times } from './stage';
import { proves, provesEach } from './proves';
import { cast, hall } from './cast';

const identify = (token: string, d: object = {}) => ({
  op: 2,
  d: { token, intents: 1, properties: {}, ...d },
});

/** Upgrades with these headers beside those that it takes. @returns the headers of the answer */
function upgrade(gateway: string, headers: Readonly<Record<string, string>>): Promise<IncomingHttpHeaders> {
  const handshake = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': Buffer.alloc(16, 1).toString('base64'),
  };
  return new Promise((resolve, reject) => {
    const asking = request(`http://${gateway}/?v=10`, { headers: { ...handshake, ...headers } });
    asking.on('upgrade', (answer, socket) => {
      socket.destroy();
      resolve(answer.headers);
    });
    asking.on('error', reject);
    asking.end();
  });
}

/** The URL, the frames of both directions, and what is no payload. */
export function connectionSuite(stage: () => Stage): void {
  describe('the URL', () => {
    proves(['url.slash'], 'leads to the gateway with and without a slash at its end', async () => {
      for (const end of ['', '/']) await stage().connect(undefined, undefined, end).op(10);
    });

    proves(['url.bare', 'http.gateway'], 'is told to everybody, without a query', async () => {
      for (const prefix of ['', '/api', '/api/v10']) {
        const response = await fetch(`http://${stage().gateway}${prefix}/gateway`);
        expect(response.headers.get('content-type')).toBe('application/json');
        expect(await response.json()).toEqual({ url: `ws://${stage().gateway}` });
      }
      const ready = await (await stage().enter('zoe')).event('READY');
      expect(ready.d['resume_gateway_url']).toBe(`ws://${stage().gateway}`);
    });

    provesEach(
      ['url.version', 'url.encoding', 'url.other-parameters', 'hello.first'],
      'with %j is greeted',
      [[''], ['v=9'], ['v=10&encoding=json'], ['encoding=json&shard=3&v=10&x']],
      async (query) => {
        const client = stage().connect(query);
        await client.op(10);
        client.send({ op: 1, d: null });
        await client.op(11);
        expect(client.received.map(({ op }) => op)).toEqual([10, 11]);
      },
    );

    provesEach(
      ['url.version-other', 'url.encoding', 'url.compress', 'url.upgrade-first'],
      'with %j is closed with %i, after the upgrade and before HELLO',
      [
        ['v=8', 4012],
        ['v=11', 4012],
        ['v=ten', 4012],
        ['v=', 4012],
        ['v=10&encoding=xml', 4002],
        ['v=10&encoding=', 4002],
        ['v=10&compress=lz4', 4002],
        ['v=10&compress=', 4002],
      ] as [string, number][],
      async (query, code) => {
        const client = stage().connect(query);
        // A refused upgrade would be an error, not a close.
        expect(await client.closed).toBe(code);
        expect(client.received).toEqual([]);
      },
    );

    proves(['url.extensions'], 'negotiates neither compression of WebSocket nor a subprotocol', async () => {
      const client = stage().connect(undefined, { perMessageDeflate: true });
      await client.op(10);
      expect([client.extensions, client.protocol]).toEqual(['', '']);
      const headers = await upgrade(stage().gateway, {
        'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits',
        'sec-websocket-protocol': 'json, discord',
      });
      expect(headers['sec-websocket-accept']).toEqual(expect.any(String));
      expect(Object.keys(headers).filter((name) => /extensions|protocol/.test(name))).toEqual([]);
    });
  });

  describe('what the gateway sends', () => {
    proves(
      ['out.json', 'envelope.nulls', 'hello.interval'],
      'is one object a text frame, with all four keys',
      async () => {
        const client = await stage().enter('ben');
        client.send({ op: 1, d: 3 });
        expect(await client.op(11)).toEqual({ op: 11, d: null, s: null, t: null });
        expect(client.binary).toBe(0);
        for (const payload of client.received) {
          expect(Object.keys(payload).sort()).toEqual(['d', 'op', 's', 't']);
          if (payload.op !== 0) expect([payload.s, payload.t]).toEqual([null, null]);
        }
        const { heartbeat_interval: interval } = (await client.op(10)).d;
        expect(interval).toBe(times.heartbeatMs);
      },
    );
  });

  describe('what clients send', () => {
    proves(
      ['in.binary-json', 'in.unknown-fields'],
      'may be JSON in a binary frame, with fields nobody knows',
      async () => {
        const client = stage().connect();
        await client.op(10);
        const payload = identify(stage().token('zoe'), { v: 10, capabilities: 4096 });
        client.send(Buffer.from(JSON.stringify({ ...payload, nonce: 'x' })));
        await client.event('READY');
        const presence = { since: null, activities: [], status: 'idle', afk: false, game: { name: 'x' } };
        client.send({ op: 3, d: presence });
        client.send({ op: 31, d: { guild_ids: [hall.id], nonce: 'x'.repeat(40) } });
        client.send({ op: 43, d: { guild_id: hall.id, fields: [], nonce: 5 } });
        client.send({ op: 1, d: 1 });
        await client.op(11);
      },
    );

    provesEach(
      ['in.not-a-payload', 'in.compressed', 'in.size', 'close.kept'],
      '%s is closed with 4002, and the session may be resumed',
      [
        ['no JSON', 'hello'],
        ['half an object', '{"op":1,'],
        ['a list', '[1]'],
        ['a number', '1'],
        ['null', 'null'],
        ['an object without op', '{"d":null}'],
        ['an op that is text', '{"op":"1"}'],
        ['an op with a fraction', '{"op":1.5}'],
        ['bytes that are no text', Buffer.from([0x7b, 0xff, 0x7d])],
        ['nothing', ''],
        ['an object a thousand levels deep', `{"op":1,"d":${'['.repeat(1000)}${']'.repeat(1000)}}`],
        ['a compressed payload', deflateSync('{"op":1,"d":null}')],
        ['4,097 bytes', '{"op":1,"d":null}'.padEnd(4097)],
        ['a megabyte', '{"op":1,"d":null}'.padEnd(1_048_576)],
      ] as [string, string | Buffer][],
      async (_what, payload) => {
        const client = await stage().enter('zoe');
        const session = client.session;
        client.send(payload);
        expect(await client.closed).toBe(4002);
        const again = await stage().resume('zoe', session, 1);
        expect((await again.event('RESUMED')).s).toBe(2);
      },
    );

    proves(['in.size'], 'may have 4,096 bytes', async () => {
      const client = stage().connect();
      await client.op(10);
      client.send('{"op":1,"d":null}'.padEnd(4096));
      await client.op(11);
    });

    proves(
      ['in.bare-ids', 'in.null-fields', 'in.floats'],
      'may have bare ids, nulls and floats',
      async () => {
        const nulls = { presence: null, shard: null, compress: null, properties: null };
        await stage().enter('ben', { ...nulls, large_threshold: null });
        const client = await stage().enter('ben', { ...nulls, large_threshold: 50.0 });
        const ids = [cast.ben.id, cast.cat.id];
        client.send(
          `{"op":8,"d":{"guild_id":${hall.id},"user_ids":[${ids.join()}],"query":null,"limit":0.0,"presences":null}}`,
        );
        const chunk = await client.event('GUILD_MEMBERS_CHUNK');
        expect((chunk.d['members'] as { user: { id: string } }[]).map(({ user }) => user.id).sort()).toEqual(
          ids,
        );
        client.send('{"op":3,"d":{"since":0.0,"activities":null,"status":"idle","afk":false}}');
        client.send({ op: 1, d: 1.0 });
        await client.op(11);
      },
    );
  });

  describe('opcodes', () => {
    proves(
      ['op.heartbeat', 'op.heartbeat-value'],
      'each heartbeat is answered, whatever it says',
      async () => {
        const client = stage().connect();
        await client.op(10);
        const beats = [
          '{"op":1}',
          '{"op":1,"d":null}',
          '{"op":1,"d":0}',
          '{"op":1,"d":999999}',
          '{"op":1,"d":"x"}',
        ];
        for (const beat of beats) client.send(beat);
        await client.count(({ op }) => op === 11, beats.length);
        client.send(identify(stage().token('zoe'), { intents: everything }));
        for (const beat of beats) client.send(beat);
        await client.count(({ op }) => op === 11, 2 * beats.length);
        await client.event('READY');
        for (const beat of beats) client.send(beat);
        await client.count(({ op }) => op === 11, 3 * beats.length);
      },
    );

    provesEach(
      ['gate.identify'],
      'op %i before Identify is closed with 4003',
      [[3], [4], [8], [31], [43], [0], [5], [7], [9], [10], [11], [99]],
      async (op) => {
        const client = stage().connect();
        await client.op(10);
        client.send({ op, d: {} });
        expect(await client.closed).toBe(4003);
      },
    );

    proves(['gate.early-identify'], 'an Identify sent before HELLO was read is served after it', async () => {
      const client = stage().connect();
      await client.opened;
      client.send(identify(stage().token('zoe')));
      await client.event('READY');
      expect(client.received[0]?.op).toBe(10);
    });

    proves(['op.ignored'], 'ops 4, 31 and 43 are checked and have no effect', async () => {
      const client = await stage().enter('zoe');
      client.send({ op: 4, d: { guild_id: hall.id, channel_id: null, self_mute: false } });
      client.send({ op: 31, d: { guild_ids: [hall.id], nonce: 'x' } });
      client.send({ op: 43, d: { guild_id: hall.id, fields: ['status'], nonce: 'x' } });
      client.send(`{"op":4,"d":{"guild_id":${hall.id},"channel_id":${hall.channels.open}}}`);
      client.send({ op: 1, d: 1 });
      await client.op(11);
      expect(client.received.map(({ op }) => op)).toEqual([10, 0, 11]);
    });

    provesEach(
      [
        'op.unknown',
        'op.voice-ping',
        'in.wrong-shape',
        'close.dropped',
        'members.nothing-asked',
        'presence.strict',
      ],
      '%s once identified is closed with 4001, and the session is gone',
      [
        ['op 5', { op: 5, d: null }],
        ['op 0', { op: 0, d: {} }],
        ['op 7', { op: 7, d: null }],
        ['op 99', { op: 99, d: null }],
        ['op -1', { op: -1, d: null }],
        ['op 3 without since', { op: 3, d: { activities: [], status: 'idle' } }],
        ['op 3 without activities', { op: 3, d: { since: null, status: 'idle' } }],
        ['op 3 without status', { op: 3, d: { since: null, activities: [] } }],
        ['op 3 with a status of its own', { op: 3, d: { since: null, activities: [], status: 'away' } }],
        ['op 4 without a guild', { op: 4, d: { channel_id: null } }],
        ['op 8 with neither query nor user_ids', { op: 8, d: { guild_id: hall.id, limit: 0 } }],
        ['op 8 without a guild', { op: 8, d: { query: '', limit: 0 } }],
        ['op 8 with a query without a limit', { op: 8, d: { guild_id: hall.id, query: '' } }],
        ['op 31 without a list', { op: 31, d: { guild_ids: '1' } }],
        ['op 43 without fields', { op: 43, d: { guild_id: hall.id } }],
      ] as [string, object][],
      async (_what, payload) => {
        const client = await stage().enter('zoe');
        client.send(payload);
        expect(await client.closed).toBe(4001);
        await expectGone(client.session);
      },
    );

    provesEach(
      ['in.wrong-shape', 'resume.wrong-shape'],
      '%s is closed with 4001',
      [
        ['an Identify of nothing', { op: 2, d: null }],
        ['an Identify without a token', { op: 2, d: { intents: 1, properties: {} } }],
        ['an Identify whose token is a number', { op: 2, d: { token: 5, intents: 1 } }],
        ['a Resume of nothing', { op: 6 }],
        ['a Resume without a token', { op: 6, d: { session_id: 'x', seq: 1 } }],
        ['a Resume without a session_id', { op: 6, d: { token: 'x', seq: 1 } }],
        ['a Resume whose session_id is a number', { op: 6, d: { token: 'x', session_id: 5, seq: 1 } }],
      ] as [string, object][],
      async (_what, payload) => {
        const client = stage().connect();
        await client.op(10);
        client.send(payload);
        expect(await client.closed).toBe(4001);
      },
    );

    provesEach(
      ['close.twice', 'close.dropped'],
      '%s on a bound connection is closed with 4005, and the session is gone',
      [
        ['an Identify', identify('x')],
        ['a Resume', { op: 6, d: { token: 'x', session_id: 'x', seq: 1 } }],
      ] as [string, object][],
      async (_what, payload) => {
        const client = await stage().enter('zoe');
        client.send(payload);
        expect(await client.closed).toBe(4005);
        await expectGone(client.session);
      },
    );
  });

  const expectGone = async (session: string): Promise<void> => {
    const again = await stage().resume('zoe', session, 1);
    expect((await again.op(9)).d).toBe(false);
  };
}
