import { DatabaseUnavailable, type GuildRepository } from '@derailed/platform/persistence';
import type { Logger } from '@derailed/platform/observability';
import { MEMBERS_IN_SNAPSHOT } from '@derailed/guild/core';
import type { Snowflake } from '@derailed/shared/kernel';
import type { GuildSnapshot, Member } from '@derailed/shared/protocol';
import type { ReadOutcome } from './metrics';

export interface ReadCounters {
  readonly snapshots: Readonly<Record<ReadOutcome, { inc(): void }>>;
  readonly members: Readonly<Record<ReadOutcome, { inc(): void }>>;
}

/** Reads of guilds, at most so many at once; the rest wait in order. Undefined: it can't be read now. */
export class GuildReads {
  private running = 0;
  private readonly queue: (() => void)[] = [];

  constructor(
    private readonly repository: Pick<GuildRepository, 'snapshot' | 'snapshotWith' | 'members'>,
    private readonly concurrency: number,
    private readonly counters: ReadCounters,
    private readonly logger: Pick<Logger, 'error'>,
  ) {}

  /** Reads that wait for their turn. */
  get waiting(): number {
    return this.queue.length;
  }

  /** Null: there is no such guild. */
  snapshot(guildId: Snowflake): Promise<GuildSnapshot | null | undefined> {
    return this.read(this.counters.snapshots, () => this.repository.snapshot(guildId, MEMBERS_IN_SNAPSHOT));
  }

  /** What the guild is now, and those of these users who are members, from one moment. */
  again(
    guildId: Snowflake,
    userIds: readonly Snowflake[],
  ): Promise<{ readonly snapshot: GuildSnapshot | null; readonly members: readonly Member[] } | undefined> {
    return this.read(this.counters.snapshots, () =>
      this.repository.snapshotWith(guildId, MEMBERS_IN_SNAPSHOT, userIds),
    );
  }

  members(guildId: Snowflake, userIds: readonly Snowflake[]): Promise<readonly Member[] | undefined> {
    return this.read(this.counters.members, () => this.repository.members(guildId, userIds));
  }

  private async read<T>(counters: ReadCounters['members'], task: () => Promise<T>): Promise<T | undefined> {
    if (this.running >= this.concurrency) await new Promise<void>((resolve) => this.queue.push(resolve));
    else this.running++;
    try {
      const value = await task();
      counters[value === null ? 'absent' : 'read'].inc();
      return value;
    } catch (error) {
      const away = error instanceof DatabaseUnavailable;
      counters[away ? 'unavailable' : 'failed'].inc();
      if (!away) this.logger.error({ err: error }, 'a guild could not be read');
      return undefined;
    } finally {
      // The place goes to the next in line, so that nobody overtakes it.
      const next = this.queue.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }
}
