import { authGrpc } from '@derailed/shared/contract';
import { encodeEtf } from '@derailed/shared/protocol';
import { type AppProcess, freePort, startApp } from '@derailed/testing';
import { credentials } from '@grpc/grpc-js';
import { Crowd } from './crowd';
import { clientFrame } from './frame-counter';
import type { Population } from './seed';

const anyPort = '127.0.0.1:0';

/** What every gateway under test is started with. */
const environment = {
  GATEWAY_LISTEN: anyPort,
  TUNNEL_LISTEN: anyPort,
  AUTH_LISTEN: anyPort,
  AUTH_SIGNING_KEY: 'a key that only benches know, and need',
  // Receivers send heartbeats between rounds, not in them.
  HEARTBEAT_INTERVAL: '55s',
};

export const heartbeat = clientFrame('{"op":1,"d":null}');

/** The composed app, all roles in one process. `inspected`: with the inspector open. */
export function startGateway(
  databaseUrl: string,
  inspected = false,
  more: Readonly<Record<string, string>> = {},
): Promise<AppProcess> {
  const env = {
    ...environment,
    ...more,
    DATABASE_URL: databaseUrl,
    ...(inspected && { NODE_OPTIONS: '--inspect=127.0.0.1:0' }),
  };
  return startApp('gateway', { env });
}

/** The same roles in two processes: who has the clients and their sessions, and who has the guilds and the tunnel. */
export async function startPair(databaseUrl: string): Promise<{ clients: AppProcess; guilds: AppProcess }> {
  const [near, far] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const roles = { near: ['ws-gateway', 'session-node'], far: ['guild-node', 'presence-node', 'tunnel'] };
  const cluster = `static:${near}/${roles.near.join('+')},${far}/${roles.far.join('+')}`;
  const start = (link: string, names: readonly string[]): Promise<AppProcess> =>
    startApp('gateway', {
      env: { ...environment, DATABASE_URL: databaseUrl, CLUSTER: cluster, LINK_LISTEN: link },
      args: ['--roles', names.join(',')],
    });
  const [clients, guilds] = await Promise.all([start(near, roles.near), start(far, roles.far)]);
  return { clients, guilds };
}

/** Receivers of the gateway: each one of the users, identified with a token of the auth service. */
export async function crowdOf(
  app: AppProcess,
  { users, guilds }: Population,
  intents: number,
  query?: string,
): Promise<Crowd> {
  const tokens = await createTokens(app.door('auth'), users);
  return new Crowd({
    at: app.door('WebSocket'),
    ...(query !== undefined && { query }),
    opening: (receiver) => {
      const properties = { os: 'linux', browser: 'bench', device: 'bench' };
      const identify = { op: 2, d: { token: tokens[receiver], intents, properties } };
      return clientFrame(
        query?.includes('encoding=etf') === true ? encodeEtf(identify) : JSON.stringify(identify),
      );
    },
    // HELLO, READY, and a GUILD_CREATE each.
    frames: 2 + guilds.length,
  });
}

/** A token of each user, from the auth service. */
export async function createTokens(at: string, users: Population['users']): Promise<string[]> {
  const client = new authGrpc.AuthorizationClient(at, credentials.createInsecure());
  const tokens: string[] = [];
  for (const { id, passwordHash } of users) {
    const token = await new Promise<string>((resolve, reject) => {
      client.create({ userId: id, password: passwordHash }, (error, answer) =>
        error ? reject(error) : resolve(answer.token),
      );
    });
    tokens.push(token);
  }
  client.close();
  return tokens;
}
