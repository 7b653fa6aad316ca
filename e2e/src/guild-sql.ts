import type { GuildStep, NaiveGuild } from '@derailed/testing';

type Value = string | number | bigint | null;
const row = (values: readonly Value[]): string =>
  `(${values.map((value) => (typeof value === 'string' ? `'${value}'` : String(value))).join()})`;
const insert = (table: string, columns: string, rows: readonly (readonly Value[])[], more = ''): string =>
  rows.length === 0 ? '' : `insert into ${table} (${columns}) values ${rows.map(row).join()} ${more};`;

const now = '2024-05-01T00:00:00Z';
const everyday = { do: 'member', roles: [], timeout: null } as const;

/** The guild of the model and the users of its cast, for an empty place in the database. */
export function sqlOfGuild(guild: NaiveGuild): string {
  const { cast, channels, roles, members } = guild;
  const { id, name, ownerId } = guild.guild;
  return [
    // The model keeps the parent of a thread whose channel is gone, and may bring the channel back.
    'alter table channels drop constraint if exists channels_parent_id_fkey;',
    insert(
      'users',
      'id, username, password',
      cast.userIds.map((userId) => [userId, `user-${userId}`, passwordOf(userId)]),
    ),
    insert('guilds', 'id, name, owner_id', [[id, name, ownerId]]),
    ...roles.map((role) => sqlOf(guild, { do: 'role', id: role.id, permissions: role.permissions })),
    ...channels.map(({ id: channelId, parentId, overwrites }) =>
      sqlOf(guild, { do: 'channel', id: channelId, parent: parentId, overwrites }),
    ),
    ...members.map(({ user, roleIds }) => sqlOf(guild, { ...everyday, id: user.id, roles: roleIds })),
  ].join('\n');
}

/** What a monolith writes before it publishes the change. */
export function sqlOf(guild: NaiveGuild, step: GuildStep): string {
  const { guildId } = guild.cast;
  switch (step.do) {
    case 'role':
      return insert(
        'roles',
        'id, guild_id, name, permissions',
        [[step.id, guildId, `role ${step.id}`, step.permissions]],
        'on conflict (id) do update set permissions = excluded.permissions',
      );
    case 'roleGone':
      return `delete from roles where id = ${step.id};`;
    case 'channel':
      return (
        insert(
          'channels',
          'id, guild_id, name, type, parent_id',
          [[step.id, guildId, `channel ${step.id}`, guild.cast.channels.get(step.id) ?? 0, step.parent]],
          'on conflict (id) do update set parent_id = excluded.parent_id',
        ) +
        `delete from channel_overwrites where channel_id = ${step.id};` +
        insert(
          'channel_overwrites',
          'channel_id, target_id, target_type, allow, deny',
          step.overwrites.map(({ targetId, targetType, allow, deny }) => [
            step.id,
            targetId,
            targetType,
            allow,
            deny,
          ]),
        )
      );
    case 'channelGone':
      return `delete from channels where id = ${step.id};`;
    case 'member':
      return (
        insert(
          'members',
          'guild_id, user_id, joined_at',
          [[guildId, step.id, now]],
          'on conflict do nothing',
        ) +
        `delete from member_roles where guild_id = ${guildId} and user_id = ${step.id};` +
        insert(
          'member_roles',
          'guild_id, user_id, role_id',
          step.roles
            .filter((roleId) => guild.roles.some(({ id }) => id === roleId))
            .map((roleId) => [guildId, step.id, roleId]),
        )
      );
    case 'memberGone':
      return `delete from members where guild_id = ${guildId} and user_id = ${step.id};`;
    case 'owner':
      return `update guilds set owner_id = ${step.id} where id = ${guildId};`;
  }
}

export const passwordOf = (userId: string): string => `hash-of-${userId}`;
