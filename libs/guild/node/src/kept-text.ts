const encoder = new TextEncoder();

/** Texts over this part of a piece have memory of their own. */
const largestShare = 4;

/**
 * Encodes texts that sessions keep as long as they live (their part of a GUILD_CREATE), several to a piece of memory:
 * an ArrayBuffer of its own for each costs some 190 bytes beside the text. Node's pool would share as well, but with
 * whatever is short-lived, and a text that is kept keeps all of its piece.
 */
export function keptTextEncoder(pieceBytes = 4096): (text: string) => Uint8Array {
  let piece = new Uint8Array(0);
  let used = 0;
  return (text) => {
    const length = Buffer.byteLength(text);
    if (length > pieceBytes / largestShare) return encoder.encode(text);
    if (used + length > piece.length) {
      piece = new Uint8Array(pieceBytes);
      used = 0;
    }
    const bytes = piece.subarray(used, used + length);
    encoder.encodeInto(text, bytes);
    used += length;
    return bytes;
  };
}
