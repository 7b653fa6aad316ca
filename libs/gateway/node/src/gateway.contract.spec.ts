import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { GatewayFixture, sessionId, user } from './gateway.fixture';

/** What the next node hears of a connection whose session moves to it. */
const handedOver = (connection: number) => ({
  connection,
  sessionId,
  epoch: 1,
  open: true,
  pressed: false,
  forsaken: false,
});

describe('a ws-gateway between real clients and a scripted session-node', () => {
  let gateway: GatewayFixture;

  beforeEach(async () => {
    gateway = await GatewayFixture.start();
  });
  afterEach(() => gateway.stop());

  it('greets first, then carries an identify to the session-node and its dispatches back', async () => {
    const client = await gateway.connect();
    expect(await client.next()).toEqual({
      op: 10,
      d: { heartbeat_interval: 41_250, _trace: [] },
      s: null,
      t: null,
    });
    client.send({
      op: 2,
      d: { token: 'Bot good', intents: 513, properties: { os: 'linux' }, shard: [1, 4] },
    });
    const identify = await gateway.heard('identify');
    expect(identify).toMatchObject({
      userId: user.id,
      bot: true,
      intents: 513,
      sharded: true,
      shardId: 1,
      shardCount: 4,
      largeThreshold: 50,
      version: 10,
      resumeGatewayUrl: gateway.url,
      presence: { status: 'online', activities: '[]', client: 'web' },
    });
    const { connection } = identify;
    gateway.say({ $case: 'bound', value: { connection, sessionId, epoch: 7, seq: 0 } });
    gateway.deliver([connection], [1], 'READY', '{"v":10}');
    gateway.deliver([connection], [2], 'MESSAGE_CREATE', '{"content":"hé \\u0000"}');
    expect(await client.next()).toEqual({ op: 0, s: 1, t: 'READY', d: { v: 10 } });
    expect(await client.next()).toEqual({ op: 0, s: 2, t: 'MESSAGE_CREATE', d: { content: 'hé \u0000' } });
  });

  it('acks heartbeats in every state', async () => {
    const client = await gateway.connect();
    client.send({ op: 1, d: null });
    expect(await client.next(11)).toEqual({ op: 11, d: null, s: null, t: null });
  });

  it('sends large dispatches whole, between small ones', async () => {
    const { client, connection } = await gateway.identified();
    const large = JSON.stringify({ text: 'x'.repeat(200_000) });
    gateway.deliver([connection], [1], 'READY', '{}');
    gateway.deliver([connection], [2], 'GUILD_CREATE', large);
    gateway.deliver([connection], [3], 'TYPING_START', '{}');
    expect(await client.next(0)).toMatchObject({ s: 1 });
    expect(JSON.stringify((await client.next(0)).d)).toBe(large);
    expect(await client.next(0)).toMatchObject({ s: 3, t: 'TYPING_START' });
  });

  it('delivers 20,000 dispatches in order to each of 20 clients', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => gateway.identified()));
    const connections = clients.map(({ connection }) => connection);
    for (let seq = 1; seq <= 1000; seq++) {
      gateway.deliver(
        connections,
        connections.map(() => seq),
        'MESSAGE_CREATE',
        `{"n":${seq}}`,
      );
    }
    for (const { client } of clients) {
      for (let seq = 1; seq <= 1000; seq++)
        expect(await client.next(0)).toMatchObject({ s: seq, d: { n: seq } });
    }
    expect(await gateway.figure('derailed_gateway_dispatches_total')).toBe(
      'derailed_gateway_dispatches_total 20000',
    );
  });

  it('closes 4000 when a dispatch is missing, and the session may be resumed', async () => {
    const { client, connection } = await gateway.identified(3);
    gateway.deliver([connection], [1], 'READY', '{}');
    gateway.deliver([connection], [3], 'MESSAGE_CREATE', '{}');
    expect(await client.closed).toMatchObject({ code: 4000 });
    expect(await client.next(0)).toMatchObject({ s: 1 });
    expect(await gateway.heard('connectionEnded')).toEqual({ sessionId, epoch: 3, endSession: false });
  });

  it('drops dispatches of another session-node', async () => {
    const { client, connection } = await gateway.identified();
    const stranger = gateway.network.join('session:2');
    const event = { id: '', name: 'LEAK', data: Buffer.from('{}'), own: Buffer.alloc(0), volatile: false };
    const value = { event, connections: [connection], seqs: [1], wantsDrain: false };
    stranger.send('gateway:1', 'deliver', { $case: 'deliver', value });
    while (
      (await gateway.figure('derailed_gateway_stray_dispatches_total')) !==
      'derailed_gateway_stray_dispatches_total 1'
    )
      await new Promise(setImmediate);
    gateway.deliver([connection], [1], 'READY', '{}');
    expect(await client.next(0)).toMatchObject({ t: 'READY' });
  });

  it('closes 4000 when the session-node is gone', async () => {
    const { client } = await gateway.identified();
    gateway.network.leave('session:1');
    expect(await client.closed).toMatchObject({ code: 4000, reason: 'The session was lost on the way.' });
  });

  it('tells the session-node when the replay has drained', async () => {
    const { connection } = await gateway.identified(5);
    gateway.deliver([connection], [1], 'READY', '{}', true);
    expect(await gateway.heard('drained')).toEqual({ sessionId, epoch: 5 });
  });

  it.each([
    [1000, true],
    [1001, true],
    [4200, false],
  ])('takes a close %i of the client for a goodbye: %s', async (code, endSession) => {
    const { client } = await gateway.identified();
    client.ws.close(code);
    expect(await gateway.heard('connectionEnded')).toMatchObject({ endSession });
  });

  it('goes on with a session that moves to another node, and hears the node before no more', async () => {
    const { client, connection } = await gateway.identified();
    const next = gateway.network.join('session:2');
    const released = new Promise((resolve) => next.onMessage('connectionReleased', resolve));
    const heard = new Promise((resolve) => next.onMessage('connectionEnded', resolve));
    gateway.deliver([connection], [1], 'READY', '{}');
    gateway.move(connection, next);
    gateway.deliver([connection], [2], 'FROM_THE_NODE_BEFORE', '{}');
    expect(await released).toEqual(handedOver(connection));
    next.send('gateway:1', 'deliver', {
      $case: 'bound',
      value: { connection, sessionId, epoch: 2, seq: 1 },
    });
    const event = {
      id: '',
      name: 'FROM_THE_NEXT',
      data: Buffer.from('{}'),
      own: Buffer.alloc(0),
      volatile: false,
    };
    next.send('gateway:1', 'deliver', {
      $case: 'deliver',
      value: { event, connections: [connection], seqs: [2], wantsDrain: false },
    });
    expect(await client.next(0)).toMatchObject({ s: 1, t: 'READY' });
    expect(await client.next(0)).toMatchObject({ s: 2, t: 'FROM_THE_NEXT' });
    client.ws.close(1000);
    expect(await heard).toMatchObject({ sessionId, epoch: 2 });
  });

  it('says it again to a node that it could not reach when the session moved there', async () => {
    const { connection } = await gateway.identified();
    const next = gateway.network.join('session:4');
    gateway.network.cut('gateway:1', 'session:4');
    const released = new Promise((resolve) => next.onMessage('connectionReleased', resolve));
    gateway.move(connection, next);
    // When the ws-gateway has come to this, it has heard of the move.
    const other = await gateway.identified();
    other.client.ws.close(4200);
    await gateway.heard('connectionEnded');
    gateway.network.heal('gateway:1', 'session:4');
    next.send('gateway:1', 'deliver', {
      $case: 'refused',
      value: { connection: other.connection, closeCode: 4000, resumable: false, delayMs: 0 },
    });
    expect(await released).toEqual(handedOver(connection));
  });

  it('says to the node that the session moves to when the one before is gone', async () => {
    const { connection } = await gateway.identified();
    const next = gateway.network.join('session:6');
    const heard = [false, true].map(
      (is) =>
        new Promise((done) => next.onMessage('connectionReleased', done, ({ forsaken }) => forsaken === is)),
    );
    gateway.move(connection, next);
    await heard[0];
    gateway.network.leave('session:1');
    expect(await heard[1]).toMatchObject({ connection, sessionId, epoch: 1, open: true });
  });

  it('closes when the node is gone that the session moved to: whether it came there nobody here knows', async () => {
    const { client, connection } = await gateway.identified();
    const next = gateway.network.join('session:5');
    const released = new Promise((resolve) => next.onMessage('connectionReleased', resolve));
    gateway.move(connection, next);
    await released;
    gateway.network.leave('session:5');
    expect(await client.closed).toMatchObject({ code: 4000 });
    // Where it has not left after all it is named again, and hears that nobody is there.
    gateway.say({ $case: 'bound', value: { connection, sessionId, epoch: 9, seq: 12 } });
    expect(await gateway.heard('connectionEnded')).toEqual({ sessionId, epoch: 9, endSession: false });
  });

  it('says that a connection is gone whose session moves', async () => {
    const { client, connection } = await gateway.identified();
    client.ws.close(4200);
    await gateway.heard('connectionEnded');
    const next = gateway.network.join('session:3');
    const released = new Promise((resolve) => next.onMessage('connectionReleased', resolve));
    gateway.move(connection, next);
    expect(await released).toMatchObject({ open: false });
  });

  it('keeps the session when the server closed first, though the client echoes', async () => {
    const { client, connection } = await gateway.identified();
    gateway.say({ $case: 'closeConnection', value: { connection, epoch: 1, closeCode: 4000 } });
    expect(await client.closed).toMatchObject({ code: 4000 });
    gateway.say({ $case: 'bound', value: { connection, sessionId, epoch: 9, seq: 12 } });
    expect(await gateway.heard('connectionEnded')).toEqual({ sessionId, epoch: 9, endSession: false });
  });

  it.each<[string, number, unknown]>([
    ['a wrong token', 4004, { op: 2, d: { token: 'bad', intents: 0 } }],
    ['a bot without intents', 4013, { op: 2, d: { token: 'good' } }],
    ['an intent that was not granted', 4014, { op: 2, d: { token: 'good', intents: 256 } }],
    ['a wrong shard', 4010, { op: 2, d: { token: 'good', intents: 0, shard: [4, 4] } }],
    ['an op before its time', 4003, { op: 8, d: {} }],
    ['an unknown op after its time', 4003, { op: 99 }],
    ['something that is no payload', 4002, ['op', 1]],
    ['a payload of 5,000 bytes', 4002, { op: 1, d: 'x'.repeat(5000) }],
  ])('answers %s with %i', async (_what, code, payload) => {
    const client = await gateway.connect();
    client.send(payload);
    expect(await client.closed).toMatchObject({ code });
  });

  it.each([
    ['?v=7', 4012],
    ['?v=10&encoding=xml', 4002],
    ['?compress=brotli', 4002],
  ])('answers the query %s with %i after the upgrade', async (query, code) => {
    const client = await gateway.connect(query);
    expect(await client.closed).toMatchObject({ code });
  });

  it('closes 4001 for an opcode that nobody handles', async () => {
    const { client } = await gateway.identified();
    client.send({ op: 99, d: null });
    expect(await client.closed).toMatchObject({ code: 4001 });
    expect(await gateway.heard('connectionEnded')).toMatchObject({ endSession: true });
  });

  it('lets a client identify again on the same socket after op 9', async () => {
    const client = await gateway.connect();
    client.send({ op: 6, d: { token: 'good', session_id: 'nonsense', seq: 4 } });
    expect(await client.next(9)).toMatchObject({ d: false });
    client.send({ op: 2, d: { token: 'good', intents: 0 } });
    expect(await gateway.heard('identify')).toMatchObject({ userId: user.id });
  });

  it('carries presence and member requests, binary frames and bare snowflakes included', async () => {
    const { client } = await gateway.identified(2);
    client.ws.send(Buffer.from('{"op":3,"d":{"since":0.0,"activities":null,"status":"idle","afk":false}}'));
    expect(await gateway.heard('setPresence')).toEqual({
      sessionId,
      epoch: 2,
      presence: { status: 'idle', activities: '[]', client: 'web' },
    });
    client.ws.send(
      '{"op":8,"d":{"guild_id":200000000000000001,"query":"","limit":0,"user_ids":null,"nonce":"n"}}',
    );
    expect(await gateway.heard('requestMembers')).toEqual({
      sessionId,
      epoch: 2,
      guildId: '200000000000000001',
      hasQuery: true,
      query: '',
      limit: 0,
      userIds: [],
      presences: false,
      nonce: 'n',
    });
  });

  it('asks its clients to reconnect when it stops, then closes 4000', async () => {
    const { client, connection } = await gateway.identified();
    gateway.deliver([connection], [1], 'READY', '{}');
    await client.next(0);
    const stopped = gateway.stop();
    expect(await client.next(7)).toEqual({ op: 7, d: null, s: null, t: null });
    expect(await client.closed).toMatchObject({ code: 4000 });
    await stopped;
  });

  describe('over HTTP', () => {
    const get = async (path: string, authorization?: string) => {
      const response = await fetch(gateway.http + path, { headers: authorization ? { authorization } : {} });
      return {
        status: response.status,
        type: response.headers.get('content-type'),
        body: await response.json(),
      };
    };

    it.each(['', '/api', '/api/v10'])(
      'names its address under %s/gateway, with a bare content type',
      async (prefix) => {
        const body = { url: gateway.url };
        expect(await get(`${prefix}/gateway`)).toEqual({ status: 200, type: 'application/json', body });
      },
    );

    it('tells bots how to start', async () => {
      gateway.budget = { total: 1000, remaining: 7, resetAfterMs: 60_000, maxConcurrency: 16, shards: 3 };
      expect((await get('/api/v10/gateway/bot', 'Bot good')).body).toEqual({
        url: gateway.url,
        shards: 3,
        session_start_limit: { total: 1000, remaining: 7, reset_after: 60_000, max_concurrency: 16 },
      });
      expect((await get('/users/@me', 'Bot good')).body).toMatchObject({ id: user.id, mfa_enabled: false });
      expect((await get('/oauth2/applications/@me', 'good')).body).toMatchObject({ id: user.id, team: null });
    });

    it('says what is wrong', async () => {
      const unauthorized = { message: '401: Unauthorized', code: 0 };
      expect(await get('/gateway/bot')).toEqual({
        status: 401,
        type: 'application/json',
        body: unauthorized,
      });
      expect(await get('/gateway/bot', 'Bot bad')).toMatchObject({ status: 401 });
      expect(await get('/nothing')).toMatchObject({ status: 404 });
      expect(await get('/__proto__')).toMatchObject({ status: 404 });
      gateway.tokens.set('away', 'unavailable');
      expect(await get('/users/@me', 'Bot away')).toMatchObject({ status: 503 });
      gateway.budget = undefined;
      expect(await get('/gateway/bot', 'Bot good')).toMatchObject({ status: 503 });
    });
  });
});

