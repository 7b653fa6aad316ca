import { parseAddress } from '@derailed/platform/config';
import { OperatorError } from '@derailed/shared/kernel';
import { type Role, roles } from './cluster';

const staticForm = 'static:HOST:PORT/ROLE+ROLE,HOST:PORT/ROLE';
const etcdForm = 'etcd:HOST:PORT,HOST:PORT/PREFIX';

export function isRole(text: string): text is Role {
  return (roles as readonly string[]).includes(text);
}

/** A node that a static line names. */
export interface StaticMember {
  readonly id: string;
  readonly roles: readonly Role[];
}

/** What a CLUSTER line says. */
export type ClusterLine =
  | { readonly source: 'static'; readonly members: readonly StaticMember[] }
  | { readonly source: 'etcd'; readonly endpoints: readonly string[]; readonly prefix: string };

/**
 * Reads a CLUSTER line, such as `static:10.0.0.1:18000/guild-node+tunnel,10.0.0.2:18000/session-node` or
 * `etcd:10.0.0.7:2379,10.0.0.8:2379/derailed`.
 * @throws OperatorError one sentence that names the entry at fault.
 */
export function parseCluster(text: string): ClusterLine {
  const trimmed = text.trim();
  const colon = trimmed.indexOf(':');
  const source = colon < 0 ? trimmed : trimmed.slice(0, colon);
  const rest = colon < 0 ? '' : trimmed.slice(colon + 1).trim();
  if (source === 'static') return { source, members: parseMembers(rest) };
  if (source === 'etcd') return { source, ...parseEtcd(rest) };
  throw new OperatorError(
    `CLUSTER must read ${staticForm} or ${etcdForm}, but it begins with ${JSON.stringify(source)}.`,
  );
}

function parseMembers(list: string): readonly StaticMember[] {
  if (list === '') throw new OperatorError(`CLUSTER names no node: it must read ${staticForm}.`);
  const members = list.split(',').map((entry, index) => parseMember(entry.trim(), index + 1));
  refuseTwice(members.map(({ id }) => id));
  return members;
}

function refuseTwice(addresses: readonly string[]): void {
  const seen = new Set<string>();
  for (const address of addresses) {
    if (seen.has(address)) throw new OperatorError(`CLUSTER names ${address} twice.`);
    seen.add(address);
  }
}

function parseMember(entry: string, number: number): StaticMember {
  if (entry === '') throw new OperatorError(`CLUSTER entry ${number} is empty: a comma is left over.`);
  const slash = entry.indexOf('/');
  const id = slash < 0 ? entry : entry.slice(0, slash);
  checkAddress(id, entry, number);
  if (slash < 0 || slash === entry.length - 1) {
    throw new OperatorError(`CLUSTER entry ${number}, ${id}, has no roles: ${id}/ROLE+ROLE is meant.`);
  }
  const names = entry.slice(slash + 1).split('+');
  const unknown = names.find((name) => !isRole(name));
  if (unknown !== undefined) {
    throw new OperatorError(
      `CLUSTER entry ${number}, ${id}, has the unknown role ${JSON.stringify(unknown)}; known are ${roles.join(', ')}.`,
    );
  }
  return { id, roles: roles.filter((role) => names.includes(role)) };
}

function checkAddress(id: string, entry: string, number: number): void {
  const address = parseAddress(id);
  if (!address)
    throw new OperatorError(`CLUSTER entry ${number}, ${JSON.stringify(entry)}: HOST:PORT must come first.`);
  if (address.port === 0)
    throw new OperatorError(`CLUSTER entry ${number}, ${id}: others cannot dial port 0.`);
}

function parseEtcd(rest: string): { endpoints: readonly string[]; prefix: string } {
  const slash = rest.indexOf('/');
  const list = slash < 0 ? rest : rest.slice(0, slash);
  const prefix = slash < 0 ? '' : rest.slice(slash + 1).replace(/\/+$/, '');
  if (list.trim() === '') throw new OperatorError(`CLUSTER names no etcd: it must read ${etcdForm}.`);
  if (!/^[\w.-]+(\/[\w.-]+)*$/.test(prefix)) {
    throw new OperatorError(
      `CLUSTER has no prefix for its keys in etcd (letters, digits, "_", "-", "." and "/"): it must read ${etcdForm}.`,
    );
  }
  const endpoints = list.split(',').map((entry) => entry.trim());
  endpoints.forEach((endpoint, index) => {
    if (endpoint === '')
      throw new OperatorError(`CLUSTER entry ${index + 1} is empty: a comma is left over.`);
    checkAddress(endpoint, endpoint, index + 1);
  });
  refuseTwice(endpoints);
  return { endpoints, prefix };
}
