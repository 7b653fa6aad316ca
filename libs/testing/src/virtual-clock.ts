import type { Cancel, Clock } from '@derailed/shared/kernel';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly task: () => void;
}

/** Time that stands still until a test moves it. Timers of one instant run in the order they were set. */
export class VirtualClock implements Clock {
  private readonly timers = new Set<Timer>();
  private order = 0;
  private time = 0;

  /** @param epoch what now() says at the start, in milliseconds since 1970 */
  constructor(private readonly epoch = 1_700_000_000_000) {}

  now(): number {
    return this.epoch + this.time;
  }

  monotonic(): number {
    return this.time;
  }

  after(ms: number, task: () => void): Cancel {
    const timer: Timer = { at: this.time + Math.max(0, ms), order: this.order++, task };
    this.timers.add(timer);
    return () => {
      this.timers.delete(timer);
    };
  }

  /** How many timers are set. */
  get pending(): number {
    return this.timers.size;
  }

  /** Moves time on, running each timer at its instant, those that timers set on the way included. */
  advance(ms: number): void {
    const end = this.time + ms;
    for (let next = this.earliest(end); next !== undefined; next = this.earliest(end)) {
      this.timers.delete(next);
      this.time = next.at;
      next.task();
    }
    this.time = end;
  }

  private earliest(end: number): Timer | undefined {
    let earliest: Timer | undefined;
    for (const timer of this.timers) {
      if (timer.at > end) continue;
      if (
        earliest === undefined ||
        timer.at < earliest.at ||
        (timer.at === earliest.at && timer.order < earliest.order)
      )
        earliest = timer;
    }
    return earliest;
  }
}
