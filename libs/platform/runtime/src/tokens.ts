/** Injection tokens of what every node has: kernel's Clock and Rng, and a pino Logger. */
export const CLOCK = Symbol('CLOCK');
export const RNG = Symbol('RNG');
export const LOGGER = Symbol('LOGGER');
