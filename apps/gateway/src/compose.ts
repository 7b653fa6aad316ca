import { authApp, createTokenSigner } from '@derailed/auth/node';
import { wsGatewayApp } from '@derailed/gateway/node';
import { GuildNodeModule } from '@derailed/guild/node';
import { type AuthClientConfig, AuthClientModule } from '@derailed/platform/auth-client';
import { formatAddress } from '@derailed/platform/config';
import { PersistenceModule, startEmbeddedDatabase } from '@derailed/platform/persistence';
import { type Assembly, type NodeContext, combine, systemClock } from '@derailed/platform/runtime';
import { OperatorError } from '@derailed/shared/kernel';
import { PresenceNodeModule } from '@derailed/presence/node';
import { SessionNodeModule } from '@derailed/session/node';
import { tunnelApp } from '@derailed/tunnel/node';
import type { GatewayAppConfig } from './config';

/** The app's own auth service runs where it is needed: beside ws-gateway, unless AUTH_URL names another. */
const runsAuth = ({ authClient, cluster }: GatewayAppConfig): boolean =>
  authClient.url === undefined && cluster.roles.includes('ws-gateway');

/** Sections whose door this run does not open. */
export function closedDoors(config: GatewayAppConfig): string[] {
  const closed: string[] = [];
  if (!config.cluster.roles.includes('ws-gateway')) closed.push('gateway');
  if (!config.cluster.roles.includes('tunnel')) closed.push('tunnel');
  if (!runsAuth(config)) closed.push('auth');
  return closed;
}

/** The roles that were asked for, in one process. */
export async function compose(config: GatewayAppConfig, node: NodeContext): Promise<Assembly> {
  const { roles } = config.cluster;
  const parts: Assembly[] = [];
  if (roles.some((role) => role === 'ws-gateway' || role === 'session-node' || role === 'guild-node')) {
    parts.push(await database(config, node));
  }
  if (runsAuth(config)) parts.push(authApp(config.auth));
  if (roles.includes('presence-node')) parts.push({ modules: [PresenceNodeModule.forRoot(config.presence)] });
  if (roles.includes('guild-node')) parts.push({ modules: [GuildNodeModule.forRoot(config.guild)] });
  if (roles.includes('session-node')) parts.push({ modules: [SessionNodeModule.forRoot(config.session)] });
  if (roles.includes('tunnel')) parts.push(tunnelApp(config.tunnel));
  if (roles.includes('ws-gateway')) {
    parts.push({ modules: [AuthClientModule.forRoot(authAccess(config))] }, wsGatewayApp(config.gateway));
  }
  return combine(parts);
}

/** How ws-gateway reaches the auth service: the one named, or this process' own. */
function authAccess({ auth, authClient }: GatewayAppConfig): AuthClientConfig {
  if (authClient.url !== undefined) return authClient;
  const at = formatAddress(auth.listen);
  if (auth.tlsCert === undefined) return { ...authClient, url: at };
  if (authClient.ca !== undefined) return { ...authClient, url: `https://${at}` };
  throw new OperatorError(
    'AUTH_CA must be set with AUTH_TLS_CERT: this process is a client of its own auth service.',
  );
}

/** The platform's database, or without DATABASE_URL one of our own, with a token to try for each of its users. */
async function database(config: GatewayAppConfig, { logger }: NodeContext): Promise<Assembly> {
  if (config.database.databaseUrl !== undefined)
    return { modules: [PersistenceModule.forRoot(config.database)] };
  const embedded = await startEmbeddedDatabase({ dataDir: config.embedded.dataDir, logger });
  return {
    modules: [PersistenceModule.forRoot({ ...config.database, databaseUrl: embedded.url })],
    notes: runsAuth(config) ? ['Demo tokens:', ...demoTokens(config, embedded.demoUsers)] : [],
    close: () => embedded.stop(),
  };
}

function demoTokens(
  { auth }: GatewayAppConfig,
  users: readonly { id: string; username: string; passwordHash: string }[],
): string[] {
  const signer = createTokenSigner(auth);
  return users.map(
    ({ id, username, passwordHash }) =>
      `  ${username.padEnd(10)} ${signer.create(id, passwordHash, systemClock.now())}`,
  );
}
