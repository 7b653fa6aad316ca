/** What connections of a node have in common; times in milliseconds. */
export interface ConnectionSettings {
  readonly heartbeatInterval: number;
  /** From the upgrade, or from op 9, until an Identify or Resume arrives. */
  readonly identifyTimeout: number;
  /** From an Identify or Resume until its session is bound. */
  readonly identifyDeadline: number;
  /** How long the window for payloads is. */
  readonly payloadWindow: number;
  /** Whether `compress=zstd-stream` can be served. */
  readonly zstd: boolean;
}

/** A client is gone when it has not beaten for this many intervals. */
export const heartbeatsMissed = 1.75;

/** Waits between tries of an auth service that is away. */
export const authBackoff = { firstMs: 250, factor: 2, maxMs: 4000 } as const;
