import { type RunningPostgres, type TcpProxy, startPostgres, startTcpProxy } from '@derailed/testing';
import { OperatorError } from '@derailed/shared/kernel';
import { connect, createDataSource } from './data-source';
import { migrate } from './migrate';
import {
  type RunningPersistence,
  defaults,
  realClock,
  recordingLogger,
  startPersistence,
} from './persistence.fixture';
import { DatabaseUnavailable } from './unavailable';

const ada = '100000000000000001';
let postgres: RunningPostgres;
let proxy: TcpProxy;
let url: string;
let persistence: RunningPersistence;

/** A port that nobody listens on. */
const nowhere = '127.0.0.1:1';

beforeAll(async () => {
  postgres = await startPostgres();
  await migrate({ ...defaults, databaseUrl: postgres.url });
  proxy = await startTcpProxy(new URL(postgres.url).host);
  url = `postgresql://postgres@${proxy.address}/postgres`;
}, 60_000);
afterAll(async () => {
  await proxy.close();
  await postgres.stop();
});
beforeEach(async () => {
  proxy.retarget(new URL(postgres.url).host);
  persistence = await startPersistence(url, { databasePool: 2, databaseStatementTimeout: 300 });
});
afterEach(() => persistence.stop());

const untilUp = async (value: number): Promise<void> => {
  while ((await persistence.up()) !== value) await new Promise((resolve) => setTimeout(resolve, 20));
};

describe('a database that goes away', () => {
  it('is told from a wrong query, shown by the gauge, said once, and noticed when it is back', async () => {
    await expect(persistence.up()).resolves.toBe(1);
    proxy.retarget(nowhere);
    proxy.cut();
    for (let time = 0; time < 3; time++) {
      await expect(persistence.users.credentials(ada)).rejects.toThrow(DatabaseUnavailable);
    }
    await expect(persistence.up()).resolves.toBe(0);
    proxy.retarget(new URL(postgres.url).host);
    await untilUp(1);
    await expect(persistence.users.credentials(ada)).resolves.toBeNull();
    expect(persistence.lines.map(({ msg }) => msg)).toEqual([
      'database away; what is loaded goes on',
      'database back',
    ]);
    await expect(persistence.database.query('SELECT nothing')).rejects.not.toThrow(DatabaseUnavailable);
  }, 20_000);

  it('ends the reads that were under way', async () => {
    const slow = persistence.database.query('SELECT pg_sleep(0.2)');
    await new Promise((resolve) => setTimeout(resolve, 100));
    proxy.cut();
    await expect(slow).rejects.toThrow(DatabaseUnavailable);
    await expect(persistence.users.credentials(ada)).resolves.toBeNull();
  }, 20_000);
});

describe('a database that is too slow', () => {
  it('is given up on after the statement timeout, and leaves the connection usable', async () => {
    await expect(persistence.database.query('SELECT pg_sleep(5)')).rejects.toThrow(DatabaseUnavailable);
    await expect(persistence.database.snapshot((query) => query('SELECT pg_sleep(5)'))).rejects.toThrow(
      DatabaseUnavailable,
    );
    await expect(persistence.users.credentials(ada)).resolves.toBeNull();
  }, 20_000);

  it('lets nobody wait for a connection longer than that', async () => {
    const began = performance.now();
    const reads = Array.from({ length: 20 }, () => persistence.database.query('SELECT pg_sleep(0.25)'));
    const failed = (await Promise.allSettled(reads)).filter(({ status }) => status === 'rejected');
    expect(failed.length).toBeGreaterThan(10);
    expect(performance.now() - began).toBeLessThan(1500);
  }, 20_000);

  it('is given up on too when it says nothing at all', async () => {
    const silent = persistence.database.snapshot(async (query) => {
      // Leaves only our own timeout, as when the network dies without a word.
      await query('SET LOCAL statement_timeout = 0');
      return query('SELECT pg_sleep(10)');
    });
    await expect(silent).rejects.toThrow(DatabaseUnavailable);
    await expect(persistence.users.credentials(ada)).resolves.toBeNull();
  }, 20_000);
});

describe('a start', () => {
  it('waits for a database that is not there yet, and says so', async () => {
    proxy.retarget(nowhere);
    const { logger, lines } = recordingLogger();
    const waiting = connect(createDataSource({ ...defaults, databaseUrl: url }), realClock, logger);
    while (lines.length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    proxy.retarget(new URL(postgres.url).host);
    const dataSource = await waiting;
    await dataSource.destroy();
    expect(lines.map(({ msg }) => msg).slice(0, 2)).toEqual([
      'database away, next attempt in 500 ms',
      'database away, next attempt in 1000 ms',
    ]);
  }, 20_000);

  it('ends at once, in one sentence, when waiting can not help', async () => {
    const elsewhere = createDataSource({ ...defaults, databaseUrl: url.replace(/postgres$/, 'nonesuch') });
    const refused = await connect(elsewhere, realClock, recordingLogger().logger).catch(
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(OperatorError);
    expect((refused as Error).message).toBe(
      'DATABASE_URL: the database refuses us: database "nonesuch" does not exist (3D000).',
    );
  });

  it('with DATABASE_CA never talks in plaintext, whatever the URL says', async () => {
    const config = { ...defaults, databaseUrl: `${postgres.url}?sslmode=disable`, databaseCa: __filename };
    const refused = connect(createDataSource(config), realClock, recordingLogger().logger);
    await expect(refused).rejects.toThrow(
      'DATABASE_URL: the database refuses us: The server does not support SSL connections.',
    );
    expect(() => createDataSource({ ...config, databaseCa: '/nonexistent' })).toThrow(
      "DATABASE_CA: /nonexistent can't be read.",
    );
  });

  it('needs DATABASE_URL', () => {
    expect(() => createDataSource(defaults)).toThrow(
      new OperatorError('DATABASE_URL is not set: this node reads the database of the platform.'),
    );
  });
});
