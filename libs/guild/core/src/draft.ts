import type { Draft } from '@derailed/audience/core';
import type { Snowflake } from '@derailed/shared/kernel';
import {
  canonicalName,
  Intent,
  PRESENCES_NAMED,
  intentsOfEvent,
  intentsOfNamed,
  isChannelBound,
  isThread,
  Permission,
  permissionGate,
  presenceUpdateJson,
} from '@derailed/shared/protocol';
import type { Change, VoiceChange } from './change';
import type { GuildState } from './guild-state';
import type { Encode, PresenceChanged, Publish } from './messages';
import type { VoiceBoard } from './voice-board';

/** No channel has this id: nobody sees it. */
export const NO_CHANNEL = '0';

/** Whether the event is for those who saw what it takes away: the change is folded behind it. */
export function isEnding({ kind }: Change): boolean {
  return kind === 'channelGone' || kind === 'memberGone' || kind === 'guildGone' || kind === 'voice';
}

/**
 * Who may get an event that is published to a guild.
 * @param state before the event; undefined: there is nobody to get it
 * @param voices before the event
 */
export function draftOf(
  { event, channelId, permissions: named = '' }: Publish,
  change: Change | undefined,
  state: GuildState | undefined,
  voices: Pick<VoiceBoard, 'channelOf'>,
): Draft {
  const name = canonicalName(event.name);
  // Who is named outright is named in place of those whom the event's name stands for.
  const isInvite = named === '' && (name === 'INVITE_CREATE' || name === 'INVITE_DELETE');
  // Without a channel to look at, who manages them all is asked for.
  const gate = isInvite && channelId === '' ? Permission.MANAGE_CHANNELS : permissionGate(event.name);
  return {
    event,
    managesChannel: isInvite && channelId !== '',
    channelId:
      change?.kind === 'voice'
        ? channelOfVoice(change, channelId, state, voices)
        : channelOfChange(event.name, change, channelId, state),
    intents: intentsOfEvent(event.name, true),
    permissions: named !== '' ? named : gate === 0n ? '' : gate.toString(),
    endsUserId: endedUser(change),
    alwaysUserId: change?.kind === 'member' && !change.isNew ? change.userId : '',
    ...(change?.kind === 'threadMembers' && {
      alsoUserIds: [...change.userIds],
      alsoIntents: intentsOfNamed(event.name),
    }),
  };
}

/** PRESENCE_UPDATE, volatile. @param isLarge whether only those get it who named the intent */
export function presenceDraft(
  guildId: Snowflake,
  presence: PresenceChanged,
  isLarge: boolean,
  encode: Encode,
): Draft {
  const { userId, status, activities, clientStatus } = presence;
  const text = presenceUpdateJson({ userId, guildId, status, activities, clientStatus });
  return {
    event: { id: '', name: 'PRESENCE_UPDATE', data: encode(text), own: encode(''), volatile: true },
    intents: isLarge ? PRESENCES_NAMED : Intent.GUILD_PRESENCES,
    aboutUserId: userId,
    aboutOffline: status === 'offline',
  };
}

function channelOfChange(
  name: string,
  change: Change | undefined,
  channelId: Snowflake,
  state: GuildState | undefined,
): Snowflake {
  if (change?.kind === 'channel') return change.id;
  if (change?.kind !== 'channelGone')
    return channelId === '' && isChannelBound(name) ? NO_CHANNEL : channelId;
  if (!change.thread || state?.channels.has(change.id)) return change.id;
  // A thread that the guild never heard of: its channel decides, but of a private thread that says too little.
  const { type, parentId } = change;
  return parentId !== undefined && type !== undefined && isThread(type) && type !== 12
    ? parentId
    : NO_CHANNEL;
}

/**
 * Who is in no channel any more was seen by those who saw the channel that it was in, which the publisher may name, if
 * that is known and still there.
 */
function channelOfVoice(
  { userId, state: now }: VoiceChange,
  named: Snowflake,
  state: GuildState | undefined,
  voices: Pick<VoiceBoard, 'channelOf'>,
): Snowflake {
  if (now !== undefined) return now.channelId;
  if (named !== '') return named;
  const left = voices.channelOf(userId) ?? '';
  return state?.channels.has(left) === true ? left : '';
}

function endedUser(change: Change | undefined): string {
  if (change?.kind === 'memberGone') return change.userId;
  return change?.kind === 'guildGone' && !change.outage ? '*' : '';
}
