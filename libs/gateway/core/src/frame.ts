import { type Decoded, type RawPayload, decodeRaw, limits } from '@derailed/shared/protocol';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** A client's message, text or binary: hikari sends its JSON as binary. */
export function decodeFrame(bytes: Uint8Array): Decoded<RawPayload> {
  if (bytes.length > limits.payloadBytes) return { ok: false, reason: 'payload_too_large' };
  try {
    return decodeRaw(decoder.decode(bytes));
  } catch {
    return { ok: false, reason: 'decode_error' };
  }
}
