import { PRIVILEGED_INTENTS, VALID_INTENTS } from '@derailed/shared/protocol';
import { DiscordClient, type Dispatch } from './discord-client';
import { demo } from './demo';
import { Publisher } from './publisher';
import { type Wiring, wirings } from './wiring';

const message = (channelId: string, n: number) => ({
  id: String(n),
  channel_id: channelId,
  guild_id: demo.guild,
  content: `message ${n}`,
});
const sequence = (received: readonly Dispatch[]) => received.map(({ s }) => s);
const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

describe.each(wirings)('the main job, %s', (_, start) => {
  let wiring: Wiring;
  let publisher: Publisher;
  const clients: DiscordClient[] = [];
  const connect = async (username: string): Promise<DiscordClient> => {
    const client = await DiscordClient.connect(
      wiring.gateway,
      wiring.token(username),
      VALID_INTENTS & ~PRIVILEGED_INTENTS,
    );
    clients.push(client);
    return client;
  };

  beforeAll(async () => {
    wiring = await start();
    publisher = new Publisher(wiring.tunnel);
  }, 60_000);

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
  });

  afterAll(async () => {
    publisher.close();
    await wiring.stop();
  }, 30_000);

  it('gives a client READY and a GUILD_CREATE for each of its guilds', async () => {
    const client = await connect(demo.bot);
    await client.until((received) => received.length >= 3);
    expect(client.received[0]).toMatchObject({
      t: 'READY',
      s: 1,
      d: { v: 10, user: { bot: true }, shard: [0, 1] },
    });
    expect(
      client
        .named('GUILD_CREATE')
        .map(({ d }) => d['id'])
        .sort(),
    ).toEqual([...demo.guilds].sort());
    expect(sequence(client.received)).toEqual([1, 2, 3]);
  });

  it('delivers 2,000 events in publish order, each with the next sequence number', async () => {
    const client = await connect(demo.bot);
    await client.until((received) => received.length >= 3);
    const published: Promise<number>[] = [];
    for (let n = 1; n <= 2000; n++) {
      published.push(publisher.publish({ guildId: demo.guild }, 'MESSAGE_CREATE', message(demo.channel, n)));
      if (published.length % 100 === 0) await published.at(-1);
    }
    expect(new Set(await Promise.all(published))).toEqual(new Set([1]));
    await client.until((received) => received.length >= 2003);
    expect(client.named('MESSAGE_CREATE').map(({ d }) => Number(d['id']))).toEqual(upTo(2000));
    expect(sequence(client.received)).toEqual(upTo(2003));
  }, 30_000);

  it('keeps a private channel from those who cannot view it, through both protos, named or not', async () => {
    const [insider, outsider] = await Promise.all([connect(demo.insider), connect(demo.outsider)]);
    await Promise.all(
      [insider, outsider].map((client) => client.until(() => client.named('GUILD_CREATE').length >= 1)),
    );
    await Promise.all(
      [insider, outsider].map((client) =>
        client.until(() => client.named('GUILD_CREATE').some(({ d }) => d['id'] === demo.guild)),
      ),
    );
    const secret = message(demo.privateChannel, 1);
    await publisher.publish(
      { guildId: demo.guild, channelId: demo.privateChannel },
      'MESSAGE_CREATE',
      secret,
    );
    await publisher.publish({ guildId: demo.guild }, 'MESSAGE_CREATE', secret);
    await publisher.publish({ guildId: demo.guild }, 'SOMETHING_OF_OURS', secret);
    expect(await publisher.publishOld(demo.guild, 'MESSAGE_CREATE', secret)).toBe('Success');
    await publisher.publish({ guildId: demo.guild }, 'MESSAGE_CREATE', message(demo.channel, 2));
    await Promise.all(
      [insider, outsider].map((client) =>
        client.until(() => client.named('MESSAGE_CREATE').some(({ d }) => d['id'] === '2')),
      ),
    );
    const ofChannel = (client: DiscordClient) =>
      client.received.filter(({ d }) => d['channel_id'] === demo.privateChannel).length;
    expect([ofChannel(insider), ofChannel(outsider)]).toEqual([4, 0]);
    expect(JSON.stringify(outsider.received)).not.toContain(demo.privateChannel);
    expect(JSON.stringify(insider.named('GUILD_CREATE'))).toContain(demo.privateChannel);
  });

  it('answers a member request in chunks with its nonce', async () => {
    const client = await connect(demo.insider);
    await client.until(() => client.named('GUILD_CREATE').some(({ d }) => d['id'] === demo.guild));
    await client.send({ op: 8, d: { guild_id: demo.guild, query: '', limit: 0, nonce: 'n-1' } });
    const chunk = await client.first('GUILD_MEMBERS_CHUNK');
    expect(chunk.d).toMatchObject({ guild_id: demo.guild, chunk_index: 0, chunk_count: 1, nonce: 'n-1' });
    expect((chunk.d['members'] as unknown[]).length).toBeGreaterThanOrEqual(3);
  });

  it('subscribes a user that joins a guild, and lets go of one that leaves', async () => {
    const client = await connect(demo.loner);
    await client.first('READY');
    await client.until(() => client.named('GUILD_CREATE').length >= 1);
    await publisher.publish({ userIds: [demo.lonerId] }, 'GUILD_DELETE', { id: demo.guild });
    await client.first('GUILD_DELETE');
    const before = client.received.length;
    expect(await publisher.publish({ guildId: demo.guild }, 'SOMETHING_OF_OURS', {})).toBe(0);
    await publisher.publish({ userIds: [demo.lonerId] }, 'GUILD_CREATE', { id: demo.guild });
    await publisher.publish({ guildId: demo.guild }, 'SOMETHING_OF_OURS', { after: 'join' });
    await client.first('SOMETHING_OF_OURS');
    expect(client.received.slice(before).map(({ t }) => t)).toEqual(['GUILD_CREATE', 'SOMETHING_OF_OURS']);
  });

  it('publishes a presence when a session is ready and when it ends, to those who share the guild', async () => {
    const watcher = await DiscordClient.connect(wiring.gateway, wiring.token(demo.insider), VALID_INTENTS);
    clients.push(watcher);
    await watcher.until(() => watcher.named('GUILD_CREATE').some(({ d }) => d['id'] === demo.guild));
    const seen = (status: string) => (received: readonly Dispatch[]) =>
      received.some(
        ({ t, d }) =>
          t === 'PRESENCE_UPDATE' &&
          (d['user'] as { id: string }).id === demo.newcomerId &&
          d['status'] === status,
      );
    // Somebody whom no test before has brought online: a flap within a second is told to nobody.
    const other = await connect(demo.newcomer);
    await watcher.until(seen('online'));
    await other.close();
    await watcher.until(seen('offline'));
  });
});
