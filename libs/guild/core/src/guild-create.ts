import type { Event } from '@derailed/audience/core';
import {
  guildCreateOwn,
  guildCreateShared,
  Intent,
  isThread,
  type Member,
  memberJson,
  presenceUpdateJson,
} from '@derailed/shared/protocol';
import type { ClassView } from './classes';
import type { GuildState } from './guild-state';
import type { Encode, Subscribe } from './messages';
import type { PresenceBoard } from './presence-board';

/**
 * Makes GUILD_CREATE. What members of a class share is written once per class and version of the guild; what a
 * session has for itself follows it.
 */
export class GuildCreateTexts {
  private readonly shared = new WeakMap<ClassView, { readonly version: number; readonly data: Uint8Array }>();

  /** @param largeGuild above so many members nobody is shown but the session's own member */
  constructor(
    private readonly encode: Encode,
    private readonly largeGuild: number,
  ) {}

  /** The shared data as the class sees it; the same object as long as neither has changed. */
  data(state: GuildState, view: ClassView, version: number): Uint8Array {
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

  /** @param data undefined: the session-node has it */
  event(
    state: GuildState,
    presences: PresenceBoard,
    member: Member,
    request: Subscribe,
    data: Uint8Array | undefined,
  ): Event {
    const isOpen = state.memberCount <= this.largeGuild;
    const own = this.encode(ownText(state, presences, member, request, isOpen));
    return { id: '', name: 'GUILD_CREATE', data: data ?? this.encode(''), own, volatile: false };
  }
}

function ownText(
  state: GuildState,
  presences: PresenceBoard,
  member: Member,
  request: Subscribe,
  showsOthers: boolean,
): string {
  const { intents, largeThreshold } = request;
  const { memberCount } = state;
  const large = memberCount > largeThreshold;
  const base = { joinedAt: member.joinedAt, memberCount, large };
  if ((intents & Intent.GUILD_PRESENCES) === 0 || !showsOthers) {
    const own = presences.get(member.user.id) ?? ownPresence(request);
    return guildCreateOwn({ ...base, members: [memberJson(member)], presences: own === '' ? [] : [own] });
  }
  const members = large ? notableMembers(state, presences, member) : state.members.values();
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

/** Of a large guild: who is online, has a role or a nick, as far as it is known here; and oneself. */
function notableMembers(state: GuildState, presences: PresenceBoard, own: Member): Member[] {
  return [...state.members.values()].filter(
    (member) =>
      member === own || member.roleIds.length > 0 || member.nick !== null || presences.has(member.user.id),
  );
}
