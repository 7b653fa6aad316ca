import type { Rng } from '@derailed/shared/kernel';

/** Doubling waits with full jitter: uniform in [half, whole] of `first * 2 ** attempt`, at most `most`. Milliseconds. */
export function backoff(attempt: number, first: number, most: number, rng: Rng): number {
  const whole = Math.min(most, first * 2 ** Math.min(attempt, 30));
  return whole * (0.5 + rng.next() / 2);
}
