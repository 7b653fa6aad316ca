import { type AudienceLimits, defaultAudienceLimits } from '@derailed/audience/core';

export interface GuildLimits extends AudienceLimits {
  /** How many publishes and subscribes wait behind the snapshot; those beyond are UNAVAILABLE. */
  readonly pendingEvents: number;
  /** How many bytes of events wait behind the snapshot. */
  readonly pendingBytes: number;
  /** A guild without subscribers is forgotten after this time (ms). */
  readonly idle: number;
  /** After a failed read of the snapshot the next one starts no sooner than this (ms). */
  readonly loadRetry: number;
  /** How many members are read by one query. */
  readonly memberBatch: number;
  /** How soon (ms) a session-node whose queue was full is tried again. */
  readonly refusedRetry: number;
  /** How long (ms) the subscriptions of a session-node are kept whose link is broken. */
  readonly nodeGrace: number;
  /** Above this many members presences go only where they are asked for: by an intent that was named, or by op 8. */
  readonly largeGuild: number;
  /** How many members in voice are remembered, for GUILD_CREATE and for who is told that they leave. */
  readonly voiceStates: number;
  /** So long (ms) after the last event that may change who sees what the database is read again. */
  readonly reconcileAfter: number;
  /** And about so often (ms) in any case; 0: not. */
  readonly reconcileEvery: number;
}

export const defaultGuildLimits: GuildLimits = {
  ...defaultAudienceLimits,
  pendingEvents: 1024,
  pendingBytes: 8 * 1024 * 1024,
  idle: 300_000,
  loadRetry: 1000,
  memberBatch: 500,
  refusedRetry: 100,
  nodeGrace: 60_000,
  largeGuild: 75_000,
  voiceStates: 5000,
  reconcileAfter: 5000,
  reconcileEvery: 600_000,
};

/** Guilds of at most this many members have all of them in their snapshot: the greatest large_threshold there is. */
export const MEMBERS_IN_SNAPSHOT = 250;
