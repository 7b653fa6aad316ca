import type { z } from 'zod';
import { count, duration, setting, size } from '@derailed/platform/config';

/** What a guild-node can be told. */
export const guildSettings = {
  ackTimeout: setting(
    'ACK_TIMEOUT',
    'How long a publish waits for a session-node that acks nothing else; the guild then goes on without that node until it has caught up. One that acks other events is waited for up to 10 s.',
    duration('2s', { min: '50ms' }),
  ),
  logEvents: setting(
    'GUILD_LOG_EVENTS',
    'How many events of a guild a session-node that was away can catch up on.',
    count(1024, { min: 16, max: 1_048_576 }),
  ),
  logBytes: setting(
    'GUILD_LOG_BYTES',
    'How many bytes of events of a guild a session-node that was away can catch up on.',
    size('4M', { min: 65_536 }),
  ),
  recentIds: setting(
    'RECENT_IDS',
    'How many event ids are remembered per guild and per user, to recognise an event that comes again.',
    count(4096, { min: 16, max: 1_048_576 }),
  ),
  idle: setting('GUILD_IDLE', 'A guild without subscribers is forgotten after this time.', duration('5m')),
  pendingEvents: setting(
    'PENDING_LIMIT',
    'How many events and subscribes wait while a guild is read from the database; those beyond are UNAVAILABLE.',
    count(1024, { min: 1, max: 1_048_576 }),
  ),
  pendingBytes: setting(
    'PENDING_BYTES',
    'How many bytes of events wait while a guild is read from the database; those beyond are UNAVAILABLE.',
    size('8M', { min: 1_048_576 }),
  ),
  loadConcurrency: setting(
    'LOAD_CONCURRENCY',
    'How many reads of guilds and members a node has in the database at once; the rest wait.',
    count(4, { min: 1, max: 1024 }),
  ),
  loadRetry: setting(
    'LOAD_RETRY',
    'After a failed read of a guild it is UNAVAILABLE for this time.',
    duration('1s'),
  ),
  memberBatch: setting(
    'MEMBER_BATCH',
    'How many members of a large guild one query reads when their sessions subscribe.',
    count(500, { min: 1, max: 10_000 }),
  ),
  nodeGrace: setting(
    'SESSION_NODE_GRACE',
    'How long the subscriptions of a session-node are kept after its link broke.',
    duration('60s'),
  ),
  largeGuild: setting(
    'LARGE_GUILD',
    'Above so many members a guild tells presences only to clients that named the intent GUILD_PRESENCES, and GUILD_CREATE shows nobody but the own member and those in voice.',
    count(75_000, { max: 100_000_000 }),
  ),
  voiceStates: setting(
    'VOICE_STATES',
    'How many members of a guild in voice are remembered, so that GUILD_CREATE can tell; of further ones only events pass.',
    count(5000, { max: 1_000_000 }),
  ),
  reconcileAfter: setting(
    'RECONCILE_AFTER',
    'So long after the last event that may change who sees what a guild is read again, and who was told something else is told the difference.',
    duration('5s'),
  ),
  reconcileEvery: setting(
    'RECONCILE_EVERY',
    'About so often a guild in use is read again in any case (jittered by half); 0: not.',
    duration('10m'),
  ),
};

export type GuildConfig = z.infer<z.ZodObject<typeof guildSettings>>;
