/** What was published. Events have numbers from 0, and were published to their guild in the order of these. */
export interface PublishLog {
  /** By event: the number of its guild. */
  readonly guild: ArrayLike<number>;
  /** By event: 1 when it went to the closed channel. */
  readonly closed: ArrayLike<number>;
  /** By event: when it was first sent; 0: never. Milliseconds, one clock for all processes. */
  readonly sentAt: ArrayLike<number>;
  /** By event: when its ack came; 0: never. */
  readonly ackedAt: ArrayLike<number>;
}

/** A sequence number that was not the next one. */
export interface SeqBreak {
  readonly expected: number;
  readonly got: number;
  readonly at: number;
}

/** One session as its client lived it, from READY to its end or to the end of the run. */
export interface SessionHistory {
  readonly client: number;
  readonly sessionId: string;
  readonly readyAt: number;
  /** By number of the guild: when GUILD_CREATE came first. */
  readonly enteredAt: ReadonlyMap<number, number>;
  /** Numbers of events in the order in which they came. */
  readonly received: ArrayLike<number>;
  /** Events that came before the GUILD_CREATE of their guild. */
  readonly early: readonly number[];
  readonly seqBreaks: readonly SeqBreak[];
  /** When the last dispatch came. */
  readonly heardAt: number;
  /** Absent: it lived to the end of the run. */
  readonly end?: { readonly at: number; readonly why: string };
}

/** Something that was done to a node, or that a node did by itself. Times on the clock of the histories. */
export interface Incident {
  readonly action: 'kill' | 'stop' | 'drain' | 'exit';
  readonly role: string;
  readonly nth: number;
  readonly at: number;
  /** When it was in service again; stop: when it was woken. */
  readonly until: number;
  /** Of a session-node: the sessions that it had. */
  readonly sessions?: number;
}

export type ViolationKind =
  /** Acked, visible to a session that lived, and never there. */
  | 'lost'
  /** In one session twice. */
  | 'doubled'
  /** After an event that was published later. */
  | 'out of order'
  /** Seen by somebody who may not see it. */
  | 'leaked'
  /** Before the GUILD_CREATE of its guild. */
  | 'too early'
  /** Nobody published it. */
  | 'made up'
  /** A sequence number was left out, or came again. */
  | 'seq'
  /** A session ended though nothing happened that may end it. */
  | 'ended'
  /** A client had no session, or lacked a guild, at the end of the run. */
  | 'stuck'
  /** An event had no ack in the end, or was refused for good. */
  | 'unacked'
  /** A node ended by itself, or did not end when it was told to. */
  | 'node';

export interface Violation {
  readonly kind: ViolationKind;
  /** When it happened, as far as that is known. */
  readonly at: number;
  /** Of an event: its number. */
  readonly event?: number;
  readonly client?: number;
  /** One sentence for who looks for the cause. */
  readonly what: string;
}
