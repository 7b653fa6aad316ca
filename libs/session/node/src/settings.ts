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
};

export type SessionConfig = z.infer<z.ZodObject<typeof sessionSettings>>;

/** The same for the core. */
export function limitsOf(config: SessionConfig): SessionLimits {
  const { replayEvents, replayBytes, replayLimit, identifyDbWindow, ...rest } = config;
  return {
    ...rest,
    replay: { events: replayEvents, bytes: replayBytes },
    replayMemory: replayLimit,
    identifyWindow: identifyDbWindow,
  };
}
