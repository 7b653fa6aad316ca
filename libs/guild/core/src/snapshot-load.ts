import type { StreamPoint } from '@derailed/audience/core';
import type { Outbox } from './outbox';

/** A read that keeps failing is repeated after at most loadRetry * 2 ** longestRetry. */
const longestRetry = 3;

/** The read of a guild's snapshot that is waited for, and when it may be repeated. */
export class SnapshotLoad {
  /** Number of the read; answers to earlier ones are stale. */
  private number = 0;
  /** Monotonic ms. */
  private retryAt = 0;
  /** Reads that failed since the last good one. */
  private failures = 0;

  constructor(
    private readonly out: Outbox,
    private readonly loadRetry: number,
  ) {}

  get current(): number {
    return this.number;
  }

  /** @param before the stream of the owner before, if there was one */
  begin(before: StreamPoint | undefined): void {
    this.out.load(++this.number, before);
  }

  succeeded(): void {
    this.failures = 0;
  }

  failed(now: number): void {
    this.retryAt = now + this.loadRetry * 2 ** Math.min(this.failures++, longestRetry);
  }

  /** Whether it has to rest after a failure. */
  rests(now: number): boolean {
    return now < this.retryAt;
  }
}
