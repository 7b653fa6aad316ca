/** What a table is read for, and by which index. `name` is that of the migration; the monolith's may differ. */
export interface TableReads {
  readonly readFor: string;
  readonly indexes: readonly { readonly name: string; readonly on: string; readonly readFor: string }[];
}

/** By table name. The entities say what the tables are; this says why they are read, for docs/reference/tables.md. */
export const reads: Readonly<Record<string, TableReads>> = {
  users: {
    readFor: 'identify (credentials, READY) and the users of members.',
    indexes: [
      { name: 'users_pkey', on: '(id)', readFor: 'credentials; READY; the user of each member' },
      {
        name: 'users_lower_username',
        on: '(lower(username) text_pattern_ops)',
        readFor: 'member search by prefix',
      },
    ],
  },
  settings: {
    readFor: 'READY and the status a session starts with.',
    indexes: [{ name: 'settings_pkey', on: '(user_id)', readFor: 'READY' }],
  },
  activities: {
    readFor: 'the presence a session starts with.',
    indexes: [{ name: 'activities_pkey', on: '(user_id, type, created_at)', readFor: 'READY' }],
  },
  guilds: {
    readFor: 'the snapshot of a guild when its first session comes.',
    indexes: [
      { name: 'guilds_pkey', on: '(id)', readFor: 'snapshot; READY leaves out guilds that are no more' },
    ],
  },
  guild_positions: {
    readFor: 'READY.',
    indexes: [{ name: 'guild_positions_pkey', on: '(user_id, guild_id)', readFor: 'READY' }],
  },
  roles: {
    readFor: 'the snapshot of a guild, and which roles of a member count.',
    indexes: [
      { name: 'roles_pkey', on: '(id)', readFor: 'roles of members' },
      { name: 'roles_guild_id', on: '(guild_id)', readFor: 'snapshot' },
    ],
  },
  members: {
    readFor: 'which guilds a user subscribes to, the snapshot of a guild, and Request Guild Members.',
    indexes: [
      {
        name: 'members_pkey',
        on: '(guild_id, user_id)',
        readFor: 'snapshot; pages of members; members by id; count; who has joined lately',
      },
      {
        name: 'members_user_id',
        on: '(user_id)',
        readFor: 'READY and GET /gateway/bot: the guilds of a user',
      },
      {
        name: 'members_guild_id_lower_nick',
        on: '(guild_id, lower(nick) text_pattern_ops)',
        readFor: 'member search by prefix',
      },
    ],
  },
  member_roles: {
    readFor: 'the roles of every member that is read.',
    indexes: [
      { name: 'member_roles_pkey', on: '(guild_id, user_id, role_id)', readFor: 'roles of members' },
      {
        name: 'member_roles_role_id',
        on: '(role_id)',
        readFor: 'no read: it keeps the removal of a role cheap',
      },
    ],
  },
  channels: {
    readFor: 'the snapshot of a guild.',
    indexes: [
      { name: 'channels_pkey', on: '(id)', readFor: 'no read: what overwrites refer to' },
      { name: 'channels_guild_id', on: '(guild_id)', readFor: 'snapshot' },
    ],
  },
  channel_overwrites: {
    readFor: 'the snapshot of a guild: who sees which channel.',
    indexes: [{ name: 'channel_overwrites_pkey', on: '(channel_id, target_id)', readFor: 'snapshot' }],
  },
};
