import type { Snowflake } from '@derailed/shared/kernel';
import type { Channel, Guild, Member, Overwrite, Role, User } from './model';

/**
 * Permission bits.
 * @see https://docs.discord.com/developers/topics/permissions#permissions-bitwise-permission-flags
 */
export const Permission = {
  CREATE_INSTANT_INVITE: 1n << 0n,
  KICK_MEMBERS: 1n << 1n,
  BAN_MEMBERS: 1n << 2n,
  ADMINISTRATOR: 1n << 3n,
  MANAGE_CHANNELS: 1n << 4n,
  MANAGE_GUILD: 1n << 5n,
  ADD_REACTIONS: 1n << 6n,
  VIEW_AUDIT_LOG: 1n << 7n,
  PRIORITY_SPEAKER: 1n << 8n,
  STREAM: 1n << 9n,
  VIEW_CHANNEL: 1n << 10n,
  SEND_MESSAGES: 1n << 11n,
  SEND_TTS_MESSAGES: 1n << 12n,
  MANAGE_MESSAGES: 1n << 13n,
  EMBED_LINKS: 1n << 14n,
  ATTACH_FILES: 1n << 15n,
  READ_MESSAGE_HISTORY: 1n << 16n,
  MENTION_EVERYONE: 1n << 17n,
  USE_EXTERNAL_EMOJIS: 1n << 18n,
  VIEW_GUILD_INSIGHTS: 1n << 19n,
  CONNECT: 1n << 20n,
  SPEAK: 1n << 21n,
  MUTE_MEMBERS: 1n << 22n,
  DEAFEN_MEMBERS: 1n << 23n,
  MOVE_MEMBERS: 1n << 24n,
  USE_VAD: 1n << 25n,
  CHANGE_NICKNAME: 1n << 26n,
  MANAGE_NICKNAMES: 1n << 27n,
  MANAGE_ROLES: 1n << 28n,
  MANAGE_WEBHOOKS: 1n << 29n,
  MANAGE_GUILD_EXPRESSIONS: 1n << 30n,
  USE_APPLICATION_COMMANDS: 1n << 31n,
  REQUEST_TO_SPEAK: 1n << 32n,
  MANAGE_EVENTS: 1n << 33n,
  MANAGE_THREADS: 1n << 34n,
  CREATE_PUBLIC_THREADS: 1n << 35n,
  CREATE_PRIVATE_THREADS: 1n << 36n,
  USE_EXTERNAL_STICKERS: 1n << 37n,
  SEND_MESSAGES_IN_THREADS: 1n << 38n,
  USE_EMBEDDED_ACTIVITIES: 1n << 39n,
  MODERATE_MEMBERS: 1n << 40n,
  VIEW_CREATOR_MONETIZATION_ANALYTICS: 1n << 41n,
  USE_SOUNDBOARD: 1n << 42n,
  CREATE_GUILD_EXPRESSIONS: 1n << 43n,
  CREATE_EVENTS: 1n << 44n,
  USE_EXTERNAL_SOUNDS: 1n << 45n,
  SEND_VOICE_MESSAGES: 1n << 46n,
  SET_VOICE_CHANNEL_STATUS: 1n << 48n,
  SEND_POLLS: 1n << 49n,
  USE_EXTERNAL_APPS: 1n << 50n,
  PIN_MESSAGES: 1n << 51n,
  BYPASS_SLOWMODE: 1n << 52n,
} as const satisfies Readonly<Record<string, bigint>>;

/** What the owner and administrators have. */
export const ALL_PERMISSIONS: bigint = Object.values(Permission).reduce((all, bit) => all | bit, 0n);

const everythingInVoice =
  Permission.MANAGE_CHANNELS |
  Permission.PRIORITY_SPEAKER |
  Permission.STREAM |
  Permission.SPEAK |
  Permission.MUTE_MEMBERS |
  Permission.DEAFEN_MEMBERS |
  Permission.MOVE_MEMBERS |
  Permission.USE_VAD |
  Permission.REQUEST_TO_SPEAK |
  Permission.USE_EMBEDDED_ACTIVITIES |
  Permission.USE_SOUNDBOARD |
  Permission.USE_EXTERNAL_SOUNDS |
  Permission.SET_VOICE_CHANNEL_STATUS;

const needsSending =
  Permission.MENTION_EVERYONE |
  Permission.SEND_TTS_MESSAGES |
  Permission.ATTACH_FILES |
  Permission.EMBED_LINKS;

const leftInTimeout = Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY;

