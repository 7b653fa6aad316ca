import { createServer } from 'node:net';
import { type Address, type ConfigTree, type Settings, eachSetting, formatAddress } from '@derailed/platform/config';
import { OperatorError } from '@derailed/shared/kernel';

/**
 * Takes each listening address for a moment, before anything else starts: an address in use is said in one
 * sentence that names its variable, and port 0 becomes the port that the system gave.
 * @param closed names of sections whose `listen` is not used. Without CLUSTER nobody links to this node either.
 * @throws OperatorError
 */
export async function claimPorts<S extends Settings>(
  settings: S,
  config: ConfigTree<S>,
  closed: readonly string[],
): Promise<ConfigTree<S>> {
  const claimed: Record<string, unknown> = { ...config };
  const alone = (config as { cluster?: { cluster?: string } }).cluster?.cluster === undefined;
  for (const { section, key, meta } of eachSetting(settings)) {
    if (key !== 'listen' || closed.includes(section) || (section === 'link' && alone)) continue;
    const fields = config[section] as Record<string, unknown>;
    claimed[section] = { ...fields, listen: await claim(meta.env, fields['listen'] as Address) };
  }
  return claimed as ConfigTree<S>;
}

function claim(variable: string, address: Address): Promise<Address> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use' : `can't be listened on (${error.code ?? error.message})`;
      reject(new OperatorError(`${variable}: ${formatAddress(address)} ${why}.`));
    });
    server.listen(address.port, address.host, () => {
      const bound = server.address();
      const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
      server.close(() => {
        resolve({ host: address.host, port });
      });
    });
  });
}
