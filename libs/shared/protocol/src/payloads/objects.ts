import type { Snowflake } from '@derailed/shared/kernel';
import type { Channel, Member, Role, User } from '../model';
import { isThread } from '../permissions';

// Every builder returns JSON text, so that what many clients get is written once. A key that looks useless is
// there because some client library raises without it.

/** As others see the user. */
export function userJson(user: User): string {
  return JSON.stringify({
    id: user.id,
    username: user.username,
    discriminator: user.discriminator,
    global_name: null,
    avatar: user.avatar,
    bot: user.bot,
    system: user.system,
    public_flags: 0,
  });
}

/** As the user sees itself: READY and GET /users/@me. */
export function ownUserJson(user: User): string {
  return JSON.stringify({
    id: user.id,
    username: user.username,
    discriminator: user.discriminator,
    global_name: null,
    avatar: user.avatar,
    bot: user.bot,
    system: user.system,
    flags: user.flags,
    public_flags: 0,
    mfa_enabled: false,
    verified: true,
    email: user.email,
    locale: 'en-US',
  });
}

export function memberJson(member: Member): string {
  const { nick, joinedAt, communicationDisabledUntil: until } = member;
  const rest = JSON.stringify({
    nick,
    avatar: null,
    roles: member.roleIds,
    joined_at: joinedAt,
    premium_since: null,
    deaf: false,
    mute: false,
    flags: 0,
    pending: false,
    communication_disabled_until: until === null ? null : new Date(until).toISOString(),
  });
  return `{"user":${userJson(member.user)},${rest.slice(1)}`;
}

export function roleJson(role: Role): string {
  return JSON.stringify({
    id: role.id,
    name: role.name,
    color: role.color,
    colors: { primary_color: role.color, secondary_color: null, tertiary_color: null },
    hoist: role.hoist,
    icon: null,
    unicode_emoji: null,
    position: role.position,
    permissions: role.permissions.toString(),
    managed: false,
    mentionable: false,
    flags: 0,
  });
}

const inVoice = { bitrate: 64_000, user_limit: 0, rtc_region: null };
/** The database knows no more of a thread; hikari and discord.py raise without an owner's id. */
const inThread = {
  owner_id: '0',
  message_count: 0,
  member_count: 0,
  thread_metadata: {
    archived: false,
    auto_archive_duration: 1440,
    archive_timestamp: '1970-01-01T00:00:00.000Z',
    locked: false,
  },
};

export function channelJson(channel: Channel, guildId: Snowflake): string {
  return JSON.stringify({
    id: channel.id,
    type: channel.type,
    guild_id: guildId,
    name: channel.name,
    position: channel.position,
    permission_overwrites: channel.overwrites.map((overwrite) => ({
      id: overwrite.targetId,
      type: overwrite.targetType,
      allow: overwrite.allow.toString(),
      deny: overwrite.deny.toString(),
    })),
    topic: channel.topic,
    nsfw: false,
    last_message_id: channel.lastMessageId,
    rate_limit_per_user: 0,
    parent_id: channel.parentId,
    flags: 0,
    ...(channel.type === 2 || channel.type === 13 ? inVoice : undefined),
    ...(isThread(channel.type) ? inThread : undefined),
  });
}
