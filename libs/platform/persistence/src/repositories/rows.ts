import type { Snowflake } from '@derailed/shared/kernel';
import type { Member, User } from '@derailed/shared/protocol';

const largestBigint = 2n ** 63n - 1n;

/**
 * Whether a row can have this id: a snowflake has 64 bits, a bigint of PostgreSQL one less, and a query with a larger
 * one fails. Clients choose some of the ids that are looked up.
 */
export function isStorable(id: Snowflake): boolean {
  return BigInt(id) <= largestBigint;
}

/** Columns of `users` (aliased `u`) that make a User. */
export const userColumns = `u.id, u.username, u.discriminator, u.avatar, u.email, u.flags, u.bot, u.system`;

export interface UserFields {
  id: string;
  username: string;
  discriminator: string;
  avatar: string | null;
  email: string | null;
  flags: string;
  bot: boolean;
  system: boolean;
}

export function userOf(row: UserFields): User {
  return {
    id: row.id,
    username: row.username,
    discriminator: row.discriminator,
    avatar: row.avatar,
    email: row.email,
    flags: Number(row.flags),
    bot: row.bot,
    system: row.system,
  };
}

/** ISO 8601 in UTC with microseconds, as Discord writes timestamps. */
const isoUtc = (column: string): string =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')`;

/**
 * Selects members (aliased `m`) with their users and roles; callers add joins to `m`, conditions and an order.
 * A role of another guild comes in foreign_role_ids, a member without a user comes with the columns of `u` null.
 */
export const selectMembers = `
  SELECT m.guild_id, m.user_id, m.nick,
    ${isoUtc('m.joined_at')} AS joined_at,
    floor(extract(epoch FROM m.communication_disabled_until) * 1000)::float8 AS disabled_until,
    ARRAY(
      SELECT r.id::text FROM member_roles mr JOIN roles r ON r.id = mr.role_id
      WHERE mr.guild_id = m.guild_id AND mr.user_id = m.user_id AND r.guild_id = m.guild_id AND r.id <> m.guild_id
      ORDER BY r.id
    ) AS role_ids,
    ARRAY(
      SELECT mr.role_id::text FROM member_roles mr LEFT JOIN roles r ON r.id = mr.role_id
      WHERE mr.guild_id = m.guild_id AND mr.user_id = m.user_id AND r.guild_id IS DISTINCT FROM m.guild_id
    ) AS foreign_role_ids,
    ${userColumns}
  FROM members m LEFT JOIN users u ON u.id = m.user_id`;

export type MemberFields = {
  guild_id: string;
  user_id: string;
  nick: string | null;
  joined_at: string;
  disabled_until: number | null;
  role_ids: string[];
  foreign_role_ids: string[];
} & (UserFields | { id: null });

/** One for all members without roles: guilds keep their members, and most have none. */
const noRoles: readonly string[] = [];

export function memberOf(row: MemberFields & UserFields): Member {
  return {
    user: userOf(row),
    nick: row.nick,
    joinedAt: row.joined_at,
    communicationDisabledUntil: row.disabled_until,
    roleIds: row.role_ids.length === 0 ? noRoles : row.role_ids,
  };
}
