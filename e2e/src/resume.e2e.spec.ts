import { type TcpProxy, startTcpProxy } from '@derailed/testing';
import { DiscordClient } from './discord-client';
import { demo } from './demo';
import { PRIVILEGED_INTENTS, VALID_INTENTS } from '@derailed/shared/protocol';
import { Publisher } from './publisher';
import { RawClient } from './raw-client';
import { startSeparate } from './wiring';

const perSecond = 200;

/** Publishes numbered messages at a steady rate until told to stop; answers how many were acked. */
function stream(publisher: Publisher): { stop(): Promise<number> } {
  const acks: Promise<number>[] = [];
  const timer = setInterval(() => {
    const n = acks.length + 1;
    acks.push(
      publisher.publish({ guildId: demo.guild }, 'MESSAGE_CREATE', {
        id: String(n),
        channel_id: demo.channel,
        content: `message ${n}`,
      }),
    );
  }, 1000 / perSecond);
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(acks);
      return acks.length;
    },
  };
}

describe('a client in the middle of a stream of 200 events a second', () => {
  let wiring: Awaited<ReturnType<typeof startSeparate>>;
  let proxy: TcpProxy;
  let publisher: Publisher;
  let client: DiscordClient;
  let publishing: ReturnType<typeof stream>;

  beforeAll(async () => {
    proxy = await startTcpProxy();
    wiring = await startSeparate({ GATEWAY_PUBLIC_URL: `ws://${proxy.address}` });
    proxy.retarget(wiring.gateway);
    publisher = new Publisher(wiring.tunnel);
  }, 60_000);

  beforeEach(async () => {
    client = await DiscordClient.connect(
      proxy.address,
      wiring.token(demo.bot),
      VALID_INTENTS & ~PRIVILEGED_INTENTS,
    );
    await client.until(() => client.named('GUILD_CREATE').length === demo.guilds.length);
  });

  afterEach(async () => {
    await publishing.stop();
    await client.close();
  });

  afterAll(async () => {
    publisher.close();
    await wiring.stop();
    await proxy.close();
  }, 30_000);

  const expectNothingMissingOrDoubled = async (published: number): Promise<void> => {
    await client.until(() => client.named('MESSAGE_CREATE').some(({ d }) => d['id'] === String(published)));
    expect(client.named('MESSAGE_CREATE').map(({ d }) => Number(d['id']))).toEqual(
      Array.from({ length: published }, (_, at) => at + 1),
    );
    expect(client.received.map(({ s }) => s)).toEqual(
      Array.from({ length: client.received.length }, (_, at) => at + 1),
    );
  };

  it('misses nothing when its socket is cut 20 times', async () => {
    publishing = stream(publisher);
    for (let cut = 1; cut <= 20; cut++) {
      const before = client.named('MESSAGE_CREATE').length;
      await client.until(() => client.named('MESSAGE_CREATE').length > before + 20);
      proxy.cut();
      await client.until(() => client.named('RESUMED').length >= cut);
    }
    await expectNothingMissingOrDoubled(await publishing.stop());
    expect(client.named('READY')).toHaveLength(1);
    expect(client.resumes).toBe(20);
  }, 120_000);

  it('misses nothing when its ws-gateway is killed and another is started', async () => {
    publishing = stream(publisher);
    await client.until(() => client.named('MESSAGE_CREATE').length > 50);
    proxy.retarget('');
    await wiring.cluster.app('ws-gateway').kill();
    const next = await wiring.cluster.restart('ws-gateway');
    proxy.retarget(next.door('WebSocket'));
    await client.until(() => client.named('RESUMED').length >= 1);
    const resumedAt = client.named('MESSAGE_CREATE').length;
    await client.until(() => client.named('MESSAGE_CREATE').length > resumedAt + 50);
    await expectNothingMissingOrDoubled(await publishing.stop());
    expect(client.named('READY')).toHaveLength(1);
  }, 120_000);
});

describe('a client whose old socket still looks open to another ws-gateway', () => {
  let wiring: Awaited<ReturnType<typeof startSeparate>>;
  let publisher: Publisher;

  beforeAll(async () => {
    const layout = [
      'session-node',
      'guild-node',
      'presence-node',
      'tunnel',
      'ws-gateway',
      'ws-gateway',
    ] as const;
    wiring = await startSeparate({}, undefined, { layout });
    publisher = new Publisher(wiring.tunnel);
  }, 60_000);

  afterAll(async () => {
    publisher.close();
    await wiring.stop();
  }, 30_000);

  it('resumes at this one: the old socket gets 4000 and nothing more, and what it says later means nothing', async () => {
    const [here, there] = [1, 0].map((nth) => wiring.cluster.app('ws-gateway', nth).door('WebSocket'));
    const token = wiring.token(demo.bot);
    const old = new RawClient(there!);
    await old.identify(token);
    await old.guilds(demo.guilds.length);
    // Its network is stuck: it reads nothing, and what it says comes late.
    old.pause();
    const client = new RawClient(here!);
    await client.resume(token, old.session, old.lastSeq);
    await client.event('RESUMED');
    old.sendClose(1000);
    const say = (id: string) =>
      publisher.publish({ guildId: demo.guild }, 'MESSAGE_CREATE', { id, channel_id: demo.channel });
    expect(await say('1')).toBe(1);
    await client.event('MESSAGE_CREATE');
    const seen = old.received.length;
    old.continue();
    await old.closed;
    expect(old.received.slice(seen)).toEqual([]);
    expect(await say('2')).toBe(1);
    const [one, two] = await client.count(({ t }) => t === 'MESSAGE_CREATE', 2);
    expect([one?.d['id'], two?.d['id']]).toEqual(['1', '2']);
    await client.close();
  });

  it('is told so at once', async () => {
    const [here, there] = [1, 0].map((nth) => wiring.cluster.app('ws-gateway', nth).door('WebSocket'));
    const token = wiring.token(demo.bot);
    const old = new RawClient(there!);
    await old.identify(token);
    await old.guilds(demo.guilds.length);
    const client = new RawClient(here!);
    await client.resume(token, old.session, old.lastSeq);
    await client.event('RESUMED');
    expect(await old.closed).toBe(4000);
    await client.close();
  });
});
