const newFloat = 70;
const smallInteger = 97;
const integer = 98;
const emptyList = 106;
const list = 108;
const binary = 109;
const smallAtom = 115;
const map = 116;

const maxInt32 = 0x7fff_ffff;
const utf8 = new TextEncoder();

const smallAtomOf = (name: string): Uint8Array => Uint8Array.of(smallAtom, name.length, ...utf8.encode(name));
const nil = smallAtomOf('nil');
const yes = smallAtomOf('true');
const no = smallAtomOf('false');

/** Bytes of a number from 0 to 2^32 - 1. */
export function etfIntegerLength(value: number): number {
  if (value <= 255) return 2;
  return value <= maxInt32 ? 5 : 9;
}

/** Writes a number from 0 to 2^32 - 1, as a number for every client. @returns the offset behind it */
export function writeEtfInteger(target: Uint8Array, offset: number, value: number): number {
  if (value <= 255) {
    target[offset] = smallInteger;
    target[offset + 1] = value;
    return offset + 2;
  }
  const view = new DataView(target.buffer, target.byteOffset);
  if (value <= maxInt32) {
    target[offset] = integer;
    view.setInt32(offset + 1, value);
    return offset + 5;
  }
  target[offset] = newFloat;
  view.setFloat64(offset + 1, value);
  return offset + 9;
}

/** A list or map that is not at its end yet. */
interface Open {
  readonly keys: readonly string[] | undefined;
  readonly values: readonly unknown[];
  next: number;
}

/**
 * Writes values of JSON as terms that erlpack reads: text and keys as binaries, whole numbers within 32 bits as
 * integers, all other numbers as floats, so that they stay numbers (erlpack makes text of what is longer).
 */
export class EtfWriter {
  private bytes: Uint8Array;
  private view: DataView;
  private at = 0;

  constructor(size = 256) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }

  /** All that was written. */
  get written(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }

  raw(bytes: Uint8Array): this {
    this.room(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
    return this;
  }

  text(value: string): this {
    // UTF-8 has at most three bytes for a unit of UTF-16.
    this.room(5 + value.length * 3);
    this.bytes[this.at] = binary;
    const { written } = utf8.encodeInto(value, this.bytes.subarray(this.at + 5));
    this.view.setUint32(this.at + 1, written);
    this.at += 5 + written;
    return this;
  }

  /** What JSON.parse may answer, however deep: nothing here calls itself. */
  value(value: unknown): this {
    const stack: Open[] = [];
    this.begin(value, stack);
    for (let open = stack.at(-1); open; open = stack.at(-1)) {
      const index = open.next++;
      if (index < open.values.length) {
        if (open.keys) this.text(open.keys[index]!);
        this.begin(open.values[index], stack);
      } else {
        stack.pop();
        if (!open.keys) this.byte(emptyList);
      }
    }
    return this;
  }

  private begin(value: unknown, stack: Open[]): void {
    if (typeof value === 'string') this.text(value);
    else if (typeof value === 'number') this.number(value);
    else if (typeof value === 'boolean') this.raw(value ? yes : no);
    else if (typeof value !== 'object' || value === null) this.raw(nil);
    else if (!Array.isArray(value)) {
      const keys = Object.keys(value);
      this.count(map, keys.length);
      stack.push({ keys, values: Object.values(value), next: 0 });
    } else if (value.length === 0) this.byte(emptyList);
    else {
      this.count(list, value.length);
      stack.push({ keys: undefined, values: value, next: 0 });
    }
  }

  private number(value: number): void {
    this.room(9);
    if (Number.isInteger(value) && value >= 0 && value <= 255) {
      this.bytes[this.at++] = smallInteger;
      this.bytes[this.at++] = value;
    } else if (Number.isInteger(value) && Math.abs(value) <= maxInt32) {
      this.bytes[this.at] = integer;
      this.view.setInt32(this.at + 1, value);
      this.at += 5;
    } else {
      this.bytes[this.at] = newFloat;
      this.view.setFloat64(this.at + 1, value);
      this.at += 9;
    }
  }

  private count(tag: number, count: number): void {
    this.room(5);
    this.bytes[this.at] = tag;
    this.view.setUint32(this.at + 1, count);
    this.at += 5;
  }

  private byte(value: number): void {
    this.room(1);
    this.bytes[this.at++] = value;
  }

  private room(length: number): void {
    const needed = this.at + length;
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    larger.set(this.written);
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }
}

const version = Uint8Array.of(131);

/** A whole document: the version and one term. */
export function encodeEtf(value: unknown): Uint8Array {
  return new EtfWriter().raw(version).value(value).written;
}
