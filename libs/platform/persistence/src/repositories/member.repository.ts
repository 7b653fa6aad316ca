import { Inject, Injectable } from '@nestjs/common';
import type { Snowflake } from '@derailed/shared/kernel';
import type { Member } from '@derailed/shared/protocol';
import { Breaches } from '../breaches';
import { Database } from '../database';
import { membersOf } from './members';
import { type MemberFields, isStorable, selectMembers } from './rows';

/**
 * Candidates by nick and by username each come from an index on their lower-case prefix; UNION drops those that
 * match by both.
 */
const searchMembers = `
  WITH found AS (
    SELECT n.user_id FROM members n WHERE n.guild_id = $1 AND lower(n.nick) LIKE lower($2)
    UNION
    SELECT n.user_id FROM users c JOIN members n ON n.user_id = c.id AND n.guild_id = $1
    WHERE lower(c.username) LIKE lower($2)
  )
  ${selectMembers} JOIN found f ON f.user_id = m.user_id
  WHERE m.guild_id = $1 ORDER BY lower(u.username) COLLATE "C", m.user_id LIMIT $3`;

/** Reads of members; one query each. All reject with DatabaseUnavailable while the database is away. */
@Injectable()
export class MemberRepository {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(Breaches) private readonly breaches: Breaches,
  ) {}

  /** Up to `limit` members by ascending user id, those after `afterUserId`: the pages of a walk never overlap. */
  async page(
    guildId: Snowflake,
    { afterUserId = '0', limit }: { afterUserId?: Snowflake | undefined; limit: number },
  ): Promise<Member[]> {
    return this.read(
      guildId,
      `${selectMembers} WHERE m.guild_id = $1 AND m.user_id > $2 ORDER BY m.user_id LIMIT $3`,
      [guildId, afterUserId, limit],
    );
  }

  /** Up to `limit` members whose username or nick starts with `query`, whatever the case, by username. */
  async search(guildId: Snowflake, query: string, limit: number): Promise<Member[]> {
    return this.read(guildId, searchMembers, [guildId, prefixPattern(query), limit]);
  }

  /** Those of `userIds` who are members, by user id. */
  async byIds(guildId: Snowflake, userIds: readonly Snowflake[]): Promise<Member[]> {
    const storable = userIds.filter(isStorable);
    if (storable.length === 0) return [];
    return this.read(
      guildId,
      `${selectMembers} WHERE m.guild_id = $1 AND m.user_id = ANY($2::bigint[]) ORDER BY m.user_id`,
      [guildId, storable],
    );
  }

  async count(guildId: Snowflake): Promise<number> {
    if (!isStorable(guildId)) return 0;
    const [row] = await this.database.query<{ count: string }>(
      'SELECT count(*) AS count FROM members WHERE guild_id = $1',
      [guildId],
    );
    return Number(row?.count ?? 0);
  }

  private async read(guildId: Snowflake, sql: string, parameters: readonly unknown[]): Promise<Member[]> {
    if (!isStorable(guildId)) return [];
    const rows = await this.database.query<MemberFields>(sql, parameters);
    return membersOf(guildId, rows, this.breaches);
  }
}

/** A LIKE pattern for texts that start with exactly this one. */
function prefixPattern(query: string): string {
  // PostgreSQL refuses NUL in text; no name has one, nor this noncharacter.
  return `${query.replaceAll('\0', '\uFFFF').replace(/[\\%_]/g, '\\$&')}%`;
}
