import type { Snowflake } from '@derailed/shared/kernel';
import type { VoiceChange } from './change';
import type { PresenceChanged } from './messages';
import { PresenceBoard } from './presence-board';
import { VoiceBoard } from './voice-board';

/** What a guild is told of presences. */
export type PresenceNews =
  /** Somebody shows itself otherwise. */
  | { readonly kind: 'one'; readonly presence: PresenceChanged }
  /** All: who is not named is offline. `recent`, of each: whether it was otherwise lately. */
  | {
      readonly kind: 'all';
      readonly presences: readonly PresenceChanged[];
      readonly recent: readonly boolean[];
    }
  /** Clients of a session-node were shown these as not offline, by an owner before. */
  | { readonly kind: 'shown'; readonly userIds: readonly Snowflake[] };

export interface PresenceListener {
  /** Whether anybody is subscribed, or is about to be. */
  isUsed(): boolean;
  /** Whether everybody is there who is to be told: the guild is read, and nobody is on the way from an owner before. */
  isHeard(): boolean;
  tell(presence: PresenceChanged, now: number): void;
}

/**
 * Who of a guild is online and in voice, and what its clients have to be told of that. What was told by an owner before is known to the
 * session-nodes: they say whom their clients take for online.
 */
export class Presences {
  readonly board = new PresenceBoard();
  readonly voices: VoiceBoard;
  /** Whom clients may know otherwise, and are to be told of when they are there. */
  private readonly untold = new Set<Snowflake>();
  /** Whom clients take for online, before the board is whole. */
  private readonly claimed = new Set<Snowflake>();

  /** @param voiceStates how many members in voice are remembered */
  constructor(
    private readonly listener: PresenceListener,
    voiceStates: number,
  ) {
    this.voices = new VoiceBoard(voiceStates);
  }

  /** Whether nobody is online or in voice. */
  get isEmpty(): boolean {
    return this.board.size === 0 && this.voices.size === 0;
  }

  take(news: PresenceNews): void {
    if (news.kind === 'one') this.changed(news.presence);
    else if (news.kind === 'all') this.whole(news.presences, news.recent);
    else this.shown(news.userIds);
  }

  private changed(presence: PresenceChanged): void {
    if (this.board.put(presence) && this.listener.isUsed()) this.untold.add(presence.userId);
  }

  private whole(presences: readonly PresenceChanged[], recent: readonly boolean[]): void {
    for (const userId of this.board.putAll(presences, recent)) this.untold.add(userId);
    this.shown([...this.claimed]);
    this.claimed.clear();
  }

  private shown(userIds: readonly Snowflake[]): void {
    for (const userId of userIds) {
      if (this.board.has(userId)) continue;
      if (this.board.isWhole) this.untold.add(userId);
      else this.claimed.add(userId);
    }
  }

  /** Somebody is elsewhere in voice. @returns the channel that it was in */
  hear({ userId, state }: VoiceChange): Snowflake | undefined {
    const before = this.voices.channelOf(userId);
    this.voices.put(userId, state);
    return before;
  }

  leave(userId: Snowflake): void {
    this.voices.put(userId, undefined);
    this.board.leave(userId);
    this.untold.delete(userId);
    this.claimed.delete(userId);
  }

  /** The user is a member (again). */
  join(userId: Snowflake): void {
    if (this.board.join(userId) !== undefined) this.untold.add(userId);
  }

  /** The guild is no more. */
  clear(): void {
    this.board.clear();
    this.voices.clear();
    this.untold.clear();
    this.claimed.clear();
  }

  /** Tells what is to be told, if everybody is there. */
  settle(now: number): void {
    if (this.untold.size === 0 || !this.listener.isHeard()) return;
    for (const userId of this.untold) {
      const presence = this.board.of(userId);
      if (presence !== undefined) this.listener.tell(presence, now);
    }
    this.untold.clear();
  }
}
