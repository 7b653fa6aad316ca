import { parseCluster } from '@derailed/platform/cluster';

/** A process that a file in deploy/ starts. */
export interface Run {
  /** The file and what in it. */
  readonly where: string;
  /** Folder in the image, which is the app's name. */
  readonly app: string;
  readonly args: readonly string[];
  /** Variables for this process alone; each must be one of its app's settings. */
  readonly own: Variables;
  /** Variables that several processes get; each must be a setting of some app. */
  readonly shared: Variables;
  /** Ports that the file names; undefined: the file names none, because it has no need to. */
  readonly ports: readonly { readonly door?: string; readonly port: number }[] | undefined;
}

export type Variables = Readonly<Record<string, string>>;
/** Text of each file in deploy/, by its path from there. */
export type DeployFiles = ReadonlyMap<string, string>;
/** Setting to value, as the app prints them, or the sentence with which it refuses its variables. */
export type Printed = ReadonlyMap<string, string> | string;

/** Variables in deploy/ that are not the gateway's: Node's, and one that LINK_ADVERTISE is made of. */
const foreign = new Set(['NODE_ENV', 'NODE_OPTIONS', 'POD_NAME']);

/** What ports are called in manifests, and the setting that opens them. */
const doors: Variables = {
  clients: 'GATEWAY_LISTEN',
  tunnel: 'TUNNEL_LISTEN',
  link: 'LINK_LISTEN',
  auth: 'AUTH_LISTEN',
  admin: 'ADMIN_LISTEN',
};

const isLoopback = (address: string): boolean => /^(127\.|localhost:|\[::1\])/.test(address);
export const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));

/** Doors that the app opens, by setting. */
export function listening(printed: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...printed].filter(([name]) => name.endsWith('_LISTEN')));
}

/**
 * What is wrong with a process as deploy/ starts it.
 * @param printed what its app made of the variables
 * @param settings every setting of every app
 */
export function findingsOf(
  { where, app, own, shared, ports }: Run,
  printed: Printed,
  settings: ReadonlySet<string>,
): string[] {
  const findings: string[] = [];
  const unknown = Object.keys({ ...own, ...shared }).filter(
    (name) => !settings.has(name) && !foreign.has(name),
  );
  findings.push(...unknown.map((name) => `${where}: ${name} is no setting`));
  if (typeof printed === 'string') return [...findings, `${where}: ${printed}`];
  for (const name of Object.keys(own)) {
    if (settings.has(name) && !printed.has(name)) findings.push(`${where}: ${name} is no setting of ${app}`);
  }
  if (ports === undefined) return findings;
  const open = listening(printed);
  for (const { door, port } of ports) {
    if (door === undefined) {
      if (![...open.values()].some((address) => portOf(address) === port))
        findings.push(`${where}: nothing of ${app} listens on port ${port}`);
      continue;
    }
    const setting = doors[door];
    const address = setting === undefined ? undefined : open.get(setting);
    if (setting === undefined) findings.push(`${where}: a port called ${door} is not known`);
    else if (address === undefined) findings.push(`${where}: ${app} has no ${setting} for the port ${door}`);
    else if (portOf(address) !== port)
      findings.push(`${where}: the port ${door} is ${port}, and ${setting} is ${address}`);
  }
  for (const [setting, address] of open) {
    if (!isLoopback(address) && !ports.some(({ port }) => port === portOf(address)))
      findings.push(`${where}: ${setting} is ${address}, and no port is named for it`);
  }
  return findings;
}

/** What a CLUSTER line and the nodes that really start say of each other; an etcd line names no nodes. */
export function clusterFindings(
  where: string,
  line: string,
  nodes: readonly { readonly address: string; readonly roles: string }[],
): string[] {
  let listed: string[];
  try {
    const cluster = parseCluster(line);
    if (cluster.source === 'etcd') return [];
    listed = cluster.members.map(({ id, roles }) => `${id}/${roles.join('+')}`);
  } catch (error) {
    return [`${where}: ${(error as Error).message}`];
  }
  const started = nodes.map(({ address, roles }) => `${address}/${roles}`);
  return [
    ...started
      .filter((node) => !listed.includes(node))
      .map((node) => `${where}: CLUSTER does not list ${node}`),
    ...listed
      .filter((node) => !started.includes(node))
      .map((node) => `${where}: nothing starts ${node} of CLUSTER`),
  ];
}

/** `NAME=value` lines of an environment file. */
export function readEnvironment(text: string | undefined): Record<string, string> {
  const lines = (text ?? '').split('\n').filter((line) => /^\w+=/.test(line));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}
