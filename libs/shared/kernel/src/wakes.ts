import type { Cancel, Clock } from './clock';

/** The longest that a timer of the operating system waits, in milliseconds. */
const longest = 2_147_483_647;

/** At most one timer per key over a Clock: wakes many actors, each at the time that it asks for. */
export class Wakes<K> {
  private readonly timers = new Map<K, { readonly at: number; readonly cancel: Cancel }>();

  /** @param wake called once per timer; it may plan the next one */
  constructor(
    private readonly clock: Clock,
    private readonly wake: (key: K) => void,
  ) {}

  /** Timers that are set. */
  get size(): number {
    return this.timers.size;
  }

  /**
   * Wakes the key at `at` (monotonic ms) or earlier. An earlier timer stays: an actor whose deadline moves on with
   * every message then costs one timer a deadline, not one a message.
   */
  plan(key: K, at: number | undefined): void {
    if (at === undefined) return;
    const planned = this.timers.get(key);
    if (planned !== undefined) {
      if (planned.at <= at) return;
      planned.cancel();
    }
    const wait = Math.min(longest, Math.max(0, at - this.clock.monotonic()));
    const cancel = this.clock.after(wait, () => {
      this.timers.delete(key);
      this.wake(key);
    });
    this.timers.set(key, { at, cancel });
  }

  cancel(key: K): void {
    this.timers.get(key)?.cancel();
    this.timers.delete(key);
  }

  clear(): void {
    for (const { cancel } of this.timers.values()) cancel();
    this.timers.clear();
  }
}
