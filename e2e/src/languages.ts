import { constants, inflateSync } from 'node:zlib';
import { decodeEtf, encodeEtf } from '@derailed/shared/protocol';
import { Inflate } from 'minizlib';

/** How one connection's frames are read and written. One with a compressed stream is good for one connection. */
export interface Language {
  read(frame: Buffer, isBinary: boolean): unknown;
  write(payload: object): string | Uint8Array;
}

const binaryOnly = (isBinary: boolean): void => {
  if (!isBinary) throw new Error('a text frame, where all frames are binary');
};
const parse = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());

/** JSON as it is, in whatever frames it comes; which, tests ask where it matters. */
export const plainJson: Language = { read: parse, write: (payload) => JSON.stringify(payload) };

export const terms: Language = {
  read: (frame, isBinary) => {
    binaryOnly(isBinary);
    return decodeEtf(frame, Infinity);
  },
  write: encodeEtf,
};

/** `compress: true` of an Identify: text as it is, or one whole zlib document. */
export const documents: Language = {
  read: (frame, isBinary) => parse(isBinary ? inflateSync(frame) : frame),
  write: plainJson.write,
};

/** A zlib stream, of JSON or of terms. */
export function inflated(inner: Language): Language {
  const stream = new Inflate({ flush: constants.Z_SYNC_FLUSH });
  return {
    read: (frame, isBinary) => {
      binaryOnly(isBinary);
      stream.write(frame);
      const payload = stream.read() as Buffer | null;
      if (payload === null) throw new Error('a frame without a whole payload');
      return inner.read(payload, true);
    },
    write: inner.write,
  };
}
