/** When the flusher runs; virtual in tests. */
export interface EventLoop {
  monotonic(): number;
  /** After the current turn of the event loop. */
  turn(task: () => void): void;
  after(ms: number, task: () => void): void;
}
