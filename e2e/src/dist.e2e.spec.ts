import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AppOptions,
  type AppProcess,
  type RunningPostgres,
  createTokens,
  prepareUsers,
  startApp,
  startPostgres,
} from '@derailed/testing';
import { DiscordClient } from './discord-client';
import { demo } from './demo';

const dist = join(__dirname, '..', '..', 'dist', 'apps');
const alone = ['presence-node', 'tunnel', 'auth'];
const onDatabase = ['ws-gateway', 'session-node', 'guild-node'];

jest.setTimeout(30_000);

describe('a copy of a dist folder, far from any node_modules', () => {
  const folder = mkdtempSync(join(tmpdir(), 'derailed-dist-'));
  const doors = ['GATEWAY_LISTEN', 'TUNNEL_LISTEN', 'AUTH_LISTEN'].map((name) => [name, '127.0.0.1:0']);
  let postgres: RunningPostgres;
  const running: AppProcess[] = [];
  const start = async (app: string, env: Readonly<Record<string, string>> = {}): Promise<AppProcess> => {
    const started = await startApp(app, copyOf(app, env));
    running.push(started);
    return started;
  };
  const copyOf = (app: string, env: Readonly<Record<string, string>>): AppOptions => {
    const cwd = join(folder, app);
    cpSync(join(dist, app), cwd, { recursive: true });
    return { cwd, main: join(cwd, 'main.js'), env: { ...Object.fromEntries(doors), ...env } };
  };
  const get = async (admin: string, path: string): Promise<[number, string]> => {
    const response = await fetch(`http://${admin}${path}`);
    return [response.status, await response.text()];
  };

  beforeAll(async () => {
    postgres = await startPostgres();
  }, 60_000);

  afterEach(async () => {
    await Promise.all(running.splice(0).map((app) => app.kill()));
  });

  afterAll(async () => {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([...alone, ...onDatabase])(
    'of %s starts, is healthy and ready, and has metrics of its own',
    async (name) => {
      const app = await start(name, onDatabase.includes(name) ? { DATABASE_URL: postgres.url } : {});
      const admin = app.door('admin');
      expect(await get(admin, '/healthz')).toEqual([200, '{"status":"ok"}']);
      expect(await get(admin, '/readyz')).toEqual([200, '{"status":"ready"}']);
      const [status, metrics] = await get(admin, '/metrics');
      expect([status, metrics]).toEqual([200, expect.stringContaining('process_cpu_seconds_total')]);
      if (name !== 'auth') expect(metrics).toMatch(/^derailed_\w+/m);
      expect([await app.stop(), app.log()]).toEqual([0, '']);
    },
  );

  it('of gateway serves its embedded default, and no metric names a user, a guild or a session', async () => {
    const app = await start('gateway');
    const token = /demo-bot\s+(\S+)/.exec(app.banner.join('\n'))?.[1] ?? '';
    const client = await DiscordClient.connect(app.door('WebSocket'), token, 1);
    const ready = await client.first('READY');
    await client.until(() => client.named('GUILD_CREATE').length === demo.guilds.length);
    const [, metrics] = await get(app.door('admin'), '/metrics');
    expect(metrics).toMatch(/^derailed_gateway_connections\S* 1$/m);
    expect(metrics).not.toMatch(/\{[^}]*\d{15,}[^}]*\}/);
    expect(metrics).not.toContain(ready.d['session_id']);
    await client.close();
    expect([await app.stop(), app.log()]).toEqual([0, '']);
  });

  it('of auth makes tokens that the copy of another app believes', async () => {
    const auth = await start('auth');
    const users = await prepareUsers({ DATABASE_URL: postgres.url });
    const tokens = await createTokens(auth.door('auth'), users);
    const env = { DATABASE_URL: postgres.url, AUTH_URL: auth.door('auth') };
    const app = await start('gateway', env);
    const client = await DiscordClient.connect(app.door('WebSocket'), tokens.get(demo.bot) ?? '', 1);
    await client.first('READY');
    await client.close();
  });
});
