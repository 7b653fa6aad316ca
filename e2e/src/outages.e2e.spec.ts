import { HashRing } from '@derailed/shared/hash-ring';
import {
  type RunningPostgres,
  type TcpProxy,
  describeWithEtcd,
  startEtcd,
  startPostgres,
  startTcpProxy,
} from '@derailed/testing';
import { Client } from 'pg';
import { demo } from './demo';
import { Publisher } from './publisher';
import { RawClient } from './raw-client';
import { type Environment, type OnPostgres, startOnPostgres, startSeparate } from './wiring';

const apps = ['session-node', 'guild-node', 'presence-node', 'tunnel', 'ws-gateway'] as const;

/** A gateway, and the admin doors of all its processes. */
interface Watched {
  readonly wiring: OnPostgres;
  readonly doors: readonly string[];
}

const wirings: readonly (readonly [string, (env: Environment) => Promise<Watched>])[] = [
  [
    'in one process',
    async (env) => {
      const wiring = await startOnPostgres(env);
      return { wiring, doors: [wiring.admin] };
    },
  ],
  [
    'in eight processes',
    async (env) => {
      const wiring = await startSeparate(env);
      return { wiring, doors: apps.map((app) => wiring.cluster.app(app).door('admin')) };
    },
  ],
];

/** A session that was there before the outage: what is published reaches it at once, and all nodes stay ready. */
async function expectLifeGoesOn(
  { doors }: Watched,
  publisher: Publisher,
  client: RawClient,
  mark: string,
): Promise<void> {
  await publisher.publish({ guildId: demo.guild }, 'MESSAGE_CREATE', {
    id: mark,
    channel_id: demo.channel,
  });
  await publisher.publish({ userIds: [demo.insiderId] }, 'SOMETHING_OF_OURS', { mark });
  await client.first(({ t, d }) => t === 'MESSAGE_CREATE' && d['id'] === mark);
  await client.first(({ t, d }) => t === 'SOMETHING_OF_OURS' && d['mark'] === mark);
  const ready = await Promise.all(doors.map(async (door) => (await fetch(`http://${door}/readyz`)).status));
  expect(ready).toEqual(doors.map(() => 200));
}

describe.each(wirings)('PostgreSQL is away, %s', (_, start) => {
  let postgres: RunningPostgres;
  let database: TcpProxy;
  let watched: Watched;
  let publisher: Publisher;
  let client: RawClient;

  beforeAll(async () => {
    postgres = await startPostgres();
    const { host } = new URL(postgres.url);
    database = await startTcpProxy(host);
    watched = await start({ DATABASE_URL: postgres.url.replace(host, database.address) });
    publisher = new Publisher(watched.wiring.tunnel);
    client = new RawClient(watched.wiring.gateway);
    await client.identify(watched.wiring.token(demo.insider));
    await client.guilds(demo.guilds.length);
  }, 60_000);

  afterAll(async () => {
    await client.leave();
    publisher.close();
    await watched.wiring.stop();
    await database.close();
    await postgres.stop();
  }, 30_000);

  /** Somebody who has never been here says hello, and is READY with all guilds when the database is back. */
  const expectToWait = async (back: () => Promise<void> | void): Promise<void> => {
    const newcomer = new RawClient(watched.wiring.gateway);
    await newcomer.op(10);
    newcomer.send({ op: 2, d: { token: watched.wiring.token(demo.newcomer), intents: 1, properties: {} } });
    newcomer.send({ op: 1, d: null });
    await newcomer.op(11);
    await expectLifeGoesOn(watched, publisher, client, 'while somebody waits');
    expect(newcomer.received.map(({ op }) => op)).toEqual([10, 11]);
    await back();
    const { d } = await newcomer.event('READY');
    await newcomer.guilds((d['guilds'] as unknown[]).length);
    await newcomer.leave();
  };

  it('with its connections cut and nobody who answers: sessions go on, new ones wait until it is back', async () => {
    const { host } = new URL(postgres.url);
    database.retarget('');
    database.cut();
    await expectLifeGoesOn(watched, publisher, client, 'after the cut');
    await expectToWait(() => database.retarget(host));
  }, 60_000);

  it('and slow, for its tables are locked: sessions go on, new ones wait until they are not', async () => {
    const monolith = new Client({ connectionString: postgres.url });
    await monolith.connect();
    await monolith.query('begin; lock table users, members in access exclusive mode');
    await expectLifeGoesOn(watched, publisher, client, 'behind a lock');
    await expectToWait(async () => void (await monolith.query('rollback')));
    await monolith.end();
  }, 60_000);
});

