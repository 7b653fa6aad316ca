import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AppProcess,
  type BareRoot,
  type ClusterApp,
  type RunningEtcd,
  createBareRoot,
  createTokens,
  hasEtcd,
  prepareUsers,
  startApp,
  startCluster,
  startEtcd,
  startPostgres,
} from '@derailed/testing';
import { Client } from 'pg';

/** A running gateway, however it is wired. */
export interface Wiring {
  /** HOST:PORT of the WebSocket door, of the tunnel and of an admin door. */
  readonly gateway: string;
  readonly tunnel: string;
  readonly admin: string;
  /** Token of a demo user. */
  token(username: string): string;
  stop(): Promise<void>;
}

/** A gateway on a real PostgreSQL that a test can write to as the monolith would. */
export interface OnPostgres extends Wiring {
  /** HOST:PORT of the auth service. */
  readonly auth: string;
  query(sql: string): Promise<void>;
  /** Apps that have the settings of a ws-gateway, of sessions and of guilds. */
  readonly apps: readonly string[];
  /** Whether sessions live on when the process that clients are connected to does not. */
  readonly sessionsOutliveGateway: boolean;
  /** Stops the process that clients are connected to, as an operator would. */
  stopGateway(): Promise<void>;
  /** Starts it again. @returns HOST:PORT of its WebSocket door */
  restartGateway(): Promise<string>;
}

async function queryOnce(connectionString: string, sql: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  await client.query(sql);
  await client.end();
}

/** Settings that a test may add to every process. */
export type Environment = Readonly<Record<string, string>>;

/** Many tests identify as the same bot, and are not about its turns. */
const hurried = { IDENTIFY_INTERVAL: '0' };

/** The single binary, when the suites run with it in place of dist/apps/gateway; see README.md. */
export const binary = process.env['DERAILED_BINARY'];

/** The tokens that the embedded default prints: `  USERNAME  TOKEN`, below its heading. */
function tokensOf({ banner }: AppProcess): (username: string) => string {
  return (username) => {
    const line = banner.find((text) => text.trim().startsWith(`${username} `));
    const token = line?.trim().split(/\s+/)[1];
    if (token === undefined) throw new Error(`no token of ${username} in:\n${banner.join('\n')}`);
    return token;
  };
}

export interface Composed extends Wiring {
  readonly app: AppProcess;
  readonly dataDir: string;
}

/** Every role in one process: on the embedded database, or as the single binary, which has none, on PostgreSQL. */
export function startComposed(env: Environment = {}): Promise<Composed> {
  return binary === undefined ? startGateway(env) : startOnPostgres(env);
}

async function startGateway(env: Environment, node?: string): Promise<Composed> {
  const root: BareRoot | undefined =
    binary === undefined || node !== undefined ? undefined : createBareRoot(binary);
  const dataDir = mkdtempSync(join(tmpdir(), 'derailed-'));
  const app = await startApp('gateway', {
    ...(root && { command: root.command }),
    ...(node !== undefined && { node }),
    env: {
      GATEWAY_LISTEN: '127.0.0.1:0',
      TUNNEL_LISTEN: '127.0.0.1:0',
      AUTH_LISTEN: '127.0.0.1:0',
      DATA_DIR: dataDir,
      AUTH_KEY_FILE: join(dataDir, 'auth.key'),
      ...hurried,
      ...env,
    },
  });
  return {
    app,
    dataDir,
    gateway: app.door('WebSocket'),
    tunnel: app.door('tunnel'),
    admin: app.door('admin'),
    token: tokensOf(app),
    stop: async () => {
      await app.stop();
      root?.remove();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** In place of a key file: the bare root has no place for one. */
const signingKey = 'a signing key for tests, 32 or more characters';

/** Every role in one process, on a real PostgreSQL. @param node that runs it; absent: the one of the test */
export async function startOnPostgres(env: Environment = {}, node?: string): Promise<Composed & OnPostgres> {
  const postgres = await startPostgres();
  const users = await prepareUsers({ DATABASE_URL: postgres.url, ...env });
  const start = () =>
    startGateway({ DATABASE_URL: postgres.url, AUTH_SIGNING_KEY: signingKey, ...env }, node);
  const composed = await start();
  const starts = [composed];
  const tokens = await createTokens(composed.app.door('auth'), users);
  return {
    ...composed,
    token: (username) => tokens.get(username) ?? '',
    auth: composed.app.door('auth'),
    apps: ['gateway'],
    sessionsOutliveGateway: false,
    query: (sql) => queryOnce(postgres.url, sql),
    stopGateway: async () => void (await composed.app.stop()),
    restartGateway: async () => {
      const again = await start();
      starts.push(again);
      return again.gateway;
    },
    stop: async () => {
      for (const { stop } of starts) await stop();
      await postgres.stop();
    },
  };
}

/**
 * Eight processes on a real PostgreSQL: two session-nodes and two guild-nodes on their rings. With the single binary,
 * the session-nodes are runs of it.
 * @param node the Node that runs the ws-gateway; absent: the one of the test
 */
export async function startSeparate(
  env: Environment = {},
  etcd?: RunningEtcd,
  { node, layout }: { readonly node?: string; readonly layout?: readonly ClusterApp[] } = {},
): Promise<OnPostgres & { cluster: Awaited<ReturnType<typeof startCluster>> }> {
  const instead = binary === undefined ? {} : { 'session-node': { command: [binary] } };
  const cluster = await startCluster({
    env: { ...hurried, ...env },
    instead,
    ...(etcd && { etcd }),
    ...(layout && { layout }),
    ...(node !== undefined && { gatewayNode: node }),
  });
  const [gateway, tunnel] = [cluster.app('ws-gateway'), cluster.app('tunnel')];
  return {
    cluster,
    gateway: gateway.door('WebSocket'),
    tunnel: tunnel.door('tunnel'),
    admin: gateway.door('admin'),
    auth: cluster.app('auth').door('auth'),
    token: cluster.token,
    apps: ['ws-gateway', 'session-node', 'guild-node'],
    sessionsOutliveGateway: true,
    query: (sql) => queryOnce(cluster.databaseUrl, sql),
    stopGateway: async () => void (await gateway.stop()),
    restartGateway: async () => (await cluster.restart('ws-gateway')).door('WebSocket'),
    stop: cluster.stop,
  };
}

/** The same, found together by etcd. */
export async function startOnEtcd(env: Environment = {}): Promise<Wiring> {
  const etcd = await startEtcd();
  const wiring = await startSeparate(env, etcd).catch(async (error: unknown) => {
    await etcd.stop();
    throw error;
  });
  return {
    ...wiring,
    stop: async () => {
      await wiring.stop();
      await etcd.stop();
    },
  };
}

export const wirings: readonly (readonly [string, (env?: Environment) => Promise<Wiring>])[] = [
  ['in one process', startComposed],
  ['in eight processes', startSeparate],
  ...(hasEtcd() ? ([['in eight processes on etcd', startOnEtcd]] as const) : []),
];
