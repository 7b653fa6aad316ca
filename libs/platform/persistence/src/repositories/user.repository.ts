import { Inject, Injectable } from '@nestjs/common';
import type { Snowflake } from '@derailed/shared/kernel';
import type { User } from '@derailed/shared/protocol';
import { Database } from '../database';
import { GatheredReads } from '../gathered-reads';
import { type UserFields, isStorable, userColumns, userOf } from './rows';

export interface Credentials {
  readonly user: User;
  /** What the auth service signs and checks tokens with. Never logged. */
  readonly passwordHash: string;
  readonly suspended: boolean;
}

/** What READY tells a user of itself, and which guilds to subscribe to. */
export interface Readiness {
  readonly user: User;
  /** Null when the user never chose anything. */
  readonly settings: { readonly status: string } | null;
  /** Existing guilds that the user is a member of, by id. */
  readonly guildIds: readonly Snowflake[];
  readonly guildPositions: readonly { readonly guildId: Snowflake; readonly position: number }[];
  /** Oldest first. */
  readonly activities: readonly { readonly type: number; readonly content: string }[];
}

const selectReadiness = `
  SELECT ${userColumns},
    (SELECT s.status FROM settings s WHERE s.user_id = u.id) AS status,
    ARRAY(
      SELECT g.id::text FROM members m JOIN guilds g ON g.id = m.guild_id WHERE m.user_id = u.id ORDER BY g.id
    ) AS guild_ids,
    (
      SELECT coalesce(json_agg(json_build_object('guildId', p.guild_id::text, 'position', p.position)
        ORDER BY p.position, p.guild_id), '[]')
      FROM guild_positions p WHERE p.user_id = u.id
    ) AS guild_positions,
    (
      SELECT coalesce(json_agg(json_build_object('type', a.type, 'content', a.content) ORDER BY a.created_at), '[]')
      FROM activities a WHERE a.user_id = u.id
    ) AS activities
  FROM users u WHERE u.id = ANY($1::bigint[])`;

/**
 * Reads of users; those that are asked for at the same time share a query. All reject with DatabaseUnavailable while the
 * database is away.
 */
@Injectable()
export class UserRepository {
  private readonly allCredentials = new GatheredReads((ids) => this.readCredentials(ids));
  private readonly allReadiness = new GatheredReads((ids) => this.readReadiness(ids));

  constructor(@Inject(Database) private readonly database: Database) {}

  /** Null when there is no such user. */
  async credentials(userId: Snowflake): Promise<Credentials | null> {
    return isStorable(userId) ? this.allCredentials.one(userId) : null;
  }

  /** Existing guilds that the user is a member of. */
  async guildCount(userId: Snowflake): Promise<number> {
    if (!isStorable(userId)) return 0;
    const [row] = await this.database.query<{ count: string }>(
      'SELECT count(*) AS count FROM members m JOIN guilds g ON g.id = m.guild_id WHERE m.user_id = $1',
      [userId],
    );
    return Number(row?.count ?? 0);
  }

  /** Null when there is no such user. */
  async readiness(userId: Snowflake): Promise<Readiness | null> {
    return isStorable(userId) ? this.allReadiness.one(userId) : null;
  }

  private async readCredentials(userIds: readonly Snowflake[]): Promise<ReadonlyMap<Snowflake, Credentials>> {
    const rows = await this.database.query<UserFields & { password: string; suspended: boolean }>(
      `SELECT ${userColumns}, u.password, u.suspended FROM users u WHERE u.id = ANY($1::bigint[])`,
      [userIds],
    );
    return new Map(
      rows.map((row) => [
        row.id,
        { user: userOf(row), passwordHash: row.password, suspended: row.suspended },
      ]),
    );
  }

  private async readReadiness(userIds: readonly Snowflake[]): Promise<ReadonlyMap<Snowflake, Readiness>> {
    const rows = await this.database.query<
      UserFields & {
        status: string | null;
        guild_ids: string[];
        guild_positions: { guildId: string; position: number }[];
        activities: { type: number; content: string }[];
      }
    >(selectReadiness, [userIds]);
    return new Map(
      rows.map((row) => [
        row.id,
        {
          user: userOf(row),
          settings: row.status === null ? null : { status: row.status },
          guildIds: row.guild_ids,
          guildPositions: row.guild_positions,
          activities: row.activities,
        },
      ]),
    );
  }
}
