import { DatabaseUnavailable, type GuildRepository } from '@derailed/platform/persistence';
import type { Logger } from '@derailed/platform/observability';
import { MEMBERS_IN_SNAPSHOT, type Reread } from '@derailed/guild/core';
import type { Snowflake } from '@derailed/shared/kernel';
import type { GuildSnapshot, Member } from '@derailed/shared/protocol';
import type { ReadOutcome } from './metrics';

export interface ReadCounters {
  readonly snapshots: Readonly<Record<ReadOutcome, { inc(): void }>>;
  readonly members: Readonly<Record<ReadOutcome, { inc(): void }>>;
}

interface WaitingGuild {
  readonly guildId: Snowflake;
  readonly resolve: (snapshot: GuildSnapshot | null | undefined) => void;
}

/** Guilds whose snapshots one transaction reads: a few thousand members at most. */
const guildsPerRead = 16;

/**
 * Reads of guilds, at most so many at once; the rest wait in order, and snapshots that wait are read together.
 * Undefined: it can't be read now.
 */
export class GuildReads {
  private running = 0;
  private readonly queue: (() => void)[] = [];
  /** Snapshots that wait for the same turn, while there is room for more. */
  private gathering: WaitingGuild[] | undefined;

  constructor(
    private readonly repository: Pick<GuildRepository, 'snapshots' | 'snapshotWith' | 'members'>,
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
    return new Promise((resolve) => {
      const waiting = { guildId, resolve };
      if (this.gathering !== undefined) {
        this.gathering.push(waiting);
        if (this.gathering.length === guildsPerRead) this.gathering = undefined;
        return;
      }
      const together = [waiting];
      if (this.running >= this.concurrency) this.gathering = together;
      void this.inTurn(() => {
        if (this.gathering === together) this.gathering = undefined;
        return this.readTogether(together);
      });
    });
  }

  /** What the guild is now, those of these users who are members, and who has joined since, from one moment. */
  again(guildId: Snowflake, userIds: readonly Snowflake[], joinedSince: number): Promise<Reread | undefined> {
    return this.inTurn(() =>
      this.counted(this.counters.snapshots, () =>
        this.repository.snapshotWith(guildId, MEMBERS_IN_SNAPSHOT, userIds, joinedSince),
      ),
    );
  }

  members(guildId: Snowflake, userIds: readonly Snowflake[]): Promise<readonly Member[] | undefined> {
    return this.inTurn(() =>
      this.counted(this.counters.members, () => this.repository.members(guildId, userIds)),
    );
  }

  private async readTogether(guilds: readonly WaitingGuild[]): Promise<void> {
    const ids = guilds.map(({ guildId }) => guildId);
    try {
      const found = await this.repository.snapshots(ids, MEMBERS_IN_SNAPSHOT);
      for (const { guildId, resolve } of guilds) {
        const snapshot = found.get(guildId) ?? null;
        this.counters.snapshots[snapshot === null ? 'absent' : 'read'].inc();
        resolve(snapshot);
      }
    } catch (error) {
      // What is wrong with one guild is not wrong with those that wait with it.
      if (guilds.length > 1 && !(error instanceof DatabaseUnavailable)) {
        for (const guild of guilds) await this.readTogether([guild]);
        return;
      }
      for (const { resolve } of guilds) {
        this.failed(this.counters.snapshots, error);
        resolve(undefined);
      }
    }
  }

  private async counted<T>(
    counters: ReadCounters['members'],
    task: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      const value = await task();
      counters[value === null ? 'absent' : 'read'].inc();
      return value;
    } catch (error) {
      this.failed(counters, error);
      return undefined;
    }
  }

  private failed(counters: ReadCounters['members'], error: unknown): void {
    const away = error instanceof DatabaseUnavailable;
    counters[away ? 'unavailable' : 'failed'].inc();
    if (!away) this.logger.error({ err: error }, 'a guild could not be read');
  }

  /** @param task never rejects */
  private async inTurn<T>(task: () => Promise<T>): Promise<T> {
    if (this.running >= this.concurrency) await new Promise<void>((resolve) => this.queue.push(resolve));
    else this.running++;
    try {
      return await task();
    } finally {
      // The place goes to the next in line, so that nobody overtakes it.
      const next = this.queue.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }
}