it('cuts off a client that does not read, and only that one', async () => {
  const gateway = await GatewayFixture.start({ outboundLimit: '64K' });
  try {
    const { client, connection } = await gateway.identified();
    const deaf = await gateway.identified(4);
    const socket = (deaf.client.ws as unknown as { _socket: { pause(): void } })._socket;
    socket.pause();
    const data = JSON.stringify('x'.repeat(60_000));
    let seq = 0;
    const ended = gateway.heard('connectionEnded');
    const pump = setInterval(() => {
      seq++;
      gateway.deliver([connection, deaf.connection], [seq, seq], 'X', data);
    }, 1);
    expect(await gateway.heard('socketPressure')).toEqual({ sessionId, epoch: 4, pressed: true });
    expect(await ended).toEqual({ sessionId, epoch: 4, endSession: false });
    clearInterval(pump);
    for (let expected = 1; expected <= seq; expected++)
      expect(await client.next(0)).toMatchObject({ s: expected });
    expect(await gateway.figure('derailed_gateway_closes_total{reason="too_slow"}')).toMatch(/ 1$/);
  } finally {
    await gateway.stop();
  }
}, 20_000);

it('refuses connections past the limit, and upgrades of other paths', async () => {
  const gateway = await GatewayFixture.start({ maxConnections: '1' });
  try {
    await gateway.connect();
    const refusal = (url: string) =>
      new Promise<string>((resolve) => new WebSocket(url).on('error', (error) => resolve(error.message)));
    expect(await refusal(gateway.url)).toContain('503');
    expect(await refusal(`${gateway.url}/elsewhere`)).toContain('404');
    const raw = connect(gateway.node.address.port, '127.0.0.1');
    raw.resume();
    raw.write('nonsense\r\n\r\n');
    await new Promise((resolve) => raw.on('close', resolve));
  } finally {
    await gateway.stop();
  }
});
