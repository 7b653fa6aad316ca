import { type AppProcess, type ClusterApp, startCluster } from '@derailed/testing';
import { createTokens, startGateway } from '../gateway';
import { type Closing } from '../scenario';
import { type Population, seed } from '../seed';
import { startPostgres } from '@derailed/testing';

/** A gateway that nobody has connected to yet. */
export interface ColdGateway {
  /** HOST:PORT of its doors. */
  readonly webSocket: string;
  readonly tunnel: string;
  readonly processes: readonly AppProcess[];
  readonly populations: readonly Population[];
  /** Of each user of each population. */
  readonly tokens: readonly (readonly string[])[];
}

export type Plan = readonly { readonly users: number; readonly guilds: number }[];

/** Heartbeats come between storms, not in them. */
const env = { HEARTBEAT_INTERVAL: '55s' };

export async function startComposed(plan: Plan, closing: Closing): Promise<ColdGateway> {
  const { url } = closing.add(await startPostgres(), (postgres) => postgres.stop());
  const populations = await seed(url, plan);
  const app = closing.add(await startGateway(url, false, env), (process) => process.stop());
  const tokens = [];
  for (const { users } of populations) tokens.push(await createTokens(app.door('auth'), users));
  return {
    webSocket: app.door('WebSocket'),
    tunnel: app.door('tunnel'),
    processes: [app],
    populations,
    tokens,
  };
}

const apps: readonly (ClusterApp | 'auth')[] = [
  'session-node',
  'guild-node',
  'presence-node',
  'tunnel',
  'ws-gateway',
  'auth',
];

/** A process for each role. */
export async function startApart(plan: Plan, closing: Closing): Promise<ColdGateway> {
  let populations: readonly Population[] = [];
  const cluster = closing.add(
    await startCluster({
      env,
      layout: apps.filter((app) => app !== 'auth'),
      prepare: async (url) => {
        populations = await seed(url, plan);
        return populations.flatMap(({ users }) => users.map((user) => ({ ...user, username: user.id })));
      },
    }),
    (running) => running.stop(),
  );
  return {
    webSocket: cluster.app('ws-gateway').door('WebSocket'),
    tunnel: cluster.app('tunnel').door('tunnel'),
    processes: apps.map((app) => cluster.app(app)),
    populations,
    tokens: populations.map(({ users }) => users.map(({ id }) => cluster.token(id))),
  };
}
