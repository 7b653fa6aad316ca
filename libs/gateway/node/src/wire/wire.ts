import type { Tail } from '@derailed/shared/protocol';
import type { EventTails } from './event-tails';

/**
 * How payloads look on a connection that is not plain JSON in text frames. Most wires are one object for all their
 * connections: what an event has in common for them is made once, and a recipient costs what stands in front of it.
 */
export interface Wire {
  /** What is put into the outbox for an event. */
  tail(tails: EventTails): Tail;
  /** The same for a payload that is no dispatch, given as JSON text: to be written with seq 0. */
  payload(json: string): Tail;
  /** The first payload of a connection. */
  greeting(json: string): Tail;
  /** Bytes of a whole frame that are not the tail's. */
  overhead(seq: number, tail: Tail): number;
  /** Writes the frame as far as its tail. @returns the offset behind it */
  writeHead(target: Uint8Array, offset: number, seq: number, tail: Tail): number;
  /** Writes what stands behind the tail. @returns the offset behind it */
  writeEnd(target: Uint8Array, offset: number, seq: number, tail: Tail): number;
  /** Of a connection that compresses for itself: what will be written, with seq 0, for a frame whose turn it is now. */
  pack?(seq: number, tail: Tail): Tail;
  /** The connection has ended. */
  release(): void;
}
