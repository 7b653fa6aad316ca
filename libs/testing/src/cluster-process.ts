import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { loadConfig } from '@derailed/platform/config';
import { createLogger } from '@derailed/platform/observability';
import { type DemoUser, persistenceSettings, prepareDemoDatabase } from '@derailed/platform/persistence';
import { systemClock } from '@derailed/platform/runtime';
import { authGrpc } from '@derailed/shared/contract';
import { type AppOptions, type AppProcess, startApp } from './app-process';
import type { Certificate } from './certificates';
import type { RunningEtcd } from './etcd';
import { freePorts } from './free-port';
import { startPostgres } from './postgres';

export type ClusterApp = 'session-node' | 'guild-node' | 'presence-node' | 'tunnel' | 'ws-gateway';

/** Two of those that rings spread keys over. */
const eightProcesses: readonly ClusterApp[] = [
  'session-node',
  'session-node',
  'guild-node',
  'guild-node',
  'presence-node',
  'tunnel',
  'ws-gateway',
];

type ClusterUser = Pick<DemoUser, 'id' | 'username' | 'passwordHash'>;

export interface ClusterOptions {
  /** Given to every process on top of what wires them. */
  readonly env?: Readonly<Record<string, string>>;
  /** What runs in place of an app: `gateway` with the roles of that app. */
  readonly instead?: Partial<Record<ClusterApp, Pick<AppOptions, 'command'>>>;
  /** The Node that runs the ws-gateway; absent: the one that runs the test. */
  readonly gatewayNode?: string;
  /** When set, every door has this certificate, and everybody trusts only its authority. */
  readonly tls?: { readonly ca: string; readonly certificate: Certificate };
  /** When set, the nodes find each other there, each cluster below a prefix of its own. Absent: a static line. */
  readonly etcd?: RunningEtcd;
  /** The nodes, by app. Absent: seven, one or two of each. */
  readonly layout?: readonly ClusterApp[];
  /** Fills the empty database. Absent: the demo data. */
  readonly prepare?: (databaseUrl: string) => Promise<readonly ClusterUser[]>;
}

/** Nodes and the auth service, each a process, on a real PostgreSQL. */
export interface RunningCluster {
  /** The `nth` process of that app, counted from 0. */
  app(name: ClusterApp | 'auth', nth?: number): AppProcess;
  /** Starts a process in the place (and at the addresses) of one that has ended. */
  restart(name: ClusterApp, nth?: number): Promise<AppProcess>;
  readonly users: readonly ClusterUser[];
  readonly databaseUrl: string;
  /** A token of a user, made by the auth service. */
  token(username: string): string;
  stop(): Promise<void>;
}

interface Place {
  readonly app: ClusterApp;
  readonly env: Readonly<Record<string, string>>;
  process?: AppProcess;
}

const anyPort = '127.0.0.1:0';

export async function startCluster({
  env: more = {},
  instead = {},
  gatewayNode,
  tls,
  etcd,
  layout = eightProcesses,
  prepare,
}: ClusterOptions = {}): Promise<RunningCluster> {
  const env = { ...(tls && tlsEverywhere(tls)), ...more };
  const scratch = mkdtempSync(join(tmpdir(), 'derailed-cluster-'));
  const postgres = await startPostgres(tls && { certificate: tls.certificate });
  const auth = await startApp('auth', {
    env: { AUTH_LISTEN: anyPort, AUTH_KEY_FILE: join(scratch, 'auth.key'), ...env },
  });
  const users = await (prepare?.(postgres.url) ?? prepareUsers({ DATABASE_URL: postgres.url, ...env }));
  const tokens = await createTokens(auth.door('auth'), users, tls?.ca);
  const places = await plan(
    layout,
    { DATABASE_URL: postgres.url, AUTH_URL: auth.door('auth'), ...env },
    etcd,
  );
  const start = async (place: Place): Promise<AppProcess> =>
    (place.process = await startPlace(
      place,
      instead[place.app],
      place.app === 'ws-gateway' ? gatewayNode : undefined,
    ));
  const find = (name: ClusterApp, nth: number): Place => {
    const place = places.filter(({ app }) => app === name)[nth];
    if (place === undefined) throw new Error(`the cluster has no ${name} number ${nth}`);
    return place;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(places.flatMap(({ process }) => (process === undefined ? [] : [process.stop()])));
    await auth.stop();
    await postgres.stop();
    rmSync(scratch, { recursive: true, force: true });
  };
  const starts = await Promise.allSettled(places.map(start));
  for (const outcome of starts) {
    if (outcome.status === 'fulfilled') continue;
    // Only now, when all others have started too: none of them is left behind.
    await stop();
    throw outcome.reason;
  }
  return {
    app: (name, nth = 0) => (name === 'auth' ? auth : (find(name, nth).process as AppProcess)),
    restart: (name, nth = 0) => start(find(name, nth)),
    users,
    databaseUrl: postgres.url,
    token: (username) => {
      const token = tokens.get(username);
      if (token === undefined) throw new Error(`there is no user ${username}`);
      return token;
    },
    stop,
  };
}

