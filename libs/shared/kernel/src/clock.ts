/** Stops a timer. Stopping one that has run, or was stopped, does nothing. */
export type Cancel = () => void;

/**
 * Where time comes from. Cores never hold a Clock: they are handed `now`. Shells do, so that a test or the
 * simulator can put a virtual one in its place.
 */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch; may jump. For what people or databases see. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. For every deadline, window and measurement. */
  monotonic(): number;
  /** Runs `task` once, no sooner than `ms` from now. */
  after(ms: number, task: () => void): Cancel;
}
