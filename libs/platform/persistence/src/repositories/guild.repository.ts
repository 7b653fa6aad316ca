import { Inject, Injectable } from '@nestjs/common';
import type { Snowflake } from '@derailed/shared/kernel';
import type { Channel, Guild, GuildSnapshot, Member, Overwrite, Role } from '@derailed/shared/protocol';
import { Breaches } from '../breaches';
import { Database, type Query } from '../database';
import { MemberRepository } from './member.repository';
import { membersOf } from './members';
import { type MemberFields, isStorable, selectMembers } from './rows';

interface GuildFields {
  id: string;
  name: string;
  icon: string | null;
  owner_id: string;
  permissions: string;
  flags: string;
  owner_known: boolean;
  member_count: string;
}

interface RoleFields {
  guild_id: string;
  id: string;
  name: string;
  permissions: string;
  position: number;
  color: number;
  hoist: boolean;
}

interface ChannelFields {
  guild_id: string;
  id: string;
  name: string;
  type: number;
  position: number;
  topic: string | null;
  parent_id: string | null;
  last_message_id: string | null;
  overwrites: { targetId: string; targetType: number; allow: string; deny: string }[];
}

const selectGuilds = `
  SELECT g.id, g.name, g.icon, g.owner_id, g.permissions, g.flags,
    EXISTS (
      SELECT FROM members m JOIN users u ON u.id = m.user_id WHERE m.guild_id = g.id AND m.user_id = g.owner_id
    ) AS owner_known,
    (SELECT count(*) FROM members m WHERE m.guild_id = g.id) AS member_count
  FROM guilds g WHERE g.id = ANY($1::bigint[])`;

const selectRoles = `
  SELECT guild_id, id, name, permissions, position, color, hoist FROM roles
  WHERE guild_id = ANY($1::bigint[]) ORDER BY position, id`;

const selectChannels = `
  SELECT c.guild_id, c.id, c.name, c.type, c.position, c.topic, c.parent_id, c.last_message_id,
    (
      SELECT coalesce(json_agg(json_build_object('targetId', o.target_id::text, 'targetType', o.target_type,
        'allow', o.allow::text, 'deny', o.deny::text) ORDER BY o.target_id), '[]')
      FROM channel_overwrites o WHERE o.channel_id = c.id
    ) AS overwrites
  FROM channels c WHERE c.guild_id = ANY($1::bigint[]) ORDER BY c.position, c.id`;

/** Walks the members of the guild, as the count of them does; no index is asked of the platform for it. */
const selectJoined = `
  SELECT user_id FROM members WHERE guild_id = $1 AND joined_at >= to_timestamp($2::float8 / 1000)
  ORDER BY joined_at DESC LIMIT $3`;
const joinedAtOnce = 250;

export interface SnapshotWith {
  readonly snapshot: GuildSnapshot | null;
  readonly members: readonly Member[];
  readonly joined: readonly Snowflake[];
}

