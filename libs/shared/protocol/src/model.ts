import type { Snowflake } from '@derailed/shared/kernel';

/** The platform's things as the gateway knows them: rows of the database, ids as decimal text, permissions as bigint. */
export interface User {
  readonly id: Snowflake;
  readonly username: string;
  readonly discriminator: string;
  readonly avatar: string | null;
  readonly email: string | null;
  readonly flags: number;
  readonly bot: boolean;
  readonly system: boolean;
}

export interface Guild {
  readonly id: Snowflake;
  readonly name: string;
  readonly icon: string | null;
  readonly ownerId: Snowflake;
  /** The guild's own default permissions column; the @everyone role (id = guild id) decides where it exists. */
  readonly permissions: bigint;
  readonly flags: number;
}

export interface Role {
  readonly id: Snowflake;
  readonly name: string;
  readonly permissions: bigint;
  readonly position: number;
  readonly color: number;
  readonly hoist: boolean;
}

export interface Overwrite {
  readonly targetId: Snowflake;
  /** 0: a role, 1: a member. */
  readonly targetType: 0 | 1;
  readonly allow: bigint;
  readonly deny: bigint;
}

export interface Channel {
  readonly id: Snowflake;
  readonly name: string;
  /** As Discord numbers them: 0 text, 2 voice, 4 category, 5 announcement, 10-12 threads (12 private), 13 stage. */
  readonly type: number;
  readonly position: number;
  readonly topic: string | null;
  /** The category, or for a thread its channel. */
  readonly parentId: Snowflake | null;
  readonly lastMessageId: Snowflake | null;
  readonly overwrites: readonly Overwrite[];
}

export interface Member {
  readonly user: User;
  readonly nick: string | null;
  /** ISO 8601. */
  readonly joinedAt: string;
  /** Milliseconds since the Unix epoch; null when not timed out. */
  readonly communicationDisabledUntil: number | null;
  /** Without the @everyone role. */
  readonly roleIds: readonly Snowflake[];
}

/** All of a guild that one transaction saw. */
export interface GuildSnapshot {
  readonly guild: Guild;
  readonly roles: readonly Role[];
  readonly channels: readonly Channel[];
  readonly memberCount: number;
  /** Every member when there are at most as many as asked for; else null, and members are read when needed. */
  readonly members: readonly Member[] | null;
}
