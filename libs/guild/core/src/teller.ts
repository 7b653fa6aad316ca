import type { Draft } from '@derailed/audience/core';
import type { Snowflake } from '@derailed/shared/kernel';
import { Intent } from '@derailed/shared/protocol';
import type { ClassView, Reclassing } from './classes';
import type { Delivery } from './delivery';
import { NO_CHANNEL, presenceDraft } from './draft';
import type { StateChange, VoiceChange } from './change';
import type { GuildState } from './guild-state';
import type { Encode, PresenceChanged } from './messages';
import { type ChannelsAround, sightNews } from './sight-news';
import { stateNews } from './state-news';

/** Of a change that touches no channel. */
export function around({ channels }: GuildState): ChannelsAround {
  return { now: channels, was: (id) => channels.get(id) };
}

/** Of a change that is about to be folded. What a published CHANNEL_CREATE or CHANNEL_DELETE tells is not told again. */
export function aroundChange(change: StateChange, { channels }: GuildState): ChannelsAround {
  const isTold = change.kind === 'channelGone' || (change.kind === 'channel' && change.isNew);
  const channel = change.kind === 'channel' ? channels.get(change.id) : undefined;
  return {
    now: channels,
    was: (id) => (id === channel?.id ? channel : channels.get(id)),
    told: isTold ? change.id : undefined,
  };
}

/** What the guild itself has to say in its stream. */
export class Teller {
  constructor(
    private readonly guildId: Snowflake,
    private readonly delivery: Delivery,
    private readonly encode: Encode,
    private readonly largeGuild: number,
  ) {}

  /** From the next event on; those who gain or lose sight of channels are told first. */
  reclass(change: Reclassing, channels: ChannelsAround, now: number): void {
    if (change.redefined.length === 0 && change.moved.length === 0) return;
    this.delivery.reclass(change);
    const news = sightNews(this.guildId, change, channels, this.delivery.subscribers, this.encode);
    for (const draft of news) this.announce(draft, now);
  }

  /** The database has another state than was known. @param adopt goes over to it */
  learn(before: GuildState, after: GuildState, adopt: () => Reclassing, now: number): void {
    const news = stateNews(this.guildId, before, after, this.encode);
    for (const draft of news.gone) this.announce(draft, now);
    const was = (id: Snowflake) => before.channels.get(id) ?? after.channels.get(id);
    this.reclass(adopt(), { now: after.channels, was }, now);
    for (const draft of news.changed) this.announce(draft, now);
  }

  /** @returns its index */
  announce(draft: Draft, now: number): number {
    const publication = this.delivery.index(draft, undefined, now);
    if (publication?.event === undefined) return 0;
    this.delivery.broadcast(publication);
    return publication.event.index;
  }

  /**
   * Somebody in voice is in another channel. Who saw it in the one before and does not see it in this one, which alone
   * the event was for, is told that it has left.
   * @param before where it was; undefined: that is not known
   */
  movedInVoice(
    { userId, state, data }: VoiceChange,
    before: Snowflake | undefined,
    views: Iterable<ClassView>,
    now: number,
  ): void {
    if (before === undefined || state === undefined || before === state.channelId) return;
    const classIds: number[] = [];
    for (const { id, sight } of views)
      if (sight.channelIds.includes(before) && !sight.channelIds.includes(state.channelId)) classIds.push(id);
    if (classIds.length === 0) return;
    const text = JSON.stringify({ ...data, user_id: userId, channel_id: null });
    const event = {
      id: '',
      name: 'VOICE_STATE_UPDATE',
      data: this.encode(text),
      own: this.encode(''),
      volatile: false,
    };
    this.announce({ event, channelId: NO_CHANNEL, intents: Intent.GUILD_VOICE_STATES, classIds }, now);
  }

  /** How a member is. @param members how many the guild has */
  show(presence: PresenceChanged, members: number, now: number): void {
    if (!this.delivery.subscribers.wantPresences) return;
    const isLarge = members > this.largeGuild;
    this.announce(presenceDraft(this.guildId, presence, isLarge, this.encode), now);
  }

  /** The user (`*`: everybody) is no member, and no event said so. @returns the index at which its subscriptions end */
  expel(userId: Snowflake, now: number): number {
    const data = this.encode(JSON.stringify({ guild_id: this.guildId, user: { id: userId } }));
    const event = { id: '', name: 'GUILD_MEMBER_REMOVE', data, own: this.encode(''), volatile: false };
    return this.announce({ event, channelId: NO_CHANNEL, endsUserId: userId }, now);
  }
}
