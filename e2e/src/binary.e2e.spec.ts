import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import {
  type BareRoot,
  type RunningCluster,
  createBareRoot,
  librariesOf,
  runApp,
  startApp,
  startCluster,
} from '@derailed/testing';
import { demo } from './demo';
import { DiscordClient } from './discord-client';
import { Publisher } from './publisher';
import { binary } from './wiring';

const gateway = join(__dirname, '..', '..', 'dist', 'apps', 'gateway');
/** Everything that may be there beside the program: the GNU C and C++ libraries. */
const known = /^(libc|libm|libdl|libpthread|librt|libgcc_s|libstdc\+\+)\.so\.\d+$|^ld-linux[\w.-]*\.so\.\d+$/;

jest.setTimeout(60_000);

(binary === undefined ? describe.skip : describe)('the single binary', () => {
  const program = binary ?? '';
  let root: BareRoot;
  beforeAll(() => {
    root = createBareRoot(program);
  });
  afterAll(() => {
    root.remove();
  });
  const filesIn = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
      statSync(join(folder, file)).isFile(),
    );

  it('is linked with libc and libstdc++ only, and nothing else is in its root', () => {
    const libraries = librariesOf(program);
    expect(libraries.map((path) => basename(path)).filter((name) => !known.test(name))).toEqual([]);
    expect(filesIn(root.folder).sort()).toEqual(
      [basename(program), ...libraries.map((path) => path.slice(1))].sort(),
    );
  });

  it('says its version and its settings there, as the app does', async () => {
    const { command } = root;
    const manifest = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as {
      version: string;
    };
    expect(await runApp('gateway', { command, args: ['--version'] })).toEqual({
      code: 0,
      stdout: `${manifest.version}\n`,
      stderr: '',
    });
    const printed = await runApp('gateway', { command, args: ['--print-config'] });
    const main = join(gateway, 'main.js');
    expect(printed).toEqual(await runApp('gateway', { main, args: ['--print-config'] }));
    expect(printed.stdout).toMatch(/^GATEWAY_LISTEN=/m);
  });

  it('runs there as another user than root, writes nothing, and stops in order', async () => {
    const app = await startApp('gateway', { command: root.command, args: ['--roles', 'presence-node'] });
    const status = readFileSync(`/proc/${app.pid}/status`, 'utf8');
    const [, real, effective] = /^Uid:\t(\d+)\t(\d+)/m.exec(status) ?? [];
    expect([real, effective]).not.toContain('0');
    expect((await fetch(`http://${app.door('admin')}/readyz`)).status).toBe(200);
    const before = filesIn(root.folder).length;
    expect([await app.stop(), app.log()]).toEqual([0, '']);
    expect(filesIn(root.folder)).toHaveLength(before);
  });

  it('says how to get the embedded database when it has none, and runs on it when it lies beside', async () => {
    const { code, stderr } = await runApp('gateway', { command: root.command });
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^gateway: DATABASE_URL is not set, .*pglite.*\.\n$/),
    ]);
    const folder = mkdtempSync(join(tmpdir(), 'derailed-beside-'));
    cpSync(program, join(folder, 'gateway'));
    for (const part of ['pglite.worker.js', 'node_modules'])
      cpSync(join(gateway, part), join(folder, part), { recursive: true });
    const doors = ['GATEWAY_LISTEN', 'TUNNEL_LISTEN', 'AUTH_LISTEN'].map((name) => [name, '127.0.0.1:0']);
    const env = Object.fromEntries(doors) as Record<string, string>;
    const app = await startApp('gateway', { command: [join(folder, 'gateway')], cwd: folder, env });
    const token = /demo-bot\s+(\S+)/.exec(app.banner.join('\n'))?.[1] ?? '';
    const client = await DiscordClient.connect(app.door('WebSocket'), token, 1);
    await client.first('READY');
    await client.close();
    expect(await app.stop()).toBe(0);
    rmSync(folder, { recursive: true, force: true });
  });

  it('with --roles session-node joins apps that were started on Node', async () => {
    const cluster: RunningCluster = await startCluster({
      instead: { 'session-node': { command: [program] } },
    });
    const runs = [0, 1].map((nth) => cluster.app('session-node', nth));
    const programs = runs.map(({ pid }) =>
      execFileSync('readlink', [`/proc/${pid}/exe`], { encoding: 'utf8' }).trim(),
    );
    expect(programs.map((path) => basename(path))).toEqual([basename(program), basename(program)]);
    const client = await DiscordClient.connect(
      cluster.app('ws-gateway').door('WebSocket'),
      cluster.token(demo.bot),
      1,
    );
    await client.until(() => client.named('GUILD_CREATE').length === demo.guilds.length);
    const publisher = new Publisher(cluster.app('tunnel').door('tunnel'));
    const message = { id: '1', channel_id: demo.channel, content: 'joined' };
    expect(await publisher.publish({ guildId: demo.guild }, 'SOMETHING_OF_OURS', message)).toBe(1);
    await client.first('SOMETHING_OF_OURS');
    publisher.close();
    await client.close();
    await cluster.stop();
  });
});
