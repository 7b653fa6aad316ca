export interface AudienceLimits {
  /** How many events, and bytes of them, a session-node that was away can catch up on. */
  readonly logEvents: number;
  readonly logBytes: number;
  /** How many event ids are remembered to recognise a publish that comes again. */
  readonly recentIds: number;
  /** A session-node that leaves an event unacked for longer (ms), and acks nothing else, is revoked: nobody waits for it any more. */
  readonly ackTimeout: number;
  /** One that acks other events meanwhile is waited for so long (ms). */
  readonly ackPatience: number;
  /** How long (ms) a publish waits for somebody to know that a session-node is behind, before it fails. */
  readonly witnessTimeout: number;
}

export const defaultAudienceLimits: AudienceLimits = {
  logEvents: 1024,
  logBytes: 4 * 1024 * 1024,
  recentIds: 4096,
  ackTimeout: 2000,
  ackPatience: 10_000,
  witnessTimeout: 20_000,
};
