import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { OperatorError } from '@derailed/shared/kernel';
import { defaults, execArgv, recordingLogger } from '../persistence.fixture';
import { createDataSource } from '../data-source';
import { type EmbeddedDatabase, startEmbeddedDatabase } from './embedded-database';

const { logger } = recordingLogger();
const ada = '100000000000000001';

/** A directory that a first start has filled: making one takes seconds, copying it does not. */
let filled: string;
let dataDir: string;

beforeAll(async () => {
  filled = await mkdtemp(join(tmpdir(), 'derailed-data-'));
  const first = await startEmbeddedDatabase({ dataDir: filled, logger, execArgv });
  await first.stop();
}, 60_000);
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'derailed-data-'));
  await cp(filled, dataDir, { recursive: true });
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));
afterAll(() => rm(filled, { recursive: true, force: true }));

const start = (): Promise<EmbeddedDatabase> => startEmbeddedDatabase({ dataDir, logger, execArgv });

/** Takes as long as it takes: the machine may be busy. */
async function query<Row>(url: string, sql: string): Promise<Row[]> {
  const config = { ...defaults, databaseUrl: url, databaseStatementTimeout: 60_000 };
  const dataSource = await createDataSource(config).initialize();
  try {
    return await dataSource.query<Row[]>(sql);
  } finally {
    await dataSource.destroy();
  }
}

/** A process that runs the database and says its URL. */
async function startElsewhere(): Promise<{ url: string; kill: () => Promise<void> }> {
  const script = `
    const { startEmbeddedDatabase } = require(${JSON.stringify(join(__dirname, 'embedded-database.ts'))});
    const logger = { fatal() {} };
    startEmbeddedDatabase({ dataDir: ${JSON.stringify(dataDir)}, logger }).then(({ url }) => console.log(url));`;
  const child = spawn(process.execPath, [...execArgv, '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // What a killed process leaves behind goes away with the data.
    env: { ...process.env, TMPDIR: dataDir },
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve));
  return {
    url,
    kill: () => {
      child.kill('SIGKILL');
      return ended;
    },
  };
}

describe('the embedded database', () => {
  it('starts with demo users, keeps what is written, and does not bring the demo data back', async () => {
    const first = await start();
    expect(first.demoUsers.map(({ username, bot }) => (bot ? `${username} (bot)` : username))).toEqual([
      'ada',
      'grace',
      'linus',
      'mary',
      'demo-bot (bot)',
    ]);
    await query(first.url, `UPDATE users SET password = 'changed' WHERE id = ${ada}`);
    await query(first.url, `DELETE FROM settings`);
    await first.stop();

    const second = await start();
    expect(second.demoUsers[0]).toEqual({ id: ada, username: 'ada', passwordHash: 'changed', bot: false });
    await expect(query(second.url, 'SELECT * FROM settings')).resolves.toEqual([]);
    await second.stop();
  }, 60_000);

  it('survives kill -9 with all that it had acknowledged', async () => {
    const killed = await startElsewhere();
    await query(killed.url, `UPDATE users SET password = 'acknowledged' WHERE id = ${ada}`);
    await killed.kill();
    const again = await start();
    expect(again.demoUsers[0]?.passwordHash).toBe('acknowledged');
    await again.stop();
  }, 60_000);

  it('refuses a second process in one sentence, and goes on', async () => {
    const running = await startElsewhere();
    const refused = await start().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OperatorError);
    expect((refused as Error).message).toBe(
      `DATA_DIR: ${dataDir} is in use by another process; stop it, or name another directory.`,
    );
    await expect(query(running.url, 'SELECT 1 AS one')).resolves.toEqual([{ one: 1 }]);
    await running.kill();
  }, 60_000);

  it('never holds up the main thread, however long a query takes', async () => {
    const database = await start();
    let longest = 0;
    let last = performance.now();
    const beat = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    const began = performance.now();
    await query(database.url, 'SELECT sum(sqrt(n)) FROM generate_series(1, 4000000) n');
    const took = performance.now() - began;
    clearInterval(beat);
    await database.stop();
    expect(took).toBeGreaterThan(300);
    expect(longest).toBeLessThan(took / 3);
  }, 60_000);

  it('is reached through a directory that only its user can enter, and leaves none behind', async () => {
    const database = await start();
    const directory = new URL(database.url).searchParams.get('host')!;
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    await database.stop();
    await expect(readdir(directory)).rejects.toThrow('ENOENT');
  }, 60_000);
});
