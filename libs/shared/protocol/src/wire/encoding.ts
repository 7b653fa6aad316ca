import { EtfWriter, etfIntegerLength, writeEtfInteger } from '../etf/encode';
import {
  type SplicedEvent,
  type Tail,
  finBinary,
  finText,
  openingLength,
  payloadTail,
  tailOf,
  writeOpening,
} from './frames';

/** How a payload is written: its own part of each recipient in front, the rest the same for all. */
export interface PayloadEncoding {
  readonly name: 'json' | 'etf';
  /** FIN and the opcode of its frames when nothing compresses them. */
  readonly frame: number;
  /** What is the same for all recipients of an event. @param joinBelow as for tailOf */
  tail(event: SplicedEvent, joinBelow?: number): Tail;
  /** A whole payload, given as JSON text: to be written with seq 0. */
  payload(json: string): Tail;
  /** Bytes of what a sequence number puts in front of the tail; none for 0. */
  openingLength(seq: number): number;
  /** Writes that. @returns the offset behind it */
  writeOpening(target: Uint8Array, offset: number, seq: number): number;
}

export const jsonEncoding: PayloadEncoding = {
  name: 'json',
  frame: finText,
  tail: tailOf,
  payload: payloadTail,
  openingLength,
  writeOpening,
};

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const version = Uint8Array.of(131);
/** The version, and a map of four: op is 0, s is what follows. The other two are in the tail. */
const dispatch = new EtfWriter()
  .raw(version)
  .raw(Uint8Array.of(116, 0, 0, 0, 4))
  .text('op')
  .value(0)
  .text('s')
  .written.slice();

function one(bytes: Uint8Array): Tail {
  return { parts: [bytes], length: bytes.length };
}

/**
 * Terms of Erlang, as erlpack reads them. What events hold is what JSON.parse makes of them: a number beyond 2^53 is as
 * inexact as in a JSON client, ids that are text stay text, and half a surrogate pair becomes U+FFFD.
 */
export const etfEncoding: PayloadEncoding = {
  name: 'etf',
  frame: finBinary,
  tail: ({ name, data, own }) => {
    const json = utf8.decode(data, { stream: true }) + utf8.decode(own);
    const size = data.length + own.length + 128;
    const writer = new EtfWriter(size).text('t').text(name).text('d');
    return one(writer.value(JSON.parse(json)).written);
  },
  payload: (json) => one(new EtfWriter().raw(version).value(JSON.parse(json)).written),
  openingLength: (seq) => (seq === 0 ? 0 : dispatch.length + etfIntegerLength(seq)),
  writeOpening: (target, offset, seq) => {
    if (seq === 0) return offset;
    target.set(dispatch, offset);
    return writeEtfInteger(target, offset + dispatch.length, seq);
  },
};
