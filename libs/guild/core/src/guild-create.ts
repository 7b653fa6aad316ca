import type { Event } from '@derailed/audience/core';
import type { Snowflake } from '@derailed/shared/kernel';
import {
  guildCreateOwn,
  guildCreateShared,
  Intent,
  isThread,
  type Member,
  memberJson,
  presenceUpdateJson,
  type VoiceState,
  voiceStateJson,
} from '@derailed/shared/protocol';
import type { ClassView } from './classes';
import type { GuildModel } from './guild-model';
import type { GuildState } from './guild-state';
import type { Encode, Subscribe } from './messages';
import type { PresenceBoard } from './presence-board';
import type { Presences } from './presences';

type Loaded = Pick<GuildModel, 'state' | 'version'>;

/**
 * Makes GUILD_CREATE. What members of a class share is written once per class and version of the guild; what a
 * session has for itself follows it.
 */
export class GuildCreateTexts {
  private readonly shared = new WeakMap<ClassView, { readonly version: number; readonly data: Uint8Array }>();

  /** @param largeGuild above so many members nobody is shown but the session's own member and those in voice */
  constructor(
    private readonly encode: Encode,
    private readonly largeGuild: number,
  ) {}

  /** The shared data as the class sees it; the same object as long as neither has changed. */
  private data({ state, version }: Loaded, view: ClassView): Uint8Array {
    const known = this.shared.get(view);
    if (known?.version === version) return known.data;
    const channels = view.sight.channelIds.flatMap((id) => state.channels.get(id) ?? []);
    const text = guildCreateShared(
      state.guild,
      [...state.roles.values()],
      channels.filter(({ type }) => !isThread(type)),
      channels.filter(({ type }) => isThread(type)),
    );
    const data = this.encode(text);
    this.shared.set(view, { version, data });
    return data;
  }

  /**
   * @param view what the member sees
   * @param isHeld whether the session-node has the shared data of this class and version
   */
  event(
    guild: Loaded,
    presences: Pick<Presences, 'board' | 'voices'>,
    member: Member,
    view: ClassView,
    request: Subscribe,
    isHeld: boolean,
  ): Event {
    const { state } = guild;
    const isOpen = state.memberCount <= this.largeGuild;
    // Whoever is in voice is shown as a member too, or libraries raise: the guild has read who is not here for this.
    const voices = presences.voices
      .in(view.sight.channelIds)
      .filter(({ userId }) => state.members.has(userId));
    const own = this.encode(ownText(state, presences.board, voices, member, request, isOpen));
    return {
      id: '',
      name: 'GUILD_CREATE',
      data: isHeld ? this.encode('') : this.data(guild, view),
      own,
      volatile: false,
    };
  }
}

function ownText(
  state: GuildState,
  presences: PresenceBoard,
  voices: readonly VoiceState[],
  member: Member,
  request: Subscribe,
  showsOthers: boolean,
): string {
  const { intents, largeThreshold } = request;
  const { memberCount } = state;
  const large = memberCount > largeThreshold;
  const base = { joinedAt: member.joinedAt, memberCount, large, voiceStates: voices.map(voiceStateJson) };
  const speaking = new Set(voices.map(({ userId }) => userId));
  if ((intents & Intent.GUILD_PRESENCES) === 0 || !showsOthers) {
    speaking.delete(member.user.id);
    const others = [...speaking].flatMap((userId) => state.members.get(userId) ?? []);
    const own = presences.get(member.user.id) ?? ownPresence(request);
    const shown = [own, ...[...speaking].map((userId) => presences.get(userId) ?? '')];
    return guildCreateOwn({
      ...base,
      members: [member, ...others].map(memberJson),
      presences: shown.filter((text) => text !== ''),
    });
  }
  const members = large ? notableMembers(state, presences, speaking, member) : state.members.values();
  const shown = presences.all();
  const own = presences.has(member.user.id) ? '' : ownPresence(request);
  if (own !== '') shown.push(own);
  return guildCreateOwn({ ...base, members: [...members].map(memberJson), presences: shown });
}

/** How a session sees itself whom nobody else sees: it is invisible, or its presence is still on its way. */
function ownPresence({ userId, presence }: Subscribe): string {
  if (presence === undefined) return '';
  const { status, activities, client } = presence;
  return presenceUpdateJson({
    userId,
    status,
    activities,
    clientStatus: JSON.stringify({ [client]: status }),
  });
}

/** Of a large guild: who is online, in voice, has a role or a nick, as far as it is known here; and oneself. */
function notableMembers(
  state: GuildState,
  presences: PresenceBoard,
  speaking: ReadonlySet<Snowflake>,
  own: Member,
): Member[] {
  return [...state.members.values()].filter(
    (member) =>
      member === own ||
      member.roleIds.length > 0 ||
      member.nick !== null ||
      presences.has(member.user.id) ||
      speaking.has(member.user.id),
  );
}