/** As much of a Member as permissions depend on. */
export interface PermissionHolder extends Pick<Member, 'roleIds' | 'communicationDisabledUntil'> {
  readonly user: Pick<User, 'id'>;
}

export function isThread(type: number): boolean {
  return type === 10 || type === 11 || type === 12;
}

/**
 * What the member may do in the guild, before any channel. Equal to ALL_PERMISSIONS for the owner and for
 * administrators alone. Ids of roles that are gone are ignored. Does not depend on a timeout.
 */
export function basePermissions(
  member: PermissionHolder,
  guild: Pick<Guild, 'id' | 'ownerId' | 'permissions'>,
  roles: ReadonlyMap<Snowflake, Pick<Role, 'permissions'>>,
): bigint {
  if (member.user.id === guild.ownerId) return ALL_PERMISSIONS;
  let permissions = roles.get(guild.id)?.permissions ?? guild.permissions;
  for (const id of member.roleIds) permissions |= roles.get(id)?.permissions ?? 0n;
  return (permissions & Permission.ADMINISTRATOR) === 0n ? permissions : ALL_PERMISSIONS;
}

function overwritten(
  base: bigint,
  member: PermissionHolder,
  guildId: Snowflake,
  roles: ReadonlyMap<Snowflake, unknown>,
  overwrites: readonly Overwrite[],
): bigint {
  let everyone: Overwrite | undefined;
  let own: Overwrite | undefined;
  let allow = 0n;
  let deny = 0n;
  for (const overwrite of overwrites) {
    if (overwrite.targetType === 1) {
      if (overwrite.targetId === member.user.id) own = overwrite;
    } else if (overwrite.targetId === guildId) {
      everyone = overwrite;
    } else if (member.roleIds.includes(overwrite.targetId) && roles.has(overwrite.targetId)) {
      allow |= overwrite.allow;
      deny |= overwrite.deny;
    }
  }
  let permissions = base;
  if (everyone) permissions = (permissions & ~everyone.deny) | everyone.allow;
  permissions = (permissions & ~deny) | allow;
  if (own) permissions = (permissions & ~own.deny) | own.allow;
  return permissions;
}

/**
 * What the member may do in the channel; 0n when it can't view it.
 * @param base the member's basePermissions
 * @param roles of the guild; overwrites of others, which are gone, mean nothing, also for members who have them still
 * @param parent the channel of a thread (a thread has no overwrites of its own: without its channel, or where that is
 * a thread itself, nobody has anything in it). Not used for other channels: categories hand nothing down.
 * @param now wall time in milliseconds, for timeouts
 */
export function channelPermissions(
  member: PermissionHolder,
  base: bigint,
  guildId: Snowflake,
  roles: ReadonlyMap<Snowflake, unknown>,
  channel: Pick<Channel, 'type' | 'overwrites'>,
  parent: Pick<Channel, 'type' | 'overwrites'> | undefined,
  now: number,
): bigint {
  if (base === ALL_PERMISSIONS) return base;
  const thread = isThread(channel.type);
  const place = thread ? parent : channel;
  if (!place || (thread && isThread(place.type))) return 0n;
  let permissions =
    place.overwrites.length === 0 ? base : overwritten(base, member, guildId, roles, place.overwrites);
  if (member.communicationDisabledUntil !== null && member.communicationDisabledUntil > now)
    permissions &= leftInTimeout;
  if ((permissions & Permission.VIEW_CHANNEL) === 0n) return 0n;
  if ((place.type === 2 || place.type === 13) && (permissions & Permission.CONNECT) === 0n) {
    permissions &= ~everythingInVoice;
  }
  const sending = thread ? Permission.SEND_MESSAGES_IN_THREADS : Permission.SEND_MESSAGES;
  return (permissions & sending) === 0n ? permissions & ~needsSending : permissions;
}

/** Whether who has these permissions in a channel of this type sees it. A private thread (type 12) takes MANAGE_THREADS. */
export function shows(type: number, permissions: bigint): boolean {
  return type === 12 ? (permissions & Permission.MANAGE_THREADS) !== 0n : permissions !== 0n;
}

/** Whether the member sees the channel. A private thread (type 12) takes MANAGE_THREADS in its channel. */
export function canView(
  member: PermissionHolder,
  base: bigint,
  guildId: Snowflake,
  roles: ReadonlyMap<Snowflake, unknown>,
  channel: Pick<Channel, 'type' | 'overwrites'>,
  parent: Pick<Channel, 'type' | 'overwrites'> | undefined,
  now: number,
): boolean {
  const permissions = channelPermissions(member, base, guildId, roles, channel, parent, now);
  return shows(channel.type, permissions);
}
