import {
  type ClientDuplexStream,
  type ClientUnaryCall,
  Metadata,
  type ServiceDefinition,
  type ServiceError,
  credentials,
  makeGenericClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { legacyGrpc, tunnelV1 } from '@derailed/shared/contract';
import { Code } from '@derailed/shared/kernel';
import { service as healthService } from 'grpc-health-check';
import { demo } from './demo';
import { Publisher } from './publisher';
import { RawClient } from './raw-client';
import { type Wiring, startComposed } from './wiring';

const token = 'sesame';
const nobody = '999999999999999999';
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

function answerOf<T>(
  call: (done: (error: ServiceError | null, answer: T) => void) => ClientUnaryCall,
): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, answer) => {
      if (error) reject(error);
      else resolve(answer);
    });
  });
}

jest.setTimeout(30_000);

describe('a monolith', () => {
  let wiring: Wiring;
  let publisher: Publisher;
  let tunnel: InstanceType<typeof tunnelV1.TunnelClient>;
  let client: RawClient;
  const shown = new Metadata();
  shown.set('authorization', `Bearer ${token}`);
  const toGuild = (guildId: string): tunnelV1.Target => ({
    kind: { $case: 'guild', value: { guildId, channelId: '' } },
  });
  const toUsers = (...userIds: string[]): tunnelV1.Target => ({
    kind: { $case: 'users', value: { userIds } },
  });
  const event = (parts: Partial<tunnelV1.Event> = {}): tunnelV1.Event => ({
    id: '',
    target: toGuild(demo.guild),
    name: 'OURS',
    data: '{}',
    volatile: false,
    ...parts,
  });
  const publish = (of: tunnelV1.Event | undefined, metadata = shown) =>
    answerOf<tunnelV1.PublishResponse>((done) => tunnel.publish({ event: of }, metadata, done));
  const named = (name: string) => client.received.filter(({ t }) => t === name);

  beforeAll(async () => {
    wiring = await startComposed({ TUNNEL_TOKEN: token });
    publisher = new Publisher(wiring.tunnel, { token });
    tunnel = new tunnelV1.TunnelClient(wiring.tunnel, credentials.createInsecure());
    client = new RawClient(wiring.gateway);
    await client.identify(wiring.token(demo.insider));
    await client.first(({ t, d }) => t === 'GUILD_CREATE' && d['id'] === demo.guild);
  }, 60_000);

  afterAll(async () => {
    client.drop();
    publisher.close();
    tunnel.close();
    await wiring.stop();
  }, 30_000);

  it.each<[string, tunnelV1.Event | undefined, RegExp]>([
    ['no event', undefined, /^event: /],
    ['data that is not JSON', event({ data: '{"a":' }), /^data: /],
    ['no data', event({ data: '' }), /^data: /],
    ['data over 1 MiB', event({ data: JSON.stringify('x'.repeat(1024 * 1024)) }), /^data: /],
    ['no name', event({ name: '' }), /^name: /],
    ['a name of small letters', event({ name: 'message' }), /^name: /],
    ['an id of 65 bytes', event({ id: 'x'.repeat(65) }), /^id: /],
    ['no target', event({ target: undefined }), /^target: /],
    ['a target without a kind', event({ target: {} as tunnelV1.Target }), /^target: /],
    ['a guild that is no snowflake', event({ target: toGuild('workshop') }), /guild_id/],
    ['no users', event({ target: toUsers() }), /user_ids/],
    ['a user that is no snowflake', event({ target: toUsers('1', '-2') }), /user_ids/],
    ['1,001 users', event({ target: toUsers(...upTo(1001).map(String)) }), /user_ids/],
    ['a message without its channel', event({ name: 'MESSAGE_CREATE' }), /channel_id/],
  ])('that publishes %s is told the field', async (_, of, field) => {
    await expect(publish(of)).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(field),
    });
  });

  it('that publishes for somebody nobody is subscribed to has reached 0 sessions', async () => {
    expect((await publish(event({ target: toGuild(nobody) }))).sessions).toBe(0);
    expect((await publish(event({ target: toUsers(nobody, demo.newcomerId) }))).sessions).toBe(0);
  });

  it('without the right token is UNAUTHENTICATED, in the old services too', async () => {
    const guess = new Metadata();
    guess.set('authorization', 'Bearer sesamf');
    for (const metadata of [new Metadata(), guess]) {
      await expect(publish(event(), metadata)).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
    }
    const stranger = new Publisher(wiring.tunnel);
    await expect(stranger.publishOld(demo.guild, 'OURS', {})).rejects.toMatchObject({
      code: Code.UNAUTHENTICATED,
    });
    stranger.close();
  });

  it('that sends an event twice with one id has it delivered once', async () => {
    const twice = event({ id: 'only-once', name: 'ONCE' });
    expect([await publish(twice), await publish(twice)].map(({ sessions }) => sessions)).toEqual([1, 1]);
    await publish(event({ name: 'AFTER_ONCE' }));
    await client.event('AFTER_ONCE');
    expect(named('ONCE')).toHaveLength(1);
  });

  it('that does not wait for answers has its unary publishes in order', async () => {
    const answers = upTo(500).map((n) => publish(event({ name: 'UNARY', data: `{"n":${n}}` })));
    expect(new Set((await Promise.all(answers)).map(({ sessions }) => sessions))).toEqual(new Set([1]));
    await client.first(({ t, d }) => t === 'UNARY' && d['n'] === 500);
    expect(named('UNARY').map(({ d }) => d['n'])).toEqual(upTo(500));
  });

  it('that streams 5,000 events has them in order, each acknowledged by its id', async () => {
    const stream = tunnel.publishStream(shown);
    const acknowledged = new Map<string, tunnelV1.PublishStreamResponse>();
    const over = new Promise<void>((resolve, reject) => {
      stream.on('data', (answer: tunnelV1.PublishStreamResponse) => acknowledged.set(answer.eventId, answer));
      stream.on('error', reject);
      stream.on('end', resolve);
    });
    for (const n of upTo(5000)) {
      const of = event({ id: `s-${n}`, name: 'STREAMED', data: `{"n":${n}}` });
      if (!stream.write({ event: of })) await new Promise((resolve) => stream.once('drain', resolve));
    }
    stream.end();
    await over;
    expect(upTo(5000).filter((n) => acknowledged.get(`s-${n}`)?.sessions !== 1)).toEqual([]);
    await client.first(({ t, d }) => t === 'STREAMED' && d['n'] === 5000);
    expect(named('STREAMED').map(({ d }) => d['n'])).toEqual(upTo(5000));
  });

  it('may ask who is there, and is told so by the old service as well', async () => {
    const infoOf = (guildId: string) =>
      answerOf<tunnelV1.GetGuildInfoResponse>((done) => tunnel.getGuildInfo({ guildId }, shown, done));
    const presenceOf = (userId: string) =>
      answerOf<tunnelV1.GetUserPresenceResponse>((done) => tunnel.getUserPresence({ userId }, shown, done));
    expect(await infoOf(demo.guild)).toEqual({ presences: 1, available: true });
    expect(await infoOf(nobody)).toEqual({ presences: 0, available: false });
    expect(await presenceOf(demo.insiderId)).toEqual({ status: 'idle', activities: '[]', sessions: 1 });
    expect(await presenceOf(nobody)).toEqual({ status: 'offline', activities: '[]', sessions: 0 });
    const old = new legacyGrpc.GuildClient(wiring.tunnel, credentials.createInsecure());
    const replied = await answerOf<legacyGrpc.RepliedGuildInfo>((done) =>
      old.getGuildInfo({ guildId: demo.guild }, shown, done),
    );
    old.close();
    expect(replied).toEqual({ presences: 1, available: true });
  });

  it.each([
    [0, 4003],
    [4004, 4004],
  ])('that disconnects a user with %i closes each of its sockets with %i', async (asked, closed) => {
    const sockets = [new RawClient(wiring.gateway), new RawClient(wiring.gateway)];
    const sessions = await Promise.all(sockets.map((socket) => socket.identify(wiring.token(demo.loner))));
    const request = { userId: demo.lonerId, closeCode: asked };
    const answer = await answerOf<tunnelV1.DisconnectUserResponse>((done) =>
      tunnel.disconnectUser(request, shown, done),
    );
    expect(answer.sessions).toBe(2);
    expect(await Promise.all(sockets.map((socket) => socket.closed))).toEqual([closed, closed]);
    const again = new RawClient(wiring.gateway);
    await again.resume(wiring.token(demo.loner), sessions[0] ?? '', 1);
    expect((await again.op(9)).d).toBe(false);
    again.drop();
  });

  it('and its tools find health without a token', async () => {
    const Health = makeGenericClientConstructor(healthService, 'Health');
    const health = new Health(wiring.tunnel, credentials.createInsecure());
    const check = health['check'] as (
      request: object,
      done: (error: ServiceError | null, answer: object) => void,
    ) => ClientUnaryCall;
    const answer = await answerOf<object>((done) =>
      check.call(health, { service: 'derailed.tunnel.v1.Tunnel' }, done),
    );
    expect(answer).toEqual({ status: 'SERVING' });
    health.close();
  });

  it('and its tools find the services by reflection', async () => {
    const path = require.resolve('@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto');
    const { 'grpc.reflection.v1.ServerReflection': definition } = loadSync(path);
    const Reflection = makeGenericClientConstructor(definition as ServiceDefinition, 'Reflection');
    const reflection = new Reflection(wiring.tunnel, credentials.createInsecure());
    const open = reflection['ServerReflectionInfo'] as (
      metadata: Metadata,
    ) => ClientDuplexStream<object, object>;
    const call = open.call(reflection, shown);
    const answer = new Promise((resolve, reject) => call.on('data', resolve).on('error', reject));
    call.write({ listServices: '' });
    expect(JSON.stringify(await answer)).toMatch(
      /derailed\.grpc\.Guild.*derailed\.grpc\.User.*derailed\.tunnel\.v1\.Tunnel/,
    );
    call.end();
    reflection.close();
  });
});
