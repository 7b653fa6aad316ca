import { invalidArgument } from '@derailed/shared/kernel';
import {
  type Channel,
  canonicalName,
  type Guild,
  type Overwrite,
  type Role,
  type User,
} from '@derailed/shared/protocol';
import {
  type Change,
  type GuildEventName,
  isGuildEvent,
  type MemberPatch,
  mostThreadMembers,
  type Patch,
} from './change';
import { Fields } from './fields';

/** Characters of a `session_id`, which is kept as long as somebody is in voice. */
const mostSessionText = 128;

/**
 * What an event published to a guild changes there; undefined for the events that pass through, whose data is not
 * even decoded.
 * @param data JSON text in UTF-8
 * @throws CallError INVALID_ARGUMENT, with the path of the field that breaks the contract
 */
export function parseChange(name: string, data: Uint8Array): Change | undefined {
  const canonical = canonicalName(name);
  if (!isGuildEvent(canonical)) return undefined;
  return read(canonical, Fields.of(json(data), 'data'));
}

function json(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(data));
  } catch {
    throw invalidArgument('data', 'must be JSON');
  }
}

function read(name: GuildEventName, fields: Fields): Change | undefined {
  switch (name) {
    case 'GUILD_UPDATE':
      return { kind: 'guild', patch: guildPatch(fields) };
    case 'GUILD_DELETE':
      return { kind: 'guildGone', outage: fields.flag('unavailable') ?? false };
    case 'CHANNEL_CREATE':
    case 'CHANNEL_UPDATE':
      return {
        kind: 'channel',
        id: fields.id('id'),
        isNew: name === 'CHANNEL_CREATE',
        patch: channelPatch(fields),
      };
    case 'THREAD_CREATE':
    case 'THREAD_UPDATE':
      return {
        kind: 'channel',
        id: fields.id('id'),
        isNew: name === 'THREAD_CREATE',
        patch: threadPatch(fields),
      };
    case 'CHANNEL_DELETE':
      return {
        kind: 'channelGone',
        id: fields.id('id'),
        thread: false,
        type: undefined,
        parentId: undefined,
      };
    case 'THREAD_DELETE':
      return {
        kind: 'channelGone',
        id: fields.id('id'),
        thread: true,
        type: fields.integer('type'),
        parentId: fields.idOrNull('parent_id') ?? undefined,
      };
    case 'GUILD_ROLE_CREATE':
    case 'GUILD_ROLE_UPDATE': {
      const role = fields.object('role');
      return { kind: 'role', id: role.id('id'), isNew: name === 'GUILD_ROLE_CREATE', patch: rolePatch(role) };
    }
    case 'GUILD_ROLE_DELETE':
      return { kind: 'roleGone', id: fields.id('role_id') };
    case 'GUILD_MEMBER_ADD':
    case 'GUILD_MEMBER_UPDATE':
      return {
        kind: 'member',
        userId: userIdOf(fields),
        isNew: name === 'GUILD_MEMBER_ADD',
        user: fields.has('user') ? userPatch(fields.object('user')) : {},
        patch: memberPatch(fields),
      };
    case 'GUILD_MEMBER_REMOVE':
      return { kind: 'memberGone', userId: userIdOf(fields) };
    case 'VOICE_STATE_UPDATE':
      return voiceChange(fields);
    case 'THREAD_MEMBERS_UPDATE':
      return { kind: 'threadMembers', userIds: threadMembers(fields) };
  }
}

