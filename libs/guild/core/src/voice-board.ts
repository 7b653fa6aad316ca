import type { Snowflake } from '@derailed/shared/kernel';
import type { GuildSnapshot, VoiceState } from '@derailed/shared/protocol';
import type { GuildState } from './guild-state';
import { type Handover, isHandover } from './handover';

/** Who is in voice, and where, as the events last said. No database knows it. */
export class VoiceBoard {
  private readonly states = new Map<Snowflake, VoiceState>();

  /** @param limit how many are remembered; of further ones events pass, and no GUILD_CREATE tells */
  constructor(private readonly limit: number) {}

  get size(): number {
    return this.states.size;
  }

  channelOf(userId: Snowflake): Snowflake | undefined {
    return this.states.get(userId)?.channelId;
  }

  has(userId: Snowflake): boolean {
    return this.states.has(userId);
  }

  /** @param state undefined: in no channel any more */
  put(userId: Snowflake, state: VoiceState | undefined): void {
    if (state === undefined) this.states.delete(userId);
    else if (this.states.has(userId) || this.states.size < this.limit) this.states.set(userId, state);
  }

  /** @param from what the owner before has handed over, if it has */
  inherit(from: GuildSnapshot | Handover | null): void {
    if (!isHandover(from)) return;
    for (const voice of from.voices) this.put(voice.userId, voice);
  }

  /** The states in those channels. */
  in(channelIds: readonly Snowflake[]): VoiceState[] {
    if (this.states.size === 0) return [];
    const seen = new Set(channelIds);
    return [...this.states.values()].filter(({ channelId }) => seen.has(channelId));
  }

  all(): VoiceState[] {
    return [...this.states.values()];
  }

  userIds(): IterableIterator<Snowflake> {
    return this.states.keys();
  }

  /** Whose member a guild that does not hold all of them does not know. */
  unknownTo({ complete, members }: Pick<GuildState, 'complete' | 'members'>): Snowflake[] {
    if (complete || this.states.size === 0) return [];
    return [...this.states.keys()].filter((userId) => !members.has(userId));
  }

  clear(): void {
    this.states.clear();
  }
}
