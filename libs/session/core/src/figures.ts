/** What a node holds right now, for metrics. */
export interface Figures {
  readonly sessions: number;
  readonly detached: number;
  readonly users: number;
  readonly audiences: number;
  readonly replayBytes: number;
  readonly memberQueue: number;
  /** Sessions that are to go to another node, or on their way there; and on their way here. */
  readonly leaving: number;
  readonly arriving: number;
}
