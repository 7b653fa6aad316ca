/** The two ways to do something soon. Injected, so that a simulator decides when soon is. */
export interface Scheduler {
  /** Before the event loop does anything else. */
  microtask(task: () => void): void;
  /** After sockets and timers had their turn. */
  turn(task: () => void): void;
}

export const systemScheduler: Scheduler = {
  microtask: (task) => {
    queueMicrotask(task);
  },
  turn: (task) => {
    setImmediate(task);
  },
};
