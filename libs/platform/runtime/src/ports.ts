import { createServer } from 'node:net';
import { type Address, type ConfigTree, type Settings, eachSetting, formatAddress } from '@derailed/platform/config';
import { OperatorError } from '@derailed/shared/kernel';
import { systemRng } from './system';

/**
 * Takes each listening address for a moment, before anything else starts: an address in use is said in one
 * sentence that names its variable, and port 0 becomes a free port.
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

/** Below where systems take the ports of outgoing connections from: none of those gets one between claim and use. */
const freeRange = { first: 20_000, last: 32_000 } as const;
const attempts = 50;

async function claim(variable: string, address: Address): Promise<Address> {
  if (address.port !== 0) {
    await take(variable, address);
    return address;
  }
  for (let attempt = 1; ; attempt++) {
    const port = freeRange.first + Math.floor(systemRng.next() * (freeRange.last - freeRange.first));
    const chosen = { host: address.host, port };
    try {
      await take(variable, chosen);
      return chosen;
    } catch (error) {
      if (attempt === attempts) throw error;
    }
  }
}

function take(variable: string, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use' : `can't be listened on (${error.code ?? error.message})`;
      reject(new OperatorError(`${variable}: ${formatAddress(address)} ${why}.`));
    });
    server.listen(address.port, address.host, () => {
      server.close(() => {
        resolve();
      });
    });
  });
}
