import type { Snowflake } from '@derailed/shared/kernel';
import type { Channel, Guild, Role } from '../model';
import { channelJson, roleJson } from './objects';

/**
 * The part of GUILD_CREATE that all sessions of a visibility class share: JSON text of an object without its closing brace.
 * What guildCreateOwn returns goes behind it.
 */
export function guildCreateShared(
  guild: Guild,
  roles: readonly Role[],
  visibleChannels: readonly Channel[],
  threads: readonly Channel[],
): string {
  const channels = visibleChannels.map((channel) => channelJson(channel, guild.id));
  const lists =
    `,"roles":[${roles.map(roleJson).join()}],"channels":[${channels.join()}]` +
    `,"threads":[${threads.map((thread) => channelJson(thread, guild.id)).join()}]`;
  return plainGuild(guild).slice(0, -1) + lists;
}

/** The data of GUILD_UPDATE. */
export function guildUpdateJson(guild: Guild, roles: readonly Role[]): string {
  return `${plainGuild(guild).slice(0, -1)},"roles":[${roles.map(roleJson).join()}]}`;
}

/** What is the guild's own. */
function plainGuild(guild: Guild): string {
  return JSON.stringify({
    id: guild.id,
    name: guild.name,
    icon: guild.icon,
    icon_hash: null,
    splash: null,
    discovery_splash: null,
    owner_id: guild.ownerId,
    region: 'deprecated',
    afk_channel_id: null,
    afk_timeout: 300,
    widget_enabled: false,
    widget_channel_id: null,
    verification_level: 0,
    default_message_notifications: 0,
    explicit_content_filter: 0,
    mfa_level: 0,
    application_id: null,
    system_channel_id: null,
    system_channel_flags: 0,
    rules_channel_id: null,
    vanity_url_code: null,
    description: null,
    banner: null,
    premium_tier: 0,
    premium_subscription_count: 0,
    premium_progress_bar_enabled: false,
    preferred_locale: 'en-US',
    public_updates_channel_id: null,
    safety_alerts_channel_id: null,
    nsfw: false,
    nsfw_level: 0,
    max_members: 500_000,
    max_presences: null,
    max_video_channel_users: 25,
    // discord.js leaves the guild unavailable, as READY had it, unless this is said.
    unavailable: false,
    features: [],
    emojis: [],
    stickers: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
  });
}

export interface GuildCreateOwn {
  /** memberJson texts; the session's own member is among them. */
  readonly members: readonly string[];
  /** presenceUpdateJson texts without a guild id. */
  readonly presences: readonly string[];
  /** voiceStateJson texts. */
  readonly voiceStates: readonly string[];
  /** When the session's user joined, ISO 8601. */
  readonly joinedAt: string;
  readonly memberCount: number;
  /** Whether the guild has more members than the session's large_threshold. */
  readonly large: boolean;
}

/** The part of GUILD_CREATE for one session; begins with a comma and closes the object that guildCreateShared opens. */
export function guildCreateOwn(own: GuildCreateOwn): string {
  const { members, presences, voiceStates, joinedAt, memberCount, large } = own;
  return (
    `,"joined_at":${JSON.stringify(joinedAt)},"member_count":${memberCount},"large":${large}` +
    `,"voice_states":[${voiceStates.join()}],"members":[${members.join()}],"presences":[${presences.join()}]}`
  );
}

/** The data of THREAD_LIST_SYNC: all threads of these channels that the receiver sees. */
export function threadListSyncJson(
  guildId: Snowflake,
  channelIds: readonly Snowflake[],
  threads: readonly Channel[],
): string {
  const list = threads.map((thread) => channelJson(thread, guildId));
  return `{"guild_id":"${guildId}","channel_ids":${JSON.stringify(channelIds)},"threads":[${list.join()}],"members":[]}`;
}

/**
 * The data of GUILD_DELETE.
 * @param unavailable true: an outage, the user still is a member; false: the user left, or the guild is gone
 */
export function guildDeleteJson(id: Snowflake, unavailable: boolean): string {
  return unavailable ? `{"id":"${id}","unavailable":true}` : `{"id":"${id}"}`;
}
