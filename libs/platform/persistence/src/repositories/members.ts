import type { Snowflake } from '@derailed/shared/kernel';
import type { Member } from '@derailed/shared/protocol';
import type { Breaches } from '../breaches';
import { type MemberFields, type UserFields, memberOf } from './rows';

/** The members of those rows that keep the contract; of the others the log says what is wrong. */
export function membersOf(guildId: Snowflake, rows: readonly MemberFields[], breaches: Breaches): Member[] {
  const members: Member[] = [];
  for (const row of rows) {
    for (const roleId of row.foreign_role_ids) {
      breaches.report('a member has a role that is not of its guild: the role is left out', {
        guildId,
        userId: row.user_id,
        roleId,
      });
    }
    if (hasUser(row)) members.push(memberOf(row));
    else breaches.report('a member is no user: left out', { guildId, userId: row.user_id });
  }
  return members;
}

function hasUser(row: MemberFields): row is MemberFields & UserFields {
  return row.id !== null;
}
