import { SparseMap } from '@derailed/shared/kernel';

/** A session-node with subscribers. */
export interface NodeState {
  readonly sessions: SparseMap<string, true>;
  /** All up to here is in the replay buffers there. */
  acked: number;
  /** Publishes up to here do not wait for this node: it joined, or was revoked, after them. */
  owesAfter: number;
  /** All up to here was sent. Behind the audience's index only while revoked. */
  sent: number;
  revoked: boolean;
  /** Others know that it is behind, and all up to here was sent to it to catch up on; 0: it lacks nothing. */
  catchesUpTo: number;
  /** While revoked: whether others know that it is behind. Until they do, publishes wait for it. */
  word: 'none' | 'asked' | 'known';
  /** Its link broke, and it has not said since how far it is: what it said last may never have come. */
  away: boolean;
}

/** One that is sent what comes after `index`. */
export function newNode(index: number): NodeState {
  return {
    sessions: new SparseMap(),
    acked: index,
    owesAfter: index,
    sent: index,
    revoked: false,
    catchesUpTo: 0,
    word: 'none',
    away: false,
  };
}
