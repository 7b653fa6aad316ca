import { type Decoded, type RawPayload, decodeRaw, decodeRawEtf, limits } from '@derailed/shared/protocol';
import type { EncodingName } from './query';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** A client's message, text or binary: hikari sends its JSON as binary. */
export function decodeFrame(bytes: Uint8Array, encoding: EncodingName): Decoded<RawPayload> {
  if (bytes.length > limits.payloadBytes) return { ok: false, reason: 'payload_too_large' };
  // A term begins with a byte that no text does: no need to know which kind of frame it came in.
  if (encoding === 'etf') return decodeRawEtf(bytes);
  try {
    return decodeRaw(decoder.decode(bytes));
  } catch {
    return { ok: false, reason: 'decode_error' };
  }
}
