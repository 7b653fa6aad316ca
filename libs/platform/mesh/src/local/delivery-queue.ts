import type { Clock } from '@derailed/shared/kernel';
import { Fifo } from '../fifo';
import type { Scheduler } from '../scheduler';

/** Handlers may keep the event loop this long before sockets get their turn. */
const sliceMs = 5;

/**
 * A bounded first-in-first-out queue that hands its items over one by one, never from within `push`: in a
 * microtask, and after 5 ms of that in the next turn of the event loop.
 */
export class DeliveryQueue<T> {
  private readonly items = new Fifo<T>();
  private scheduled = false;
  private paused = false;

  constructor(
    private readonly clock: Clock,
    private readonly scheduler: Scheduler,
    private readonly limit: number,
    private readonly deliver: (item: T) => void,
  ) {}

  get length(): number {
    return this.items.length;
  }

  /** False: the queue is full. */
  offer(item: T): boolean {
    if (this.length >= this.limit) return false;
    this.push(item);
    return true;
  }

  /** Past the limit, if need be. */
  push(item: T): void {
    this.items.push(item);
    this.schedule();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    if (this.length > 0) this.schedule();
  }

  clear(): void {
    this.items.clear();
  }

  private schedule(): void {
    if (this.scheduled || this.paused) return;
    this.scheduled = true;
    this.scheduler.microtask(this.drain);
  }

  private readonly drain = (): void => {
    const end = this.clock.monotonic() + sliceMs;
    while (!this.paused) {
      const item = this.items.shift();
      if (item === undefined) break;
      this.deliver(item);
      if (this.clock.monotonic() >= end) break;
    }
    if (this.length > 0 && !this.paused) this.scheduler.turn(this.drain);
    else this.scheduled = false;
  };
}
