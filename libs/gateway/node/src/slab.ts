/**
 * Memory that frames are put together in before a socket takes them. As long as every socket takes its part at once,
 * which is the rule, the same bytes serve all of them.
 */
export class Slab {
  private bytes: Buffer;
  private used = 0;
  private last: Buffer;

  constructor(private readonly size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.last = this.bytes.subarray(0, 0);
  }

  /** Room for `length` bytes, to be filled and handed to a socket before the next call. */
  take(length: number): Buffer {
    if (length === this.last.length) return this.last;
    if (length > this.size) return Buffer.allocUnsafeSlow(length);
    if (this.used + length > this.size) {
      this.bytes = Buffer.allocUnsafeSlow(this.size);
      this.used = 0;
    }
    this.last = this.bytes.subarray(this.used, this.used + length);
    return this.last;
  }

  /** A socket still refers to what was taken last: that memory is not used again. */
  keep(): void {
    this.used += this.last.length;
    this.last = this.bytes.subarray(this.used, this.used);
  }
}
