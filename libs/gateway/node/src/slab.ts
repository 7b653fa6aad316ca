/**
 * Memory that frames of many sockets are written into, one behind the other. As long as every socket takes its
 * part at once, which is the rule, the same memory serves every flush.
 */
export class Slab {
  private bytes: Buffer;
  private used = 0;
  private held = false;

  constructor(private readonly size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  /** Room for `length` bytes, to be filled and handed to a socket before the next call. */
  take(length: number): Buffer {
    if (length > this.size) return Buffer.allocUnsafeSlow(length);
    if (this.used + length > this.size) {
      if (this.held) this.bytes = Buffer.allocUnsafeSlow(this.size);
      this.used = 0;
      this.held = false;
    }
    const from = this.used;
    this.used += length;
    return this.bytes.subarray(from, this.used);
  }

  /** A socket still refers to what was taken: that memory is not used again. */
  hold(): void {
    this.held = true;
  }

  /** Nobody will be handed what was taken any more. */
  reset(): void {
    if (!this.held) this.used = 0;
  }
}
