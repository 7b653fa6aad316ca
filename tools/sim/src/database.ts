import { DatabaseUnavailable } from '@derailed/platform/persistence';
import type { Rng, Snowflake } from '@derailed/shared/kernel';
import type { GuildSnapshot, Member } from '@derailed/shared/protocol';
import type { VirtualProcess } from '@derailed/testing';
import type { Platform } from './platform';

/** How the database of the world is doing. */
export interface DatabaseWeather {
  away: boolean;
  /** How long a read takes on average (ms). */
  latency: number;
}

/**
 * The repositories of one process over the platform's rows. A read sees one moment between its question and its
 * answer, as a transaction does.
 */
export class Database {
  constructor(
    private readonly platform: Platform,
    private readonly weather: DatabaseWeather,
    private readonly process: VirtualProcess,
    private readonly rng: Rng,
  ) {}

  readonly guilds = {
    snapshots: (guildIds: readonly Snowflake[]) =>
      this.read(() => {
        const snapshots = new Map<Snowflake, GuildSnapshot>();
        for (const guildId of guildIds) {
          const snapshot = this.platform.snapshot(guildId);
          if (snapshot !== null) snapshots.set(guildId, snapshot);
        }
        return snapshots;
      }),
    snapshotWith: (guildId: Snowflake, _maxMembers: number, userIds: readonly Snowflake[]) =>
      this.read(() => ({
        snapshot: this.platform.snapshot(guildId),
        members: this.platform.members(guildId, userIds),
        // Its snapshots leave no members out.
        joined: [],
      })),
    members: (guildId: Snowflake, userIds: readonly Snowflake[]) =>
      this.read(() => this.platform.members(guildId, userIds)),
  };

  readonly users = {
    guildCount: (userId: Snowflake) => this.read(() => this.platform.guildsOf(userId).length),
    readiness: (userId: Snowflake) =>
      this.read(() => {
        const user = this.platform.users.get(userId);
        if (user === undefined) return null;
        const guildIds = this.platform.guildsOf(userId);
        return { user, settings: null, guildIds, guildPositions: [], activities: [] };
      }),
  };

  readonly members = {
    count: (guildId: Snowflake) => this.read(() => this.all(guildId).length),
    page: (guildId: Snowflake, { afterUserId = '0', limit }: { afterUserId?: string; limit: number }) =>
      this.read(() =>
        this.all(guildId)
          .filter(({ user: { id } }) => BigInt(id) > BigInt(afterUserId))
          .slice(0, limit),
      ),
    search: (guildId: Snowflake, query: string, limit: number) =>
      this.read(() =>
        this.all(guildId)
          .filter(({ user: { username } }) => username.startsWith(query))
          .slice(0, limit),
      ),
    byIds: (guildId: Snowflake, userIds: readonly Snowflake[]) =>
      this.read(() => this.platform.members(guildId, userIds)),
  };

  private all(guildId: Snowflake): Member[] {
    return this.platform.members(guildId, [...(this.platform.guild(guildId)?.members.keys() ?? [])]);
  }

  private read<T>(look: () => T): Promise<T> {
    const { clock } = this.process;
    const takes = this.weather.latency * 2 * this.rng.next();
    const seenAfter = takes * this.rng.next();
    return new Promise((resolve, reject) => {
      clock.after(seenAfter, () => {
        if (this.weather.away) return reject(new DatabaseUnavailable(new Error('the database is away')));
        const seen = look();
        clock.after(takes - seenAfter, () => resolve(seen));
      });
    });
  }
}
