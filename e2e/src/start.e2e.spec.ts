import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningPostgres, freePort, startApp, startPostgres, startTcpProxy } from '@derailed/testing';
import { demo } from './demo';
import { DiscordClient } from './discord-client';
import { anyPorts, refusal } from './refusal';
import { type Environment, binary, startComposed } from './wiring';

jest.setTimeout(30_000);

(binary === undefined ? describe : describe.skip)('the embedded default', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'derailed-data-'));
  const data: Environment = { DATA_DIR: dataDir, AUTH_KEY_FILE: join(dataDir, 'auth.key') };
  afterAll(() => {
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('says where each door is when it took free ports', async () => {
    const first = await startComposed(data);
    const ports = ['WebSocket', 'tunnel', 'auth', 'admin'].map((door) =>
      Number(first.app.door(door).split(':')[1]),
    );
    expect(new Set(ports).size).toBe(4);
    expect(Math.min(...ports)).toBeGreaterThan(0);
    await first.app.kill();
  });

  it('has its data and its tokens again after a kill -9, and one process at a time', async () => {
    const first = await startComposed(data);
    const token = first.token(demo.insider);
    const readyWith = async ({ gateway }: { gateway: string }): Promise<string> => {
      const client = await DiscordClient.connect(gateway, token, 1);
      const ready = await client.first('READY');
      await client.close();
      return (ready.d['user'] as { username: string }).username;
    };
    expect(await readyWith(first)).toBe(demo.insider);
    expect(await refusal('gateway', data)).toMatch(/^DATA_DIR: .* is in use by another process/);
    await first.app.kill();
    const second = await startComposed(data);
    expect(await readyWith(second)).toBe(demo.insider);
    expect(await second.app.stop()).toBe(0);
  });
});

/** Hangs up on who calls there first, and is gone. */
async function oneCallTo(address: string): Promise<void> {
  const [host, port] = address.split(':');
  const server = createServer((socket) => {
    socket.destroy();
    server.close();
  }).listen(Number(port), host);
  await once(server, 'close');
}

describe('a database', () => {
  let postgres: RunningPostgres;
  beforeAll(async () => {
    postgres = await startPostgres({ password: 'sesame' });
  });
  afterAll(() => postgres.stop());

  it('that refuses the password ends the start', async () => {
    const url = postgres.url.replace('sesame', 'hunter2');
    const sentence = await refusal('guild-node', { DATABASE_URL: url });
    expect(sentence).toMatch(/^DATABASE_URL: the database refuses us: .*\(28P01\)\.$/);
    expect(sentence).not.toContain('hunter2');
  });

  it('that does not exist ends the start', async () => {
    const url = postgres.url.replace(/postgres$/, 'elsewhere');
    expect(await refusal('session-node', { DATABASE_URL: url })).toMatch(/"elsewhere".*\(3D000\)\.$/);
  });

  it('that is away is waited for, and the log says so', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const starting = startApp('guild-node', {
      env: { ...anyPorts, DATABASE_URL: postgres.url.replace(/127.0.0.1:\d+/, address) },
    });
    await oneCallTo(address);
    const proxy = await startTcpProxy(new URL(postgres.url).host, address);
    const app = await starting;
    expect(app.log()).toMatch(/"reason":".*(ECONNRESET|terminated).*database away, next attempt in 500 ms/);
    expect(await app.stop()).toBe(0);
    await proxy.close();
  });
});
