import { VALID_INTENTS } from '@derailed/shared/protocol';
import { demo } from './demo';
import { Publisher } from './publisher';
import { RawClient } from './raw-client';
import { type Wiring, wirings } from './wiring';

const news = 'x'.repeat(64_000);

describe.each(wirings)('a client that stops reading, %s', (_, start) => {
  let wiring: Wiring;
  let publisher: Publisher;
  let client: RawClient;
  let sessionId: string;
  let published: number;

  beforeAll(async () => {
    wiring = await start();
    publisher = new Publisher(wiring.tunnel);
  }, 60_000);

  beforeEach(async () => {
    client = new RawClient(wiring.gateway);
    sessionId = await client.identify(wiring.token(demo.loner), VALID_INTENTS);
    await client.event('GUILD_CREATE');
    published = 0;
  });

  afterEach(() => client.drop());

  afterAll(async () => {
    publisher.close();
    await wiring.stop();
  });

  const target = { userIds: [demo.lonerId] };
  const publish = async (): Promise<void> => {
    expect(await publisher.publish(target, 'PLATFORM_NEWS', { n: ++published, news })).toBe(1);
  };
  const type = (): Promise<number> => publisher.publish(target, 'TYPING_START', {});
  const newsOf = ({ received }: RawClient): unknown[] =>
    received.filter(({ t }) => t === 'PLATFORM_NEWS').map(({ d }) => d['n']);
  const everything = (): number[] => Array.from({ length: published }, (__, at) => at + 1);

  it('is spared typing, loses nothing else, and gets typing again when it has caught up', async () => {
    expect(await type()).toBe(1);
    client.stopReading();
    do await publish();
    while ((await type()) === 1);
    await publish();
    client.readOn();
    await client.first(({ d, t }) => t === 'PLATFORM_NEWS' && d['n'] === published);
    while ((await type()) === 0);
    await publish();
    await client.first(({ d, t }) => t === 'PLATFORM_NEWS' && d['n'] === published);
    expect(newsOf(client)).toEqual(everything());
    const seqs = client.received.flatMap(({ s }) => s ?? []);
    expect(seqs).toEqual(seqs.map((__, at) => at + 1));
    await client.close();
  }, 60_000);

  it('is closed in the end, and resumes with all that its session has buffered, typing aside', async () => {
    const last = client.lastSeq;
    client.stopReading();
    const closed = async (): Promise<boolean> =>
      /^derailed_gateway_closes_total\{reason="too_slow".* [1-9]/m.test(
        await (await fetch(`http://${wiring.admin}/metrics`)).text(),
      );
    do await publish();
    while (!(await closed()));
    expect(await type()).toBe(0);
    await publish();
    const again = new RawClient(wiring.gateway);
    await again.resume(wiring.token(demo.loner), sessionId, last);
    await again.event('RESUMED');
    expect(newsOf(again)).toEqual(everything());
    expect(await type()).toBe(1);
    await again.close();
  }, 60_000);
});