/** Undefined when it does not say whose it is, or where that is: then there is nothing to keep. */
function voiceChange(fields: Fields): Change | undefined {
  const [userId, channelId] = [fields.optionalId('user_id'), fields.idOrNull('channel_id')];
  const said = {
    sessionId: fields.text('session_id') ?? '',
    deaf: fields.flag('deaf') ?? false,
    mute: fields.flag('mute') ?? false,
    selfDeaf: fields.flag('self_deaf') ?? false,
    selfMute: fields.flag('self_mute') ?? false,
    selfStream: fields.flag('self_stream') ?? false,
    selfVideo: fields.flag('self_video') ?? false,
    suppress: fields.flag('suppress') ?? false,
    requestToSpeak: isoText(fields.timeOrNull('request_to_speak_timestamp')),
  };
  if (said.sessionId.length > mostSessionText)
    return fields.wrong('session_id', `must have at most ${mostSessionText} characters`);
  if (userId === undefined || channelId === undefined) return undefined;
  const state = channelId === null ? undefined : { userId, channelId, ...said };
  return { kind: 'voice', userId, state, data: fields.all };
}

function isoText(time: number | null | undefined): string | null {
  return typeof time === 'number' ? new Date(time).toISOString() : null;
}

function threadMembers(fields: Fields): string[] {
  const added = fields.objects('added_members') ?? [];
  const userIds = new Set(fields.ids('removed_member_ids'));
  for (const member of added) userIds.add(member.id('user_id'));
  return userIds.size > mostThreadMembers
    ? fields.wrong('added_members', `and removed_member_ids must name ${mostThreadMembers} users at most`)
    : [...userIds];
}

function userIdOf(fields: Fields): string {
  return fields.has('user') ? fields.object('user').id('id') : fields.id('user_id');
}

function guildPatch(fields: Fields): Patch<Omit<Guild, 'id'>> {
  return present({
    name: fields.text('name'),
    icon: fields.textOrNull('icon'),
    ownerId: fields.optionalId('owner_id'),
    permissions: fields.permissions('permissions'),
    flags: fields.integer('flags'),
  });
}

function channelPatch(fields: Fields): Patch<Omit<Channel, 'id'>> {
  return present({
    ...threadPatch(fields),
    position: fields.integer('position'),
    topic: fields.textOrNull('topic'),
    overwrites: fields.objects('permission_overwrites')?.map(overwrite),
  });
}

function threadPatch(fields: Fields): Patch<Omit<Channel, 'id'>> {
  return present({
    type: fields.integer('type'),
    name: fields.text('name'),
    parentId: fields.idOrNull('parent_id'),
    lastMessageId: fields.idOrNull('last_message_id'),
  });
}

function overwrite(fields: Fields): Overwrite {
  const targetType = fields.integer('type');
  if (targetType !== 0 && targetType !== 1) return fields.wrong('type', 'must be 0 (role) or 1 (member)');
  return {
    targetId: fields.id('id'),
    targetType,
    allow: fields.permissions('allow') ?? 0n,
    deny: fields.permissions('deny') ?? 0n,
  };
}

function rolePatch(fields: Fields): Patch<Omit<Role, 'id'>> {
  return present({
    name: fields.text('name'),
    permissions: fields.permissions('permissions'),
    position: fields.integer('position'),
    color: fields.integer('color'),
    hoist: fields.flag('hoist'),
  });
}

function userPatch(fields: Fields): Patch<Omit<User, 'id'>> {
  return present({
    username: fields.text('username'),
    discriminator: fields.text('discriminator'),
    avatar: fields.textOrNull('avatar'),
    flags: fields.integer('flags'),
    bot: fields.flag('bot'),
    system: fields.flag('system'),
  });
}

function memberPatch(fields: Fields): MemberPatch {
  return present({
    nick: fields.textOrNull('nick'),
    joinedAt: fields.text('joined_at'),
    communicationDisabledUntil: fields.timeOrNull('communication_disabled_until'),
    roleIds: fields.ids('roles'),
  });
}

/** Without the keys whose value is undefined, so that a spread over what is known leaves those alone. */
function present<T extends object>(patch: { [K in keyof T]: T[K] | undefined }): Partial<T> {
  const kept: Partial<T> = {};
  for (const key of Object.keys(patch) as (keyof T)[]) {
    const value = patch[key];
    if (value !== undefined) kept[key] = value as T[typeof key];
  }
  return kept;
}
