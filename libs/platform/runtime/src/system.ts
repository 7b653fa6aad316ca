import { randomBytes, randomInt } from 'node:crypto';
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
  next: () => randomInt(0x1_0000_0000_0000) / 0x1_0000_0000_0000,
  token: (bytes) => randomBytes(bytes).toString('base64url'),
};
