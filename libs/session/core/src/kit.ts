import type { Rng } from '@derailed/shared/kernel';
import type { Agenda } from './agenda';
import type { IdentifyLimits } from './identify-ledger';
import type { Outbox } from './effects';
import type { NodeRef } from './messages';
import type { Outlets } from './outlets';
import type { ReplayLimits } from './replay-buffer';

/** Times in milliseconds, sizes in bytes. */
export interface SessionLimits {
  readonly replay: ReplayLimits;
  /** Bytes that all replay buffers of the node hold together, before detached sessions end. */
  readonly replayMemory: number;
  readonly resumeWindow: number;
  readonly presenceGrace: number;
  /** Event ids remembered per audience. */
  readonly recentIds: number;
  /** How long an identify waits for its User and the database. */
  readonly identifyWindow: number;
  readonly identifies: IdentifyLimits;
  /** Op 8 requests that are read at once, and that wait. */
  readonly memberRequests: number;
  readonly memberQueue: number;
  /** Between two requests for all members of a guild by one user. */
  readonly memberListInterval: number;
  readonly moves: MoveLimits;
}

/** Of sessions that go to another node. */
export interface MoveLimits {
  /** How many are on their way from here at once. */
  readonly concurrency: number;
  /** Bytes of replay buffers that are on their way from here at once; one session always is. */
  readonly bytes: number;
  /** Milliseconds that the other node may take to subscribe for a session; then it is tried again later. */
  readonly timeout: number;
}

export const defaultSessionLimits: SessionLimits = {
  replay: { events: 4096, bytes: 16 * 1024 * 1024 },
  replayMemory: 1024 ** 3,
  resumeWindow: 180_000,
  presenceGrace: 10_000,
  recentIds: 4096,
  identifyWindow: 10_000,
  identifies: { interval: 5_000, concurrency: 1, perDay: 1000, sessions: 100 },
  memberRequests: 4,
  memberQueue: 1024,
  memberListInterval: 30_000,
  moves: { concurrency: 64, bytes: 8 * 1024 * 1024, timeout: 10_000 },
};

export type OwnerRole = 'session-node' | 'guild-node' | 'presence-node';

/** Where things are: this node, and the rings of the current generation. */
export interface Placement {
  readonly self: NodeRef;
  ownerOf(role: OwnerRole, key: string): string | undefined;
  /** Whether this very start of the node is on the list. Of a static list: whether the node is. */
  isMember(node: NodeRef): boolean;
  /** Of the list. */
  generation(): number;
  /** Other session-nodes that may hold a session of this one's still: none when the list has long been what it is. */
  holders(): readonly string[];
}

/** Totals since the start, for the shell's metrics. */
export interface Counts {
  dispatches: number;
  identifies: number;
  /** Identifies over a limit: op 9. */
  identifiesRefused: number;
  resumes: number;
  resumesRefused: number;
  /** Events recognised by their id and not delivered again. */
  repeats: number;
  /** Sessions that ended because of a limit or a loss, not of their client. */
  sessionsLost: number;
  /** Sessions that went to another node, came from one, and moves that came to nothing and are tried again. */
  movedOut: number;
  movedIn: number;
  movesFailed: number;
  /** Of events that went along, each once. */
  movedBytes: number;
}

export function noCounts(): Counts {
  return {
    dispatches: 0,
    identifies: 0,
    identifiesRefused: 0,
    resumes: 0,
    resumesRefused: 0,
    repeats: 0,
    sessionsLost: 0,
    movedOut: 0,
    movedIn: 0,
    movesFailed: 0,
    movedBytes: 0,
  };
}

/** What every part of the core works with. */
export interface Kit {
  readonly limits: SessionLimits;
  readonly placement: Placement;
  readonly agenda: Agenda;
  readonly outbox: Outbox;
  readonly outlets: Outlets;
  readonly rng: Rng;
  /** UTF-8. The shell's, so that the bytes are of the kind that its wire wants. */
  readonly encode: (text: string) => Uint8Array;
  readonly counts: Counts;
}
