/** What a document in Erlang's external term format is made of, read without the gateway's own codec. */
export interface TermParts {
  /** Every tag, once. */
  readonly tags: ReadonlySet<number>;
  readonly atoms: ReadonlySet<string>;
  /** Whole numbers and floats, by the path of their keys; elements of lists have that of their list. */
  readonly numbers: readonly (readonly [path: string, tag: number, value: number])[];
  /** Text by the same paths. */
  readonly texts: readonly (readonly [path: string, text: string])[];
}

/**
 * Takes one apart.
 * @throws Error at a tag that erlpack 0.1.4 can't read, at a key that is no binary, and at bytes behind the term
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
export function takeApart(document: Buffer): TermParts {
  const tags = new Set<number>();
  const atoms = new Set<string>();
  const numbers: [string, number, number][] = [];
  const texts: [string, string][] = [];
  let at = 1;
  const skip = (length: number): number => (at += length) - length;
  const text = (length: number): string => {
    const from = skip(length);
    return document.toString('utf8', from, from + length);
  };
  const term = (path: string): void => {
    const tag = document.readUInt8(skip(1));
    tags.add(tag);
    if (tag === 97) numbers.push([path, tag, document.readUInt8(skip(1))]);
    else if (tag === 98) numbers.push([path, tag, document.readInt32BE(skip(4))]);
    else if (tag === 70) numbers.push([path, tag, document.readDoubleBE(skip(8))]);
    else if (tag === 115) atoms.add(text(document.readUInt8(skip(1))));
    else if (tag === 109) texts.push([path, text(document.readUInt32BE(skip(4)))]);
    else if (tag === 108) {
      for (let left = document.readUInt32BE(skip(4)); left > 0; left--) term(path);
      if (document.readUInt8(skip(1)) !== 106) throw new Error(`the list ${path} has no end`);
    } else if (tag === 116) {
      for (let left = document.readUInt32BE(skip(4)); left > 0; left--) {
        if (document.readUInt8(skip(1)) !== 109) throw new Error(`a key of ${path} is no binary`);
        term(`${path}.${text(document.readUInt32BE(skip(4)))}`);
      }
    } else if (tag !== 106) throw new Error(`tag ${tag} at ${path}`);
  };
  if (document[0] !== 131) throw new Error('not version 131');
  term('');
  if (at !== document.length) throw new Error('bytes behind the term');
  return { tags, atoms, numbers, texts };
}

/** Terms as a client writes them, tag by tag. */
export const term = {
  document: (value: Buffer) => Buffer.concat([Buffer.of(131), value]),
  byte: (value: number) => Buffer.of(97, value),
  integer: (value: number) => {
    const bytes = Buffer.of(98, 0, 0, 0, 0);
    bytes.writeInt32BE(value, 1);
    return bytes;
  },
  float: (value: number) => {
    const bytes = Buffer.alloc(9, 70);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  },
  /** SMALL_BIG, of eight bytes. */
  big: (value: bigint) => {
    const bytes = Buffer.alloc(11, 0);
    bytes.set([110, 8, 0]);
    bytes.writeBigUInt64LE(value, 3);
    return bytes;
  },
  text: (value: string) => sized(109, Buffer.from(value)),
  /** STRING_EXT: small whole numbers. */
  bytes: (values: readonly number[]) =>
    Buffer.from([107, values.length >> 8, values.length & 255, ...values]),
  smallAtom: (name: string) => Buffer.concat([Buffer.of(115, name.length), Buffer.from(name)]),
  atom: (name: string) => Buffer.concat([Buffer.of(100, 0, name.length), Buffer.from(name)]),
  utf8Atom: (name: string) => Buffer.concat([Buffer.of(119, name.length), Buffer.from(name)]),
  list: (values: readonly Buffer[]) =>
    values.length === 0
      ? Buffer.of(106)
      : Buffer.concat([counted(108, values.length), ...values, Buffer.of(106)]),
  /** @param key how a key is written; binaries, unless a test wants it to be wrong */
  map: (
    fields: Readonly<Record<string, Buffer>>,
    key: (name: string) => Buffer = (name) => term.text(name),
  ) =>
    Buffer.concat([
      counted(116, Object.keys(fields).length),
      ...Object.entries(fields).flatMap(([name, value]) => [key(name), value]),
    ]),
};

function counted(tag: number, count: number): Buffer {
  const bytes = Buffer.of(tag, 0, 0, 0, 0);
  bytes.writeUInt32BE(count, 1);
  return bytes;
}

function sized(tag: number, bytes: Buffer): Buffer {
  return Buffer.concat([counted(tag, bytes.length), bytes]);
}
