/**
 * Counts in windows of a fixed length; the first take after a window's end opens the next. Not sliding: clients budget
 * per window, so two bursts may touch.
 */
export class FixedWindow {
  private endsAt = Number.NEGATIVE_INFINITY;
  private taken = 0;

  constructor(private readonly limit: { readonly count: number; readonly windowMs: number }) {}

  /** False: the window is used up. @param now monotonic milliseconds */
  take(now: number): boolean {
    if (now >= this.endsAt) {
      this.endsAt = now + this.limit.windowMs;
      this.taken = 0;
    }
    return ++this.taken <= this.limit.count;
  }
}
