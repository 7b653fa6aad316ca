import type { AudienceEvent } from './event';

/**
 * Others than the owner, who tell the next owner which session-nodes are behind. What such a node lacks is not said to be
 * delivered before one of them knows.
 */
export interface Witnesses {
  /** The node is behind until it has the event with the index `needs`; 0: it is no more. Once others know: known(). */
  behind(node: string, needs: number): void;
}

/** A publish whose wait is over: every session-node has it, or is known to be behind. */
export interface Settled<Ticket> {
  readonly ticket: Ticket;
  /** How many sessions have the event. */
  readonly sessions: number;
}

/** What publish() asks of the shell: send `event` to each of `nodes`; call revoke() for a node whose queue is full. */
export interface Publication<Ticket> {
  /** Undefined for a publish that was recognised by its id: nothing is to be sent. */
  readonly event: AudienceEvent | undefined;
  readonly nodes: readonly string[];
  readonly settled: readonly Settled<Ticket>[];
}

/** What a session-node must be sent after it was away: the events it misses, or word that they are lost. */
export interface CatchUp {
  readonly node: string;
  /** Undefined: the log does not reach back; the node is out of the audience (AudienceLost). */
  readonly events: readonly AudienceEvent[] | undefined;
}

export interface Acked<Ticket> {
  readonly settled: readonly Settled<Ticket>[];
  readonly catchUp?: CatchUp;
}
