const version = 131;
const smallInteger = 97;
const integer = 98;
const newFloat = 70;
const atom = 100;
const smallAtom = 115;
const atomUtf8 = 118;
const smallAtomUtf8 = 119;
const smallBig = 110;
const binary = 109;
const stringList = 107;
const list = 108;
const emptyList = 106;
const map = 116;

const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function broken(why: string): never {
  throw new SyntaxError(why);
}

/** Reads one term after the other; every length is held against what is left, so no term can promise more than it has. */
class Reader {
  private at = 0;
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly maxDepth: number,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  document(): unknown {
    if (this.uint8() !== version) broken('not version 131');
    const value = this.term(1);
    return this.at === this.bytes.length ? value : broken('bytes behind the term');
  }

  private term(depth: number): unknown {
    const tag = this.uint8();
    switch (tag) {
      case smallInteger:
        return this.uint8();
      case integer:
        return this.view.getInt32(this.take(4));
      case newFloat: {
        const value = this.view.getFloat64(this.take(8));
        return Number.isFinite(value) ? value : broken('not a finite number');
      }
      case smallBig:
        return this.big();
      case binary:
        return this.text(this.uint32());
      case atom:
      case atomUtf8:
        return this.atom(this.view.getUint16(this.take(2)));
      case smallAtom:
      case smallAtomUtf8:
        return this.atom(this.uint8());
      case emptyList:
        return [];
      case stringList: {
        const length = this.view.getUint16(this.take(2));
        const from = this.take(length);
        return Array.from(this.bytes.subarray(from, from + length));
      }
      case list:
        return this.list(depth);
      case map:
        return this.map(depth);
      default:
        return broken(`tag ${tag}`);
    }
  }

  private list(depth: number): unknown[] {
    const length = this.elements(depth, 1);
    const values: unknown[] = [];
    for (let index = 0; index < length; index++) values.push(this.term(depth + 1));
    return this.uint8() === emptyList ? values : broken('an improper list');
  }

  private map(depth: number): Record<string, unknown> {
    // The shortest entry is an empty binary and an empty list.
    const length = this.elements(depth, 6);
    const fields: Record<string, unknown> = {};
    for (let index = 0; index < length; index++) {
      if (this.uint8() !== binary) broken('a key that is no binary');
      const key = this.text(this.uint32());
      const value = this.term(depth + 1);
      // Assigned, this key would set the prototype; JSON.parse makes a property of it.
      if (key === '__proto__')
        Object.defineProperty(fields, key, { value, enumerable: true, configurable: true, writable: true });
      else fields[key] = value;
    }
    return fields;
  }

  /** The count of a list or map whose elements have so many bytes at least. */
  private elements(depth: number, least: number): number {
    if (depth > this.maxDepth) broken('nested too deeply');
    const count = this.uint32();
    return count * least <= this.bytes.length - this.at ? count : broken('more elements than bytes');
  }

  /** Within 2^53 a number, beyond it the digits as text, as parseLossless has them. */
  private big(): number | string {
    const length = this.uint8();
    const sign = this.uint8();
    if (sign > 1) broken('neither sign');
    const from = this.take(length);
    let value = 0n;
    for (let at = from + length - 1; at >= from; at--) value = (value << 8n) | BigInt(this.bytes[at]!);
    if (sign === 1) value = -value;
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }

  private atom(length: number): boolean | null {
    switch (this.text(length)) {
      case 'true':
        return true;
      case 'false':
        return false;
      case 'nil':
      case 'null':
        return null;
      default:
        return broken('an atom that means nothing');
    }
  }

  private text(length: number): string {
    const from = this.take(length);
    return text.decode(this.bytes.subarray(from, from + length));
  }

  private uint8(): number {
    return this.bytes[this.take(1)]!;
  }

  private uint32(): number {
    return this.view.getUint32(this.take(4));
  }

  /** Where the next `length` bytes begin. */
  private take(length: number): number {
    const from = this.at;
    if (length > this.bytes.length - from) broken('cut short');
    this.at = from + length;
    return from;
  }
}

/**
 * Reads what a client with `encoding=etf` sends: the terms that JSON has a word for, with binaries as text and keys.
 * Whole numbers beyond 2^53 come out as their digits. Atoms may be Latin-1 or UTF-8 (Erlang from OTP 26 on). Compressed
 * terms, atoms as keys and all other tags are no payload.
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 * @throws SyntaxError or TypeError when it is something else, or nested deeper than `maxDepth`
 */
export function decodeEtf(bytes: Uint8Array, maxDepth: number): unknown {
  return new Reader(bytes, maxDepth).document();
}
