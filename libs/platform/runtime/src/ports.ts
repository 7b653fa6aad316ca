import { createServer } from 'node:net';
import {
  type Address,
  type ConfigTree,
  type DoorTls,
  type Settings,
  eachSetting,
  formatAddress,
  readDoorTls,
} from '@derailed/platform/config';
import { OperatorError } from '@derailed/shared/kernel';
import { systemRng } from './system';

/** Sections whose door this run does not open: those that the app named, and without CLUSTER the links. */
export function closedSections(config: object, named: readonly string[]): readonly string[] {
  const alone = (config as { cluster?: { cluster?: string } }).cluster?.cluster === undefined;
  return alone ? [...named, 'link'] : named;
}

/**
 * Reads every open door's certificate before the start waits for anything, such as a database that is away.
 * @throws OperatorError
 */
export function checkCertificates<S extends Settings>(
  settings: S,
  config: ConfigTree<S>,
  closed: readonly string[],
): void {
  for (const { section, key, meta } of eachSetting(settings)) {
    if (key !== 'tlsCert' || closed.includes(section)) continue;
    readDoorTls(meta.env.slice(0, -'_TLS_CERT'.length), config[section] as DoorTls);
  }
}

/**
 * Takes each listening address for a moment, before anything else starts: an address in use is said in one
 * sentence that names its variable, and port 0 becomes a free port.
 * @param closed names of sections whose `listen` is not used
 * @throws OperatorError
 */
export async function claimPorts<S extends Settings>(
  settings: S,
  config: ConfigTree<S>,
  closed: readonly string[],
): Promise<ConfigTree<S>> {
  const claimed: Record<string, unknown> = { ...config };
  for (const { section, key, meta } of eachSetting(settings)) {
    if (key !== 'listen' || closed.includes(section)) continue;
    const fields = config[section] as Record<string, unknown>;
    claimed[section] = { ...fields, listen: await claim(meta.env, fields['listen'] as Address) };
  }
  return claimed as ConfigTree<S>;
}

/**
 * The sentence for a port that somebody took between claimPorts and its use; any other error as it is. What listens
 * wraps the system's error in its own, so the port is read from the text.
 */
export function sayPortInUse<S extends Settings>(
  error: unknown,
  settings: S,
  config: ConfigTree<S>,
  closed: readonly string[],
): unknown {
  if (error instanceof OperatorError) return error;
  const port = /EADDRINUSE\b.*:(\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
  if (port === undefined) return error;
  for (const { section, key, meta } of eachSetting(settings)) {
    if (key !== 'listen' || closed.includes(section)) continue;
    const address = (config[section] as Record<string, unknown>)['listen'] as Address;
    if (address.port === Number(port)) return inUse(meta.env, address);
  }
  return new OperatorError(`Port ${port} is in use.`);
}

const inUse = (variable: string, address: Address): OperatorError =>
  new OperatorError(`${variable}: ${formatAddress(address)} is in use.`);

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
      const where = `${variable}: ${formatAddress(address)}`;
      const why = error.code ?? error.message;
      reject(
        error.code === 'EADDRINUSE'
          ? inUse(variable, address)
          : new OperatorError(`${where} can't be listened on (${why}).`),
      );
    });
    server.listen(address.port, address.host, () => {
      server.close(() => {
        resolve();
      });
    });
  });
}