function startPlace(
  { app, env }: Place,
  instead: Pick<AppOptions, 'command'> | undefined,
  node: string | undefined,
): Promise<AppProcess> {
  return instead === undefined
    ? startApp(app, { env, ...(node !== undefined && { node }) })
    : startApp('gateway', { ...instead, env, args: ['--roles', app] });
}

/**
 * Gives each process its addresses, the same at each of its starts, and all of them the same CLUSTER line. None is left to
 * an app to find: it could take one that another is about to open.
 */
async function plan(
  layout: readonly ClusterApp[],
  shared: Readonly<Record<string, string>>,
  etcd: RunningEtcd | undefined,
): Promise<Place[]> {
  const drawn = (await freePorts(3 * layout.length)).map((port) => `127.0.0.1:${port}`);
  const links = drawn.slice(0, layout.length);
  const cluster = etcd
    ? `etcd:${etcd.address}/${randomBytes(6).toString('hex')}`
    : `static:${layout.map((app, at) => `${links[at]}/${app}`).join(',')}`;
  return layout.map((app, at) => {
    const [link, door, admin] = [0, 1, 2].map((kind) => drawn[kind * layout.length + at]) as [
      string,
      string,
      string,
    ];
    return {
      app,
      env: {
        GATEWAY_LISTEN: door,
        TUNNEL_LISTEN: door,
        ADMIN_LISTEN: admin,
        CLUSTER: cluster,
        LINK_LISTEN: link,
        ...shared,
      },
    };
  });
}

const doors = ['GATEWAY', 'TUNNEL', 'LINK', 'ADMIN', 'AUTH'] as const;

function tlsEverywhere({
  ca,
  certificate: { cert, key },
}: NonNullable<ClusterOptions['tls']>): Record<string, string> {
  const pairs = doors.flatMap((door) => [
    [`${door}_TLS_CERT`, cert],
    [`${door}_TLS_KEY`, key],
  ]);
  return { ...Object.fromEntries(pairs), AUTH_CA: ca, DATABASE_CA: ca, LINK_CA: ca };
}

/** The tables and the demo data, in the database that DATABASE_URL names. */
export function prepareUsers(env: Readonly<Record<string, string>>): Promise<DemoUser[]> {
  const { database } = loadConfig({ database: persistenceSettings }, env);
  return prepareDemoDatabase(database, systemClock, createLogger('demo', { level: 'warn', bufferBytes: 0 }));
}

/** Asks the auth service for a token of each user, by username. @param ca its authority's PEM file; plaintext when absent */
export async function createTokens(
  address: string,
  users: readonly ClusterUser[],
  ca?: string,
): Promise<Map<string, string>> {
  const trust = ca === undefined ? credentials.createInsecure() : credentials.createSsl(readFileSync(ca));
  const client = new authGrpc.AuthorizationClient(address, trust);
  const create = ({ id, username, passwordHash }: ClusterUser): Promise<[string, string]> =>
    new Promise((resolve, reject) => {
      client.create({ userId: id, password: passwordHash }, (error, answer) =>
        error ? reject(error) : resolve([username, answer.token]),
      );
    });
  const tokens = new Map(await Promise.all(users.map(create)));
  client.close();
  return tokens;
}
