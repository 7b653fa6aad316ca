import { Fifo } from '../fifo';

/** An encoded envelope that waits. */
export interface Waiting {
  readonly flow: string;
  readonly bytes: Uint8Array;
}

/** Messages that go strictly one after the other, the first of them perhaps in parts. */
export class Lane {
  private readonly items = new Fifo<Waiting>();
  private offset = 0;
  private message = 0;

  /** @param flow whose lane it is; absent: everybody's */
  constructor(readonly flow?: string) {}

  get head(): Waiting | undefined {
    return this.items.at(0);
  }

  /** Whether a part of the head has gone already. */
  get begun(): boolean {
    return this.offset > 0;
  }

  push(item: Waiting): void {
    this.items.push(item);
  }

  shift(): Waiting | undefined {
    return this.items.shift();
  }

  /** The next part of the head, which leaves with its last one. @param nextMessage numbers a message that begins */
  part(
    size: number,
    nextMessage: () => number,
  ): { message: number; part: Buffer; last: boolean } | undefined {
    const bytes = this.head?.bytes;
    if (!bytes) return undefined;
    if (this.offset === 0) this.message = nextMessage();
    const end = Math.min(this.offset + size, bytes.length);
    const part = Buffer.from(bytes.buffer, bytes.byteOffset + this.offset, end - this.offset);
    const last = end === bytes.length;
    this.offset = last ? 0 : end;
    if (last) this.items.shift();
    return { message: this.message, part, last };
  }

  clear(): void {
    this.items.clear();
    this.offset = 0;
  }
}
