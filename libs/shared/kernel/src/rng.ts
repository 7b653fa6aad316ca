/** Where chance comes from. Seeded in tests and in the simulator. */
export interface Rng {
  /** Uniform in [0, 1). */
  next(): number;
  /** `bytes` unpredictable bytes as base64url text, for session ids, incarnations and event ids. */
  token(bytes: number): string;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * A repeatable Rng (mulberry32, by Tommy Ettinger, public domain): the same seed gives the same numbers on
 * every machine. Not for secrets.
 */
export function seededRng(seed: number): Rng {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    token: (bytes) => {
      let text = '';
      for (let length = Math.ceil((bytes * 4) / 3); length > 0; length--) text += alphabet[(next() * 64) | 0];
      return text;
    },
  };
}
