import { randomBytes } from 'node:crypto';
import { VALID_INTENTS } from '@derailed/shared/protocol';
import { provesEach } from './acceptance/proves';
import { type Manner, manners } from './acceptance/manners';
import { demo } from './demo';
import { Publisher } from './publisher';
import { RawClient } from './raw-client';
import { type Wiring, wirings } from './wiring';

/** No compression makes it much shorter. */
const news = randomBytes(48_000).toString('base64');
const kinds: [string, Manner][] = [
  ['plain', manners.json],
  ['compressed', manners.zlib],
];

jest.setTimeout(60_000);

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

  const connect = ({ query, language }: Manner): RawClient =>
    new RawClient(wiring.gateway, query, undefined, undefined, language());
  const begin = async (manner: Manner): Promise<void> => {
    client = connect(manner);
    sessionId = await client.identify(wiring.token(demo.loner), VALID_INTENTS);
    await client.event('GUILD_CREATE');
    published = 0;
  };

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
  const closes = async (): Promise<string> =>
    /^derailed_gateway_closes_total\{reason="too_slow".* (\d+)/m.exec(
      await (await fetch(`http://${wiring.admin}/metrics`)).text(),
    )?.[1] ?? '0';
  const everything = (): number[] => Array.from({ length: published }, (__, at) => at + 1);

  const sparesTyping = async (_kind: string, manner: Manner): Promise<void> => {
    await begin(manner);
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
  };

  const closesInTheEnd = async (_kind: string, manner: Manner): Promise<void> => {
    const before = await closes();
    await begin(manner);
    const last = client.lastSeq;
    client.stopReading();
    do await publish();
    while ((await closes()) === before);
    expect(await type()).toBe(0);
    await publish();
    const again = connect(manner);
    await again.resume(wiring.token(demo.loner), sessionId, last);
    await again.event('RESUMED');
    expect(newsOf(again)).toEqual(everything());
    expect(await type()).toBe(1);
    await again.close();
  };

  provesEach(
    ['close.slow'],
    'and whose frames are %s is spared typing, loses nothing else, and gets typing again when it has caught up',
    kinds,
    sparesTyping,
  );
  provesEach(
    ['close.slow'],
    'and whose frames are %s is closed in the end, and resumes with all that its session has buffered, typing aside',
    kinds,
    closesInTheEnd,
  );
});
