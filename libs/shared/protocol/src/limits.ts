/** What the client protocol itself limits. What an operator may change is a setting of the node instead. */
export const limits = {
  /** Bytes of one payload from a client; over it: 4002. */
  payloadBytes: 4096,
  /** Nesting of one payload from a client; over it: 4002. */
  payloadDepth: 64,
  /** Payloads of one connection per window; over it: 4008. */
  payloads: { count: 120, windowMs: 60_000 },
  /** Pings and unasked pongs of one connection per window; over it: 4008. */
  controlFrames: { count: 120, windowMs: 60_000 },
  /** Frames that one payload may be cut into; over it: 4002. */
  fragments: 64,
  /** Op 3 of one connection per window; over it they are dropped. */
  presenceUpdates: { count: 5, windowMs: 20_000 },
  /** Identifies of a user over all its shards per window. */
  identifies: { count: 1000, windowMs: 86_400_000 },
  /** Sessions of one user that may live at once. */
  sessions: 100,
  /** Guilds that one shard may hold; over it: 4011. */
  guildsPerShard: 2500,
  largeThreshold: { min: 50, max: 250, fallback: 50 },
  /** Members of a guild above which who is not in voice is left out of GUILD_CREATE. */
  presencesInGuild: 75_000,
  /** Members in one GUILD_MEMBERS_CHUNK. */
  membersPerChunk: 1000,
  /** Members that a search by name answers with. */
  membersPerQuery: 100,
  /** user_ids that are answered; those after them are left out. */
  requestedMembers: 100,
  /** Bytes of the nonce of op 8; a longer one is not echoed. */
  nonceBytes: 32,
  /** Op 8 for a whole guild: once per window and guild. */
  wholeGuildRequests: { count: 1, windowMs: 30_000 },
  /** Clients break outside of these (discordeno below, discord.py above). */
  heartbeatIntervalMs: { min: 2000, max: 55_000 },
  /** Below this heartbeat interval heartbeats are not counted as payloads. */
  countedHeartbeatMs: 10_000,
} as const;

/** Versions of the protocol that are served. */
export const apiVersions = [9, 10] as const;
export const defaultApiVersion = 10;
