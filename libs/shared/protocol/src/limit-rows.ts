import { limits } from './limits';

/** What a limit means and what becomes of those who pass it. */
export interface LimitRow {
  readonly says: string;
  readonly past: string;
}

/** Every limit of the protocol, for the reference page. */
export const limitRows: Readonly<Record<keyof typeof limits, LimitRow>> = {
  payloadBytes: { says: 'Bytes of one payload from a client.', past: '4002' },
  payloadDepth: { says: 'Levels of objects and lists in one payload from a client.', past: '4002' },
  payloads: { says: 'Payloads of one connection; a fixed window (PAYLOAD_WINDOW).', past: '4008' },
  controlFrames: { says: 'Pings and pongs of one connection.', past: '4008' },
  fragments: { says: 'Frames that one payload may be cut into.', past: '4002' },
  presenceUpdates: { says: 'Op 3 of one connection.', past: 'dropped' },
  identifies: {
    says: 'Identifies of one user over all shards; resumes are free.',
    past: 'op 9 (false), paced',
  },
  sessions: { says: 'Sessions of one user that live at once.', past: 'op 9 (false), paced' },
  guildsPerShard: { says: 'Guilds that one shard may hold.', past: '4011' },
  largeThreshold: { says: '`large_threshold` of Identify.', past: 'moved into the range' },
  presencesInGuild: {
    says: 'Members of a guild that GUILD_CREATE names with their presences.',
    past: 'the own member and those in voice',
  },
  membersPerChunk: { says: 'Members in one GUILD_MEMBERS_CHUNK.', past: 'more chunks' },
  membersPerQuery: { says: 'Members that a search by name answers with.', past: 'left out' },
  requestedMembers: { says: '`user_ids` that one op 8 is answered for.', past: 'left out' },
  nonceBytes: { says: 'Bytes of the `nonce` of op 8.', past: 'answered without it' },
  wholeGuildRequests: { says: 'Op 8 for a whole guild, per guild.', past: 'RATE_LIMITED' },
  heartbeatIntervalMs: {
    says: 'HEARTBEAT_INTERVAL; clients break outside of it.',
    past: 'refused at the start',
  },
  countedHeartbeatMs: {
    says: 'With a shorter heartbeat interval op 1 has a window of its own instead of counting as a payload.',
    past: '',
  },
};
