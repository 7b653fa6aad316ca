import type { Draft } from '@derailed/audience/core';
import type { Snowflake } from '@derailed/shared/kernel';
import {
  type Channel,
  channelJson,
  guildUpdateJson,
  Intent,
  isThread,
  type Member,
  memberJson,
  roleJson,
  userJson,
} from '@derailed/shared/protocol';
import type { GuildState } from './guild-state';
import type { Encode } from './messages';

/** Drafts in the order of the stream. */
export interface StateNews {
  /** For those who saw what is no more: before anybody's sight changes. */
  readonly gone: readonly Draft[];
  /** For those who see it now. */
  readonly changed: readonly Draft[];
}

/**
 * What the database says of a guild that no event told: its name and owner, roles, members, and what is different about
 * channels. Which channels come into sight and go out of it is for `sightNews` to say.
 */
export function stateNews(
  guildId: Snowflake,
  before: GuildState,
  after: GuildState,
  encode: Encode,
): StateNews {
  const draft = (name: string, json: string, more: Partial<Draft> = {}): Draft => ({
    event: { id: '', name, data: encode(json), own: encode(''), volatile: false },
    intents: Intent.GUILDS,
    ...more,
  });
  const ofMember = { intents: Intent.GUILD_MEMBERS };
  const inGuild = (json: string): string => `{"guild_id":"${guildId}",${json.slice(1)}`;
  const gone: Draft[] = [];
  const changed: Draft[] = [];

  for (const thread of before.channels.values())
    if (isThread(thread.type) && !after.channels.has(thread.id))
      gone.push(draft('THREAD_DELETE', threadGone(guildId, thread), { channelId: thread.id }));

  if (saidOfGuild(before) !== saidOfGuild(after))
    changed.push(draft('GUILD_UPDATE', guildUpdateJson(after.guild, [...after.roles.values()])));
  for (const role of after.roles.values()) {
    const known = before.roles.get(role.id);
    const json = roleJson(role);
    if (known !== undefined && roleJson(known) === json) continue;
    const name = known === undefined ? 'GUILD_ROLE_CREATE' : 'GUILD_ROLE_UPDATE';
    changed.push(draft(name, `{"guild_id":"${guildId}","role":${json}}`));
  }
  for (const id of new Set([...before.roles.keys(), ...before.doubtfulRoleIds]))
    if (!after.roles.has(id))
      changed.push(draft('GUILD_ROLE_DELETE', `{"guild_id":"${guildId}","role_id":"${id}"}`));
  for (const channel of after.channels.values()) {
    const known = before.channels.get(channel.id);
    if (known === undefined || saidOfChannel(known) === saidOfChannel(channel)) continue;
    const name = isThread(channel.type) ? 'THREAD_UPDATE' : 'CHANNEL_UPDATE';
    changed.push(draft(name, channelJson(channel, guildId), { channelId: channel.id }));
  }
  for (const [userId, member] of after.members) {
    const known = before.members.get(userId);
    if (known !== undefined && saidOfMember(known) !== saidOfMember(member))
      changed.push(
        draft('GUILD_MEMBER_UPDATE', inGuild(memberJson(member)), { ...ofMember, alwaysUserId: userId }),
      );
    else if (known === undefined && before.complete && after.complete)
      changed.push(draft('GUILD_MEMBER_ADD', inGuild(memberJson(member)), ofMember));
  }
  if (before.complete && after.complete)
    for (const [userId, { user }] of before.members)
      if (!after.members.has(userId))
        changed.push(
          draft('GUILD_MEMBER_REMOVE', `{"guild_id":"${guildId}","user":${userJson(user)}}`, ofMember),
        );
  return { gone, changed };
}

function saidOfGuild({ guild: { name, icon, ownerId } }: GuildState): string {
  return JSON.stringify([name, icon, ownerId]);
}

/** Without its last message, of which no event of the channel tells; overwrites have no order. */
function saidOfChannel(channel: Channel): string {
  const overwrites = [...channel.overwrites].sort((one, other) => (one.targetId < other.targetId ? -1 : 1));
  return channelJson({ ...channel, lastMessageId: null, overwrites }, '');
}

/** When it joined is written in more ways than one. */
function saidOfMember({ user, nick, roleIds, communicationDisabledUntil: until }: Member): string {
  return JSON.stringify([user.username, user.avatar, nick, [...roleIds].sort(), until]);
}

function threadGone(guildId: Snowflake, { id, type, parentId }: Channel): string {
  return JSON.stringify({ id, guild_id: guildId, parent_id: parentId, type });
}
