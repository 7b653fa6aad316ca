const closeFrame = 8;

/**
 * Counts the frames in what a WebSocket server sends (RFC 6455, section 5.2), without looking into them: a receiver
 * that costs as little as possible, so that the server is what is measured. Frames may be cut anywhere.
 */
export class FrameCounter {
  /** Data frames that are here to their last byte. */
  frames = 0;
  /** Set when the server has closed: the code of its close frame, or 1005 when it had none. */
  closeCode: number | undefined;
  private readonly header = new Uint8Array(12);
  private have = 0;
  /** Payload bytes of the current frame that are still to come. */
  private rest = 0;

  /** Takes the bytes from `from` to `end`. */
  scan(bytes: Uint8Array, from = 0, end = bytes.length): void {
    let at = from;
    while (at < end) {
      if (this.rest > 0) {
        const skipped = Math.min(this.rest, end - at);
        this.payloadCame(bytes, at, at + skipped);
        at += skipped;
        this.rest -= skipped;
        if (this.rest === 0) this.finish();
        continue;
      }
      this.header[this.have++] = bytes[at++]!;
      if (this.have < this.wanted()) continue;
      this.have = 0;
      this.rest = this.payload();
      if (this.rest === 0) this.finish();
    }
  }

  /** Bytes of this frame's header, as far as can be said now; a close frame's code counts as header. */
  private wanted(): number {
    const { header } = this;
    if (this.have < 2) return 2;
    if (header[1] === 126) return 4;
    if (header[1] === 127) return 10;
    return (header[0]! & 0x0f) === closeFrame && header[1]! >= 2 ? 4 : 2;
  }

  private payload(): number {
    const { header } = this;
    const short = header[1]!;
    if ((header[0]! & 0x0f) === closeFrame) {
      this.closeCode = short >= 2 ? header[2]! * 256 + header[3]! : 1005;
      return Math.max(0, short - 2);
    }
    if (short < 126) return short;
    let length = 0;
    for (let at = 2; at < (short === 126 ? 4 : 10); at++) length = length * 256 + header[at]!;
    return length;
  }

  /** Payload of the current frame, as it comes. */
  protected payloadCame(_bytes: Uint8Array, _from: number, _end: number): void {
    // Nobody looks into it.
  }

  /** A data frame is here to its last byte. */
  protected frameCame(): void {
    this.frames++;
  }

  private finish(): void {
    // Control frames (ping, pong, close) have the highest bit of the opcode.
    if ((this.header[0]! & 0x08) === 0) this.frameCame();
  }
}

/** A frame as a client sends it: text, or binary for bytes. The mask is zero, which leaves the payload as it is. */
export function clientFrame(message: string | Uint8Array): Buffer {
  const payload = Buffer.from(message);
  const extended = payload.length < 126 ? 0 : 2;
  const frame = Buffer.alloc(2 + extended + 4 + payload.length);
  frame[0] = typeof message === 'string' ? 0x81 : 0x82;
  frame[1] = 0x80 | (extended === 0 ? payload.length : 126);
  if (extended > 0) frame.writeUInt16BE(payload.length, 2);
  payload.copy(frame, 2 + extended + 4);
  return frame;
}
