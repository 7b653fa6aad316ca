import { startCluster } from '@derailed/testing';

/**
 * The gateway as separate processes on one machine: two session-nodes, two guild-nodes, one each of presence-node,
 * tunnel and ws-gateway, and the auth service, on a real PostgreSQL with the demo data. For trying things out.
 */
async function main(): Promise<void> {
  const env = { LOG_LEVEL: 'info', GATEWAY_LISTEN: '127.0.0.1:15000', TUNNEL_LISTEN: '127.0.0.1:17000' };
  const cluster = await startCluster({ env });
  console.log(`Eight processes are ready.
  WebSocket  ${cluster.app('ws-gateway').door('WebSocket')}
  tunnel     ${cluster.app('tunnel').door('tunnel')}
  auth       ${cluster.app('auth').door('auth')}
Demo tokens:
${cluster.users.map(({ username }) => `  ${username.padEnd(10)} ${cluster.token(username)}`).join('\n')}
Ctrl-C stops them all.`);
  const stop = (): void => {
    void cluster.stop().then(() => process.exit(0));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
