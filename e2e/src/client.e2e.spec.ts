import { demo } from './demo';
import { Publisher } from './publisher';
import { RawClient } from './raw-client';
import { startOnPostgres } from './wiring';

const identify = (d: object) => ({ op: 2, d: { properties: {}, ...d } });
const base64 = (text: string) => Buffer.from(text).toString('base64url');

jest.setTimeout(20_000);

describe('a client by hand', () => {
  let wiring: Awaited<ReturnType<typeof startOnPostgres>>;
  let publisher: Publisher;
  let bystander: RawClient;
  const clients: RawClient[] = [];
  const connect = (query?: string): RawClient => {
    const client = new RawClient(wiring.gateway, query);
    clients.push(client);
    return client;
  };
  const publish = (n: number) =>
    publisher.publish({ guildId: demo.guild }, 'MESSAGE_CREATE', { id: String(n), channel_id: demo.channel });

  beforeAll(async () => {
    wiring = await startOnPostgres();
    publisher = new Publisher(wiring.tunnel);
    bystander = new RawClient(wiring.gateway);
    await bystander.identify(wiring.token(demo.insider));
    await bystander.first(({ t, d }) => t === 'GUILD_CREATE' && d['id'] === demo.guild);
  }, 60_000);

  afterEach(() => {
    for (const client of clients.splice(0)) client.drop();
  });

  afterAll(async () => {
    bystander.send({ op: 1, d: null });
    await bystander.op(11);
    const seqs = bystander.received.flatMap(({ s }) => s ?? []);
    // Nothing that others did wrong cost this one its connection, or a sequence number.
    expect(seqs).toEqual(seqs.map((_, at) => at + 1));
    await bystander.close();
    publisher.close();
    await wiring.stop();
  }, 30_000);

  it.each([
    ['v=6', 4012],
    ['v=ten', 4012],
    ['encoding=xml', 4002],
    ['compress=brotli', 4002],
  ])('that connects with ?%s is closed with %i', async (query, code) => {
    expect(await connect(query).closed).toBe(code);
  });

  it.each<[string, string | object, number]>([
    ['no JSON', 'hello', 4002],
    ['a list', '[]', 4002],
    ['a payload without op', { d: null }, 4002],
    ['an op that is text', { op: '1' }, 4002],
    ['bytes that are no text', Buffer.from([0x7b, 0xff, 0x7d]), 4002],
    ['4,097 bytes', { op: 1, d: 'x'.repeat(4083) }, 4002],
    ['more than the socket takes', { op: 1, d: 'x'.repeat(100_000) }, 4002],
    ['a presence before it identified', { op: 3, d: {} }, 4003],
    ['an unknown op before it identified', { op: 99, d: null }, 4003],
    ['an identify without data', { op: 2, d: null }, 4001],
    ['an identify with a token of nobody', identify({ token: `${base64('999')}.1.x`, intents: 1 }), 4004],
    ['an identify with no token at all', identify({ token: 'x', intents: 1 }), 4004],
  ])('that sends %s is closed with its code', async (_, payload, code) => {
    const client = connect();
    await client.op(10);
    client.send(payload);
    expect(await client.closed).toBe(code);
  });

  it.each<[string, object, number]>([
    ['intents that do not exist', { intents: 1 << 30 }, 4013],
    ['intents that are text', { intents: 'all' }, 4013],
    ['no intents', {}, 4013],
    ['a shard that is out of range', { intents: 1, shard: [1, 1] }, 4010],
  ])('a bot that identifies with %s is closed with %i', async (_, d, code) => {
    const client = connect();
    await client.op(10);
    client.send(identify({ token: wiring.token(demo.bot), ...d }));
    expect(await client.closed).toBe(code);
  });

  it('with a token of somebody else, or whose user is suspended, is closed with 4004', async () => {
    await wiring.query(`update users set suspended = true where username = '${demo.loner}'`);
    const [, time, signature] = wiring.token(demo.bot).split('.');
    for (const token of [wiring.token(demo.loner), `${base64(demo.newcomerId)}.${time}.${signature}`]) {
      const client = connect();
      await client.op(10);
      client.send(identify({ token, intents: 1 }));
      expect(await client.closed).toBe(4004);
    }
  });

  it.each<[string, object, number]>([
    ['identifies again', identify({ token: 'x', intents: 1 }), 4005],
    ['resumes', { op: 6, d: { token: 'x', session_id: 'x', seq: 1 } }, 4005],
    ['sends an unknown op', { op: 99, d: null }, 4001],
    ['asks for members of nothing', { op: 8, d: {} }, 4001],
    ['sets a presence that is none', { op: 3, d: { status: 'away' } }, 4001],
  ])('that %s once it is identified is closed, and has no session left', async (_, payload, code) => {
    const client = connect();
    const token = wiring.token(demo.bot);
    const session = await client.identify(token);
    client.send(payload);
    expect(await client.closed).toBe(code);
    const again = connect();
    await again.resume(token, session, 1);
    expect((await again.op(9)).d).toBe(false);
  });

  it('may send JSON in binary frames', async () => {
    const client = connect();
    await client.op(10);
    client.send(
      Buffer.from(JSON.stringify(identify({ token: `Bot ${wiring.token(demo.bot)}`, intents: 1 }))),
    );
    expect((await client.event('READY')).s).toBe(1);
  });

  it('has each heartbeat answered, before it identified too', async () => {
    const client = connect();
    await client.op(10);
    client.send({ op: 1, d: null });
    expect(await client.op(11)).toEqual({ op: 11, d: null, s: null, t: null });
  });

  it('that resumes what is not there gets op 9 false, and may identify on the same socket', async () => {
    const token = wiring.token(demo.bot);
    const other = connect();
    const session = await other.identify(wiring.token(demo.outsider));
    for (const id of ['what?', session]) {
      const client = connect();
      await client.resume(token, id, 1);
      expect((await client.op(9)).d).toBe(false);
      expect(await client.identify(token)).not.toBe('');
    }
  });

  it('that resumes from a number that was never sent is closed with 4007, and its session is over', async () => {
    const token = wiring.token(demo.bot);
    const first = connect();
    const session = await first.identify(token);
    first.drop();
    const second = connect();
    await second.resume(token, session, 1_000_000);
    expect(await second.closed).toBe(4007);
    const third = connect();
    await third.resume(token, session, 1);
    expect((await third.op(9)).d).toBe(false);
  });

  it('that resumes takes the session over from a socket that is still open', async () => {
    const token = wiring.token(demo.bot);
    const first = connect();
    const session = await first.identify(token);
    await first.first(({ t, d }) => t === 'GUILD_CREATE' && d['id'] === demo.guild);
    const second = connect();
    await second.resume(token, session, first.lastSeq);
    await second.event('RESUMED');
    expect(await first.closed).toBe(4000);
    await publish(7);
    expect((await second.event('MESSAGE_CREATE')).d['id']).toBe('7');
    expect(first.received.some(({ t }) => t === 'MESSAGE_CREATE')).toBe(false);
  });

  it('that says goodbye with 1000 has no session left; one that drops has', async () => {
    const token = wiring.token(demo.bot);
    const [leaves, drops] = [connect(), connect()];
    const [left, dropped] = [await leaves.identify(token), await drops.identify(token)];
    await drops.first(({ t, d }) => t === 'GUILD_CREATE' && d['id'] === demo.guild);
    await leaves.close(1000);
    const seq = drops.lastSeq;
    drops.drop();
    await publish(8);
    const [one, other] = [connect(), connect()];
    await one.resume(token, left, 1);
    expect((await one.op(9)).d).toBe(false);
    await other.resume(token, dropped, seq);
    await other.event('RESUMED');
    expect((await other.event('MESSAGE_CREATE')).d['id']).toBe('8');
  });
});