describeWithEtcd('PostgreSQL is away while a guild-node leaves', () => {
  const ends: (() => Promise<void>)[] = [];

  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  }, 30_000);

  it('its guilds go on at the others: they are handed over, not read', async () => {
    const etcd = await startEtcd();
    ends.push(() => etcd.stop());
    const postgres = await startPostgres();
    ends.push(() => postgres.stop());
    const { host } = new URL(postgres.url);
    const database = await startTcpProxy(host);
    ends.push(() => database.close());
    const wiring = await startSeparate({ DATABASE_URL: postgres.url.replace(host, database.address) }, etcd, {
      layout: ['session-node', 'guild-node', 'guild-node', 'presence-node', 'tunnel', 'ws-gateway'],
    });
    ends.push(() => wiring.stop());
    const { cluster } = wiring;
    const publisher = new Publisher(wiring.tunnel);
    const client = new RawClient(wiring.gateway);
    ends.push(async () => {
      await client.leave();
      publisher.close();
    });
    await client.identify(wiring.token(demo.insider));
    await client.guilds(demo.guilds.length);
    database.retarget('');
    database.cut();

    const nodes = [0, 1].map((nth) => cluster.app('guild-node', nth).door('link'));
    const leaves = nodes.indexOf(HashRing.of(nodes).owner(demo.guild) ?? '');
    await cluster.app('guild-node', leaves).stop();
    const stays = cluster.app('guild-node', 1 - leaves);
    const doors = [stays, cluster.app('session-node')].map((app) => app.door('admin'));
    await expectLifeGoesOn({ wiring, doors }, publisher, client, 'at the other guild-node');
  }, 90_000);
});

describe('the auth service is away', () => {
  it('sessions go on, who was seen resumes, and who was not waits until it is back', async () => {
    const auth = await startTcpProxy();
    const wiring = await startSeparate({ AUTH_URL: auth.address });
    const watched = { wiring, doors: apps.map((app) => wiring.cluster.app(app).door('admin')) };
    auth.retarget(wiring.auth);
    const publisher = new Publisher(wiring.tunnel);
    const client = new RawClient(wiring.gateway);
    const token = wiring.token(demo.insider);
    const session = await client.identify(token);
    await client.guilds(demo.guilds.length);

    auth.retarget('');
    auth.cut();
    await expectLifeGoesOn(watched, publisher, client, 'without auth');
    client.drop();
    const again = new RawClient(wiring.gateway);
    await again.resume(token, session, client.lastSeq);
    await again.event('RESUMED');
    await expectLifeGoesOn(watched, publisher, again, 'resumed without auth');

    const newcomer = new RawClient(wiring.gateway);
    await newcomer.op(10);
    newcomer.send({ op: 2, d: { token: wiring.token(demo.newcomer), intents: 0, properties: {} } });
    newcomer.send({ op: 1, d: null });
    await newcomer.op(11);
    expect(newcomer.received.map(({ op }) => op)).toEqual([10, 11]);
    auth.retarget(wiring.auth);
    await newcomer.event('READY');

    await Promise.all([again.leave(), newcomer.leave()]);
    publisher.close();
    await wiring.stop();
    await auth.close();
  }, 60_000);
});
