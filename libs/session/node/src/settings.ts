import { type z } from 'zod';
import type { SessionLimits } from '@derailed/session/core';
import { count, duration, setting, size } from '@derailed/platform/config';

/** What a session-node can be told. */
export const sessionSettings = {
  resumeWindow: setting(
    'RESUME_WINDOW',
    'How long a session waits for its client to resume.',
    duration('180s', { min: '1s' }),
  ),
  replayEvents: setting(
    'REPLAY_EVENTS',
    'How many dispatches a session keeps for a resume.',
    count(4096, { min: 64, max: 1_048_576 }),
  ),
  replayBytes: setting(
    'REPLAY_BYTES',
    'How many bytes of dispatches a session keeps for a resume.',
    size('16M', { min: 65_536 }),
  ),
  replayLimit: setting(
    'REPLAY_LIMIT',
    'Bytes of dispatches that all sessions of a node keep; over it the sessions that were dropped longest ago end.',
    size('1G', { min: 1_048_576 }),
  ),
  presenceGrace: setting(
    'PRESENCE_GRACE',
    'How long a dropped session still counts as online.',
    duration('10s'),
  ),
  recentIds: setting(
    'RECENT_IDS',
    'How many event ids are remembered per guild and per user, to recognise an event that comes again.',
    count(4096, { min: 16, max: 1_048_576 }),
  ),
  identifyDbWindow: setting(
    'IDENTIFY_DB_WINDOW',
    'How long an identify waits for the database before its connection closes with 4000.',
    duration('10s', { max: '14s' }),
  ),
  identifyInterval: setting(
    'IDENTIFY_INTERVAL',
    'How long a bot waits between two identifies with the same key, shard id modulo IDENTIFY_CONCURRENCY; sooner ones get op 9 when the key is free. 0: no waiting.',
    duration('5s', { max: '1m' }),
  ),
  identifyConcurrency: setting(
    'IDENTIFY_CONCURRENCY',
    'max_concurrency of GET /gateway/bot: how many shards of a bot may identify at once.',
    count(1, { min: 1, max: 65_536 }),
  ),
  identifiesPerDay: setting(
    'IDENTIFIES_PER_DAY',
    'How often a bot may identify in 24 hours, over all its shards; further identifies get op 9 (false).',
    count(1000, { min: 1, max: 4_294_967_295 }),
  ),
  sessionsPerUser: setting(
    'SESSIONS_PER_USER',
    'How many sessions of one user live at once, those that wait for a resume included; further identifies get op 9 (false).',
    count(100, { min: 1, max: 1_000_000 }),
  ),
  memberRequests: setting(
    'MEMBER_REQUESTS',
    'How many op 8 requests a node answers at once.',
    count(4, { min: 1, max: 1024 }),
  ),
  memberQueue: setting(
    'MEMBER_QUEUE',
    'How many op 8 requests a node lets wait; one more is answered with RATE_LIMITED.',
    count(1024, { max: 1_048_576 }),
  ),
  memberListInterval: setting(
    'MEMBER_LIST_INTERVAL',
    'How often a user may request all members of a guild (op 8); sooner requests are answered with RATE_LIMITED. 0: as often as wanted.',
    duration('30s', { max: '1h' }),
  ),
  moveConcurrency: setting(
    'MOVE_CONCURRENCY',
    'How many sessions a node sends to their new owners at once, when the list of nodes has changed.',
    count(64, { min: 1, max: 1024 }),
  ),
  moveBytes: setting(
    'MOVE_BYTES',
    'Bytes of replay buffers that are on their way to other nodes at once; one session always is.',
    size('8M', { min: 65_536 }),
  ),
  moveTimeout: setting(
    'MOVE_TIMEOUT',
    'How long a node may take to make ready for a session that moves there; then it is tried again.',
    duration('10s', { min: '100ms', max: '1m' }),
  ),
};

export type SessionConfig = z.infer<z.ZodObject<typeof sessionSettings>>;

/** The same for the core. */
export function limitsOf(config: SessionConfig): SessionLimits {
  const { replayEvents, replayBytes, replayLimit, identifyDbWindow, ...others } = config;
  const { moveConcurrency, moveBytes, moveTimeout, ...stays } = others;
  const { identifyInterval, identifyConcurrency, identifiesPerDay, sessionsPerUser, ...rest } = stays;
  return {
    ...rest,
    identifies: {
      interval: identifyInterval,
      concurrency: identifyConcurrency,
      perDay: identifiesPerDay,
      sessions: sessionsPerUser,
    },
    replay: { events: replayEvents, bytes: replayBytes },
    replayMemory: replayLimit,
    identifyWindow: identifyDbWindow,
    moves: { concurrency: moveConcurrency, bytes: moveBytes, timeout: moveTimeout },
  };
}
