import { FrameCounter } from './frame-counter';

const headBytes = 40;

/** Counts dispatches alone, and sees that each has the seq after the one before (JSON, no compression). */
export class SequenceReader extends FrameCounter {
  private readonly head = Buffer.allocUnsafe(headBytes);
  private has = 0;
  private last = 0;

  protected override payloadCame(bytes: Uint8Array, from: number, end: number): void {
    const part = bytes.subarray(from, Math.min(end, from + headBytes - this.has));
    this.head.set(part, this.has);
    this.has += part.length;
  }

  /** @throws Error for a gap, a repetition, or an end of the session */
  protected override frameCame(): void {
    const text = this.head.toString('latin1', 0, this.has);
    this.has = 0;
    const [, op, seq] = /^\{"op":(\d+)(?:,"s":(\d+),)?/.exec(text) ?? [];
    if (op === '7' || op === '9') throw new Error(`a client that was left alone got ${text}`);
    if (op !== '0') return;
    if (Number(seq) !== this.last + 1) throw new Error(`after seq ${this.last} came ${text}`);
    this.last++;
    this.frames++;
  }
}
