/** Injection tokens of what every node has: kernel's Clock and Rng, a pino Logger, and its Drain. */
export const CLOCK = Symbol('CLOCK');
export const RNG = Symbol('RNG');
export const LOGGER = Symbol('LOGGER');
export const DRAIN = Symbol('DRAIN');