/** Reads of guilds. All reject with DatabaseUnavailable while the database is away. */
@Injectable()
export class GuildRepository {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(MemberRepository) private readonly memberRepository: MemberRepository,
    @Inject(Breaches) private readonly breaches: Breaches,
  ) {}

  /** The guild as one moment saw it; null when there is no such guild. Members come along as in snapshots(). */
  async snapshot(guildId: Snowflake, maxMembers: number): Promise<GuildSnapshot | null> {
    return (await this.snapshots([guildId], maxMembers)).get(guildId) ?? null;
  }

  /**
   * All of these guilds that there are, as one moment saw them, in as many statements as one takes. Members of a guild come
   * along when there are at most `maxMembers`, which is what permissions in small guilds are computed from without
   * another read.
   */
  async snapshots(
    guildIds: readonly Snowflake[],
    maxMembers: number,
  ): Promise<ReadonlyMap<Snowflake, GuildSnapshot>> {
    const storable = guildIds.filter(isStorable);
    if (storable.length === 0) return new Map();
    return this.database.snapshot((query) => this.read(query, storable, maxMembers));
  }

  /**
   * The same, and of a guild whose members are left out those of `userIds` who are members, and the last ones who have
   * joined since, at the same moment.
   * @param joinedSince milliseconds since the Unix epoch
   */
  async snapshotWith(
    guildId: Snowflake,
    maxMembers: number,
    userIds: readonly Snowflake[],
    joinedSince: number,
  ): Promise<SnapshotWith> {
    const nobody = { members: [], joined: [] };
    if (!isStorable(guildId)) return { snapshot: null, ...nobody };
    return this.database.snapshot(async (query) => {
      const snapshot = (await this.read(query, [guildId], maxMembers)).get(guildId) ?? null;
      if (snapshot === null || snapshot.members !== null) return { snapshot, ...nobody };
      const ids = userIds.filter(isStorable);
      const rows = await query<MemberFields>(
        `${selectMembers} WHERE m.guild_id = $1 AND m.user_id = ANY($2::bigint[])`,
        [guildId, ids],
      );
      const joined = await query<{ user_id: string }>(selectJoined, [guildId, joinedSince, joinedAtOnce]);
      return {
        snapshot,
        members: membersOf(guildId, rows, this.breaches),
        joined: joined.map((row) => row.user_id),
      };
    });
  }

  private async read(
    query: Query,
    guildIds: readonly Snowflake[],
    maxMembers: number,
  ): Promise<ReadonlyMap<Snowflake, GuildSnapshot>> {
    const rows = await query<GuildFields>(selectGuilds, [guildIds]);
    if (rows.length === 0) return new Map();
    const found = rows.map(({ id }) => id);
    const small = rows.filter((row) => Number(row.member_count) <= maxMembers).map(({ id }) => id);
    const roles = byGuild(await query<RoleFields>(selectRoles, [found]));
    const channels = byGuild(await query<ChannelFields>(selectChannels, [found]));
    const members = byGuild(
      small.length === 0
        ? []
        : await query<MemberFields>(
            `${selectMembers} WHERE m.guild_id = ANY($1::bigint[]) ORDER BY m.user_id`,
            [small],
          ),
    );
    const complete = new Set(small);
    return new Map(
      rows.map((row) => [
        row.id,
        this.snapshotOf(
          row,
          roles.get(row.id) ?? [],
          channels.get(row.id) ?? [],
          complete.has(row.id) ? (members.get(row.id) ?? []) : null,
        ),
      ]),
    );
  }

  private snapshotOf(
    row: GuildFields,
    roleRows: readonly RoleFields[],
    channelRows: readonly ChannelFields[],
    memberRows: readonly MemberFields[] | null,
  ): GuildSnapshot {
    const guildId = row.id;
    if (!row.owner_known) {
      this.breaches.report('the owner of a guild is not one of its members: served without an owner', {
        guildId,
        ownerId: row.owner_id,
      });
    }
    const roles = roleRows.map(roleOf);
    const channels = this.channelsOf(guildId, channelRows, roles);
    const members = memberRows === null ? null : membersOf(guildId, memberRows, this.breaches);
    return {
      guild: guildOf(row),
      roles,
      channels,
      memberCount: members?.length ?? Number(row.member_count),
      members,
    };
  }

  /** Those of `userIds` who are members, in one query. */
  members(guildId: Snowflake, userIds: readonly Snowflake[]): Promise<Member[]> {
    return this.memberRepository.byIds(guildId, userIds);
  }

  private channelsOf(guildId: Snowflake, rows: readonly ChannelFields[], roles: readonly Role[]): Channel[] {
    const roleIds = new Set(roles.map((role) => role.id));
    // Everybody has the id of the guild, with or without a row of its own.
    roleIds.add(guildId);
    const channelIds = new Set(rows.map((row) => row.id));
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      type: row.type,
      position: row.position,
      topic: row.topic,
      parentId: this.parentOf(guildId, row, channelIds),
      lastMessageId: row.last_message_id,
      overwrites: this.overwritesOf(guildId, row, roleIds),
    }));
  }

  private parentOf(
    guildId: Snowflake,
    row: ChannelFields,
    channelIds: ReadonlySet<string>,
  ): Snowflake | null {
    if (row.parent_id === null || channelIds.has(row.parent_id)) return row.parent_id;
    this.breaches.report('the parent of a channel is not of its guild: served without a parent', {
      guildId,
      channelId: row.id,
      parentId: row.parent_id,
    });
    return null;
  }

  private overwritesOf(guildId: Snowflake, row: ChannelFields, roleIds: ReadonlySet<string>): Overwrite[] {
    const overwrites: Overwrite[] = [];
    for (const { targetId, targetType, allow, deny } of row.overwrites) {
      const known = targetType === 1 || (targetType === 0 && roleIds.has(targetId));
      if (known) overwrites.push({ targetId, targetType, allow: BigInt(allow), deny: BigInt(deny) });
      else {
        this.breaches.report('an overwrite is for no role of its guild and no member: left out', {
          guildId,
          channelId: row.id,
          targetId,
        });
      }
    }
    return overwrites;
  }
}

/** Rows of several guilds by their guild, in their order. */
function byGuild<R extends { readonly guild_id: string }>(rows: readonly R[]): ReadonlyMap<string, R[]> {
  const groups = new Map<string, R[]>();
  for (const row of rows) {
    const group = groups.get(row.guild_id);
    if (group === undefined) groups.set(row.guild_id, [row]);
    else group.push(row);
  }
  return groups;
}

function guildOf(row: GuildFields): Guild {
  return {
    id: row.id,
    name: row.name,
    icon: row.icon,
    ownerId: row.owner_id,
    permissions: BigInt(row.permissions),
    flags: Number(row.flags),
  };
}

function roleOf(row: RoleFields): Role {
  return {
    id: row.id,
    name: row.name,
    permissions: BigInt(row.permissions),
    position: row.position,
    color: row.color,
    hoist: row.hoist,
  };
}
