import type { Event } from '@derailed/audience/core';
import {
  guildCreateOwn,
  guildCreateShared,
  Intent,
  isThread,
  type Member,
  memberJson,
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
  { intents, largeThreshold }: Subscribe,
  showsOthers: boolean,
): string {
  const { memberCount } = state;
  const large = memberCount > largeThreshold;
  const base = { joinedAt: member.joinedAt, memberCount, large };
  if ((intents & Intent.GUILD_PRESENCES) === 0 || !showsOthers) {
    const own = presences.get(member.user.id);
    return guildCreateOwn({
      ...base,
      members: [memberJson(member)],
      presences: own === undefined ? [] : [own],
    });
  }
  const members = large ? notableMembers(state, presences, member) : state.members.values();
  return guildCreateOwn({ ...base, members: [...members].map(memberJson), presences: presences.all() });
}

/** Of a large guild: who is online, has a role or a nick, as far as it is known here; and oneself. */
function notableMembers(state: GuildState, presences: PresenceBoard, own: Member): Member[] {
  return [...state.members.values()].filter(
    (member) =>
      member === own || member.roleIds.length > 0 || member.nick !== null || presences.has(member.user.id),
  );
}
