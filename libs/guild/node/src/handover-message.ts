import type { Handover } from '@derailed/guild/core';
import type {
  GuildState,
  StateOfChannel,
  StateOfMember,
  StateOfOverwrite,
  StateOfRole,
  StateOfVoice,
} from '@derailed/shared/contract';
import type { Channel, Member, Overwrite, Role, VoiceState } from '@derailed/shared/protocol';

/** A Handover as nodes say it to each other: SQL's null is an absent field, permissions are decimal text. */
export function writeHandover(handover: Handover): GuildState {
  const { guild, roles, channels, memberCount, members, known, voices } = handover;
  return {
    guild: { ...guild, icon: guild.icon ?? undefined, permissions: String(guild.permissions) },
    roles: roles.map((role) => ({ ...role, permissions: String(role.permissions) })),
    channels: channels.map(writeChannel),
    memberCount,
    complete: members !== null,
    members: (members ?? known).map(writeMember),
    voices: voices.map((voice) => ({ ...voice, requestToSpeak: voice.requestToSpeak ?? undefined })),
    readAt: handover.readAt,
    unread: handover.unread,
  };
}

/** Undefined: it lacks its guild. */
export function readHandover(state: GuildState): Handover | undefined {
  const { guild, complete } = state;
  if (guild === undefined) return undefined;
  const members = state.members.flatMap((member) => readMember(member) ?? []);
  return {
    guild: { ...guild, icon: guild.icon ?? null, permissions: BigInt(guild.permissions) },
    roles: state.roles.map(readRole),
    channels: state.channels.map(readChannel),
    memberCount: state.memberCount,
    members: complete ? members : null,
    known: complete ? [] : members,
    voices: state.voices.map(readVoice),
    readAt: state.readAt,
    unread: state.unread,
  };
}

function writeChannel(channel: Channel): StateOfChannel {
  const { topic, parentId, lastMessageId, overwrites } = channel;
  return {
    ...channel,
    topic: topic ?? undefined,
    parentId: parentId ?? undefined,
    lastMessageId: lastMessageId ?? undefined,
    overwrites: overwrites.map(({ allow, deny, ...target }) => ({
      ...target,
      allow: String(allow),
      deny: String(deny),
    })),
  };
}

function readChannel(channel: StateOfChannel): Channel {
  const { topic, parentId, lastMessageId, overwrites } = channel;
  return {
    ...channel,
    topic: topic ?? null,
    parentId: parentId ?? null,
    lastMessageId: lastMessageId ?? null,
    overwrites: overwrites.map(readOverwrite),
  };
}

function readOverwrite({ targetId, targetType, allow, deny }: StateOfOverwrite): Overwrite {
  return { targetId, targetType: targetType === 0 ? 0 : 1, allow: BigInt(allow), deny: BigInt(deny) };
}

function readRole(role: StateOfRole): Role {
  return { ...role, permissions: BigInt(role.permissions) };
}

function writeMember(member: Member): StateOfMember {
  const { user, nick, communicationDisabledUntil, roleIds } = member;
  return {
    ...member,
    user: { ...user, avatar: user.avatar ?? undefined, email: user.email ?? undefined },
    nick: nick ?? undefined,
    communicationDisabledUntil: communicationDisabledUntil ?? undefined,
    roleIds: [...roleIds],
  };
}

function readMember(member: StateOfMember): Member | undefined {
  const { user, nick, communicationDisabledUntil } = member;
  if (user === undefined) return undefined;
  return {
    ...member,
    user: { ...user, avatar: user.avatar ?? null, email: user.email ?? null },
    nick: nick ?? null,
    communicationDisabledUntil: communicationDisabledUntil ?? null,
  };
}

function readVoice(voice: StateOfVoice): VoiceState {
  return { ...voice, requestToSpeak: voice.requestToSpeak ?? null };
}
