import { z } from 'zod';
import { type Member, memberStates } from '../cluster';
import { isRole } from '../parse';

/** Fields that a newer version adds, and roles that it invents, are passed over. */
const entry = z.object({
  incarnation: z.string().min(1).max(256),
  roles: z.array(z.string()).max(64),
  state: z.enum(memberStates),
  contractVersion: z.int().min(0),
});

/** The value of a member's key: JSON, so that an operator can read it with etcdctl. */
export function writeEntry({ incarnation, roles, state, contractVersion }: Member): Buffer {
  return Buffer.from(JSON.stringify({ incarnation, roles, state, contractVersion }));
}

/** Undefined: not an entry that this version understands. */
export function readEntry(id: string, value: Uint8Array): Member | undefined {
  try {
    const parsed = entry.parse(JSON.parse(Buffer.from(value).toString('utf8')));
    return { id, ...parsed, roles: parsed.roles.filter(isRole) };
  } catch {
    return undefined;
  }
}
