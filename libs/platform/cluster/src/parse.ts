import { parseAddress } from '@derailed/platform/config';
import { OperatorError } from '@derailed/shared/kernel';
import { type Member, type Role, roles } from './cluster';

const form = 'static:HOST:PORT/ROLE+ROLE,HOST:PORT/ROLE';

export function isRole(text: string): text is Role {
  return (roles as readonly string[]).includes(text);
}

/**
 * The members of a CLUSTER line such as `static:10.0.0.1:18000/guild-node+tunnel,10.0.0.2:18000/session-node`.
 * @throws OperatorError one sentence that names the entry at fault.
 */
export function parseCluster(text: string): readonly Member[] {
  const trimmed = text.trim();
  const colon = trimmed.indexOf(':');
  const source = colon < 0 ? trimmed : trimmed.slice(0, colon);
  if (source !== 'static') {
    throw new OperatorError(`CLUSTER must read ${form}, but it begins with ${JSON.stringify(source)}.`);
  }
  const list = colon < 0 ? '' : trimmed.slice(colon + 1).trim();
  if (list === '') throw new OperatorError(`CLUSTER names no node: it must read ${form}.`);

  const members = list.split(',').map((entry, index) => parseMember(entry.trim(), index + 1));
  const seen = new Set<string>();
  for (const { id } of members) {
    if (seen.has(id)) throw new OperatorError(`CLUSTER names ${id} twice.`);
    seen.add(id);
  }
  return members;
}

function parseMember(entry: string, number: number): Member {
  if (entry === '') throw new OperatorError(`CLUSTER entry ${number} is empty: a comma is left over.`);
  const slash = entry.indexOf('/');
  const id = slash < 0 ? entry : entry.slice(0, slash);
  const address = parseAddress(id);
  if (!address)
    throw new OperatorError(`CLUSTER entry ${number}, ${JSON.stringify(entry)}: HOST:PORT must come first.`);
  if (address.port === 0)
    throw new OperatorError(`CLUSTER entry ${number}, ${id}: others cannot dial port 0.`);
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
