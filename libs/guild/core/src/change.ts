import type { Snowflake } from '@derailed/shared/kernel';
import type { Channel, Guild, Member, Role, User, VoiceState } from '@derailed/shared/protocol';

/** Fields that an event carried; those that it left out change nothing. */
export type Patch<T> = { -readonly [K in keyof T]?: T[K] };

export type MemberPatch = Patch<Omit<Member, 'user'>>;

/** What one of the events that the gateway understands does to a guild. */
export type Change =
  | { readonly kind: 'guild'; readonly patch: Patch<Omit<Guild, 'id'>> }
  /** outage: the guild is out for a while, and nobody leaves it. */
  | { readonly kind: 'guildGone'; readonly outage: boolean }
  | {
      readonly kind: 'channel';
      readonly id: Snowflake;
      readonly isNew: boolean;
      readonly patch: Patch<Omit<Channel, 'id'>>;
    }
  /** thread: the event said so; type and parentId are what it said of a thread. */
  | {
      readonly kind: 'channelGone';
      readonly id: Snowflake;
      readonly thread: boolean;
      readonly type: number | undefined;
      readonly parentId: Snowflake | undefined;
    }
  | {
      readonly kind: 'role';
      readonly id: Snowflake;
      readonly isNew: boolean;
      readonly patch: Patch<Omit<Role, 'id'>>;
    }
  | { readonly kind: 'roleGone'; readonly id: Snowflake }
  | {
      readonly kind: 'member';
      readonly userId: Snowflake;
      readonly isNew: boolean;
      readonly user: Patch<Omit<User, 'id'>>;
      readonly patch: MemberPatch;
    }
  | { readonly kind: 'memberGone'; readonly userId: Snowflake }
  /** Somebody is in voice, or not any more. data: of the event, to tell of a part of it those who may not have all. */
  | {
      readonly kind: 'voice';
      readonly userId: Snowflake;
      readonly state: VoiceState | undefined;
      readonly data: Readonly<Record<string, unknown>>;
    }
  /** Who came into a thread or left it, each once: changes nothing here, but says who is to hear of it. */
  | { readonly kind: 'threadMembers'; readonly userIds: readonly Snowflake[] };

export type VoiceChange = Extract<Change, { kind: 'voice' }>;

/** Those that change what the database knows of the guild. */
export type StateChange = Exclude<Change, { kind: 'guildGone' | 'threadMembers' | 'voice' }>;

/** Users whom one THREAD_MEMBERS_UPDATE may name. */
export const mostThreadMembers = 1000;

const channelFields = [
  'id',
  'type',
  'name',
  'position',
  'topic',
  'parent_id',
  'last_message_id',
  'permission_overwrites[].id',
  'permission_overwrites[].type',
  'permission_overwrites[].allow',
  'permission_overwrites[].deny',
] as const;
const threadFields = ['id', 'type', 'name', 'parent_id', 'last_message_id'] as const;
const roleFields = [
  'role.id',
  'role.name',
  'role.permissions',
  'role.position',
  'role.color',
  'role.hoist',
] as const;
const memberFields = [
  'user.id',
  'user_id',
  'user.username',
  'user.discriminator',
  'user.avatar',
  'user.flags',
  'user.bot',
  'user.system',
  'nick',
  'roles',
  'joined_at',
  'communication_disabled_until',
] as const;

/**
 * The events published to a guild that the gateway itself understands, and the fields that it reads of each.
 * docs/reference is made from this table. `*_EDIT` counts as `*_UPDATE`; all other events pass through untouched.
 */
export const guildEventFields = {
  GUILD_UPDATE: ['name', 'icon', 'owner_id', 'permissions', 'flags'],
  GUILD_DELETE: ['unavailable'],
  CHANNEL_CREATE: channelFields,
  CHANNEL_UPDATE: channelFields,
  CHANNEL_DELETE: ['id'],
  THREAD_CREATE: threadFields,
  THREAD_UPDATE: threadFields,
  THREAD_DELETE: ['id', 'type', 'parent_id'],
  GUILD_ROLE_CREATE: roleFields,
  GUILD_ROLE_UPDATE: roleFields,
  GUILD_ROLE_DELETE: ['role_id'],
  GUILD_MEMBER_ADD: memberFields,
  GUILD_MEMBER_UPDATE: memberFields,
  GUILD_MEMBER_REMOVE: ['user.id', 'user_id'],
  VOICE_STATE_UPDATE: [
    'user_id',
    'channel_id',
    'session_id',
    'deaf',
    'mute',
    'self_deaf',
    'self_mute',
    'self_stream',
    'self_video',
    'suppress',
    'request_to_speak_timestamp',
  ],
  THREAD_MEMBERS_UPDATE: ['added_members[].user_id', 'removed_member_ids'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type GuildEventName = keyof typeof guildEventFields;

export function isGuildEvent(name: string): name is GuildEventName {
  return Object.hasOwn(guildEventFields, name);
}
