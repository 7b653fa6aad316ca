import type { PublishLog, SessionHistory } from './history';

/** An event: to the open or the closed channel of a guild, when it was sent and when it was acked. */
export interface Published {
  readonly guild?: number;
  readonly closed?: boolean;
  readonly sentAt: number;
  /** Absent: one millisecond later. 0: never. */
  readonly ackedAt?: number;
}

export function logOf(...events: readonly Published[]): PublishLog {
  return {
    guild: events.map(({ guild = 0 }) => guild),
    closed: events.map(({ closed = false }) => (closed ? 1 : 0)),
    sentAt: events.map(({ sentAt }) => sentAt),
    ackedAt: events.map(({ sentAt, ackedAt = sentAt + 1 }) => ackedAt),
  };
}

/** Client 1, in guild 0 since the time 0. */
export function sessionOf(received: readonly number[], more: Partial<SessionHistory> = {}): SessionHistory {
  return {
    client: 1,
    sessionId: 's1',
    readyAt: 0,
    enteredAt: new Map([[0, 0]]),
    received,
    early: [],
    seqBreaks: [],
    heardAt: 100,
    ...more,
  };
}
