/**
 * A dispatch on the wire is a WebSocket text frame around `{"op":0,"s":N,` and a tail that is the same for all its
 * recipients. The tail is made once; here the rest is written in front of it, straight into the bytes to send.
 */
export interface Tail {
  readonly parts: readonly Uint8Array[];
  /** Bytes of all parts together. */
  readonly length: number;
}

/** The parts of an event that a frame is made of; data and own are JSON text in UTF-8. */
export interface SplicedEvent {
  readonly name: string;
  readonly data: Uint8Array;
  /** Empty, or the rest of the JSON text that begins in data. */
  readonly own: Uint8Array;
}

const encoder = new TextEncoder();
const opener = encoder.encode('{"op":0,"s":');
const comma = 0x2c;
const closer = Uint8Array.of(0x7d);
/** FIN and the opcode of a text frame (RFC 6455, section 5.2). */
export const finText = 0x81;
/** FIN and the opcode of a binary frame. */
export const finBinary = 0x82;

/**
 * The shared tail `"t":"NAME","d":DATA}`.
 * @param joinBelow tails shorter than this many bytes are copied into one part; longer ones refer to the event's own bytes
 */
export function tailOf(event: SplicedEvent, joinBelow = 16_384): Tail {
  const opening = encoder.encode(`"t":${JSON.stringify(event.name)},"d":`);
  const parts = [opening, event.data, event.own, closer];
  const length = opening.length + event.data.length + event.own.length + closer.length;
  if (length >= joinBelow) return { parts: parts.filter((part) => part.length > 0), length };
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return { parts: [joined], length };
}

/** A whole payload as a tail without a dispatch's beginning: to be written with seq 0. */
export function payloadTail(json: string): Tail {
  const bytes = encoder.encode(json);
  return { parts: [bytes], length: bytes.length };
}

/** Bytes of the decimal digits of a number from 0 to 2^32 - 1. */
function digitsOf(value: number): number {
  if (value < 10) return 1;
  if (value < 100) return 2;
  if (value < 1000) return 3;
  if (value < 10_000) return 4;
  if (value < 100_000) return 5;
  if (value < 1_000_000) return 6;
  if (value < 10_000_000) return 7;
  if (value < 100_000_000) return 8;
  return value < 1_000_000_000 ? 9 : 10;
}

/** Bytes of the header of an unmasked frame around so many bytes (RFC 6455, section 5.2). */
export function frameHeaderLength(payload: number): number {
  if (payload < 126) return 2;
  return payload < 65_536 ? 4 : 10;
}

/** Bytes of `{"op":0,"s":N,`; none for seq 0, which stands for a payload that is no dispatch. */
export function openingLength(seq: number): number {
  return seq === 0 ? 0 : opener.length + digitsOf(seq) + 1;
}

/** Bytes that writeHead writes. */
export function headLength(seq: number, tailLength: number): number {
  const opening = openingLength(seq);
  return frameHeaderLength(opening + tailLength) + opening;
}

/**
 * Writes the header of an unmasked frame.
 * @param first FIN and the opcode: finText or finBinary
 * @returns the offset behind it
 */
export function writeFrameHeader(target: Uint8Array, offset: number, first: number, payload: number): number {
  let at = offset;
  target[at++] = first;
  if (payload < 126) {
    target[at++] = payload;
  } else if (payload < 65_536) {
    target[at++] = 126;
    target[at++] = payload >>> 8;
    target[at++] = payload & 0xff;
  } else {
    target[at++] = 127;
    // A frame of 4 GiB does not exist here: the upper half of the 64-bit length is 0.
    target[at++] = 0;
    target[at++] = 0;
    target[at++] = 0;
    target[at++] = 0;
    target[at++] = payload >>> 24;
    target[at++] = (payload >>> 16) & 0xff;
    target[at++] = (payload >>> 8) & 0xff;
    target[at++] = payload & 0xff;
  }
  return at;
}

/** Writes `{"op":0,"s":N,`; nothing for seq 0. @returns the offset behind it */
export function writeOpening(target: Uint8Array, offset: number, seq: number): number {
  if (seq === 0) return offset;
  target.set(opener, offset);
  return writeSeq(target, offset + opener.length, seq);
}

/** Writes `N,`. @returns the offset behind it */
function writeSeq(target: Uint8Array, offset: number, seq: number): number {
  const end = offset + digitsOf(seq);
  let rest = seq;
  for (let digit = end - 1; digit >= offset; digit--) {
    const tenth = Math.floor(rest / 10);
    target[digit] = 48 + rest - tenth * 10;
    rest = tenth;
  }
  target[end] = comma;
  return end + 1;
}

/**
 * Gives a text frame of a dispatch another seq, which has as many digits as the one that stands there.
 * @param offset where the frame begins
 */
export function rewriteSeq(target: Uint8Array, offset: number, seq: number, tailLength: number): void {
  writeSeq(target, offset + frameHeaderLength(openingLength(seq) + tailLength) + opener.length, seq);
}

/**
 * Writes all of the frame that stands before the tail.
 * @param seq from 1 to 2^32 - 1; 0 when the tail is a payloadTail
 * @returns the offset behind what was written
 */
export function writeHead(target: Uint8Array, offset: number, seq: number, tailLength: number): number {
  const at = writeFrameHeader(target, offset, finText, openingLength(seq) + tailLength);
  return writeOpening(target, at, seq);
}

/** Writes a whole frame, tail copied. @returns the offset behind it */
export function writeFrame(target: Uint8Array, offset: number, seq: number, tail: Tail): number {
  let at = writeHead(target, offset, seq, tail.length);
  for (const part of tail.parts) {
    target.set(part, at);
    at += part.length;
  }
  return at;
}

/** Bytes that writeFrame writes. */
export function frameLength(seq: number, tail: Tail): number {
  return headLength(seq, tail.length) + tail.length;
}
