import { randomBytes } from 'node:crypto';
import type { Clock, Rng } from '@derailed/shared/kernel';

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, task) => {
    const timer = setTimeout(task, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Unpredictable numbers and tokens from the operating system. */
export const systemRng: Rng = {
  next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  token: (bytes) => randomBytes(bytes).toString('base64url'),
};
