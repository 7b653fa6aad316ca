import { constants, inflateSync } from 'node:zlib';
import type { Compression, EncodingName } from '@derailed/gateway/core';
import { decodeEtf } from '@derailed/shared/protocol';
import * as fc from 'fast-check';
import { Inflate } from 'minizlib';
import { Flusher } from '../flusher';
import { Outbox } from '../outbox';
import { zstdContexts } from './compressor';
import { EventTails } from './event-tails';
import { Wires } from './wires';

/** Frames of a server, by a plain reading of RFC 6455. */
function framesOf(bytes: Buffer): { binary: boolean; data: Buffer }[] {
  const frames: { binary: boolean; data: Buffer }[] = [];
  for (let at = 0; at < bytes.length;) {
    const short = bytes[at + 1]!;
    const [from, length] =
      short < 126
        ? [at + 2, short]
        : short === 126
          ? [at + 4, bytes.readUInt16BE(at + 2)]
          : [at + 10, Number(bytes.readBigUInt64BE(at + 2))];
    frames.push({ binary: bytes[at] === 0x82, data: bytes.subarray(from, from + length) });
    at = from + length;
  }
  expect(frames.reduce((sum, { data }) => sum + data.length, 0)).toBeLessThan(bytes.length + 1);
  return frames;
}

/** Reads raw blocks of a zstd frame that stays open, by a plain reading of RFC 8878. */
function rawZstdReader(): (message: Buffer) => Buffer {
  let begun = false;
  return (message) => {
    let at = 0;
    if (!begun) {
      expect(message.subarray(0, 6).toString('hex')).toBe('28b52ffd0038');
      at = 6;
    }
    begun = true;
    const blocks: Buffer[] = [];
    while (at < message.length) {
      const header = message.readUIntLE(at, 3);
      expect(header & 7).toBe(0);
      expect(header >> 3).toBeLessThanOrEqual(131_072);
      blocks.push(message.subarray(at + 3, at + 3 + (header >> 3)));
      at += 3 + (header >> 3);
    }
    expect(at).toBe(message.length);
    return Buffer.concat(blocks);
  };
}

function inflater(): (message: Buffer) => Buffer {
  const stream = new Inflate({ flush: constants.Z_SYNC_FLUSH });
  return (message) => {
    expect(message.subarray(-4).toString('hex')).toBe('0000ffff');
    stream.write(message);
    return stream.read() as Buffer;
  };
}

const decoders: Readonly<Record<Compression, () => (message: Buffer) => Buffer>> = {
  none: () => (message) => message,
  payload: () => (message) => (message[0] === 0x78 ? inflateSync(message) : message),
  'zlib-stream': inflater,
  'zstd-stream': rawZstdReader,
};

interface Said {
  readonly seq: number;
  readonly t: string;
  readonly shared: string;
  readonly own: string;
}

/** A connection through the real outbox and flusher, and what its peer reads. */
class Line {
  readonly outbox: Outbox;
  private written: Buffer[] = [];
  private readonly tasks: (() => void)[] = [];
  private readonly flusher: Flusher;
  private readonly decode: (message: Buffer) => Buffer;
  private greeted = false;

  constructor(
    private readonly wires: Wires,
    private readonly encoding: EncodingName,
    private readonly compression: Compression,
  ) {
    const sink = {
      writableLength: 0,
      write: (bytes: Uint8Array) => this.written.push(Buffer.from(bytes)) > 0,
      once: fail,
      cork: () => undefined,
      uncork: () => undefined,
    };
    this.outbox = new Outbox(sink, 1, { readyState: 1 });
    this.outbox.wire = wires.open(encoding, compression);
    const loop = { monotonic: () => 0, turn: (task: () => void) => void this.tasks.push(task), after: fail };
    this.flusher = new Flusher(
      loop,
      { outboundPressure: 1 << 18, outboundLimit: 1 << 20 },
      {
        pressure: fail,
        wrote: () => undefined,
        flushed: () => undefined,
        delivered: () => undefined,
        tooSlow: fail,
      },
      () => true,
    );
    this.decode = decoders[compression]();
  }

  say(payload: object): void {
    const wire = this.outbox.wire!;
    const text = JSON.stringify(payload);
    this.outbox.push(this.greeted ? wire.payload(text) : wire.greeting(text), 0);
    this.greeted = true;
    this.flusher.enqueue(this.outbox);
  }

  dispatch({ seq, t, shared, own }: Said, tails = tailsOf(this.wires, { seq, t, shared, own })): void {
    this.outbox.push(this.outbox.wire!.tail(tails), seq);
    this.flusher.enqueue(this.outbox);
  }

  /** Each frame that has left since the last look, as the peer understands it. */
  heard(): unknown[] {
    for (let task = this.tasks.shift(); task; task = this.tasks.shift()) task();
    const bytes = Buffer.concat(this.written);
    this.written = [];
    return framesOf(bytes).map(({ binary, data }) => {
      const plain = this.decode(data);
      const text = this.compression === 'payload' && data === plain;
      expect(binary).toBe(!text);
      return this.encoding === 'etf' ? decodeEtf(plain, Infinity) : JSON.parse(plain.toString());
    });
  }
}

function fail(): never {
  throw new Error('not expected');
}

function tailsOf(wires: Wires, { t, shared, own }: Said): EventTails {
  return new EventTails({ name: t, data: Buffer.from(shared), own: Buffer.from(own) }, wires.blocks);
}

/** Data whose text is cut somewhere, as GUILD_CREATE's is; now and then longer than every border inside. */
const events = fc
  .record({
    t: fc.constantFrom('MESSAGE_CREATE', 'GUILD_CREATE', 'É'),
    value: fc.jsonValue({ stringUnit: 'grapheme', maxDepth: 3 }),
    size: fc.oneof(fc.nat(300), fc.constantFrom(1000, 4090, 8190, 16_380, 65_530, 131_000, 300_000)),
    more: fc.nat(80),
    cut: fc.boolean(),
  })
  .map(({ t, value, size, more, cut }) => {
    const text = JSON.stringify({ value, text: 'lorem ipsum '.repeat(size / 12) + 'x'.repeat(more) });
    const at = cut ? text.length - 2 : text.length;
    return { t, shared: text.slice(0, at), own: text.slice(at) };
  });
const steps = fc.array(
  fc.oneof({ weight: 3, arbitrary: events }, fc.constantFrom('ack' as const, 'flush' as const)),
  {
    maxLength: 12,
  },
);
const ack = { op: 11, d: null, s: null, t: null };
const hello = { op: 10, d: { heartbeat_interval: 41_250, _trace: [] }, s: null, t: null };

const zstdNever = { cost: 1, open: fail };
const kinds: readonly (readonly [string, EncodingName, Compression, number])[] = [
  ['terms', 'etf', 'none', 0],
  ['whole documents', 'json', 'payload', 0],
  ['shared blocks', 'json', 'zlib-stream', 0],
  ['shared blocks of terms', 'etf', 'zlib-stream', 0],
  ['a deflater of its own', 'json', 'zlib-stream', 1 << 20],
  ['a deflater of its own for terms', 'etf', 'zlib-stream', 1 << 20],
  ['raw zstd blocks', 'json', 'zstd-stream', 0],
  ['raw zstd blocks of terms', 'etf', 'zstd-stream', 0],
];

describe.each(kinds)('a connection with %s', (_, encoding, compression, budget) => {
  it('reads every payload, each from one frame, in order, whatever shares a write', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(1, 250, 2 ** 31 - 3, 2 ** 32 - 20), (list, first) => {
        const line = new Line(new Wires(budget, zstdNever), encoding, compression);
        const said: unknown[] = [hello];
        const heard: unknown[] = [];
        let seq = first;
        line.say(hello);
        for (const step of list) {
          if (step === 'flush') heard.push(...line.heard());
          else if (step === 'ack') {
            said.push(ack);
            line.say(ack);
          } else {
            said.push({ op: 0, s: seq, t: step.t, d: JSON.parse(step.shared + step.own) });
            line.dispatch({ ...step, seq: seq++ });
          }
        }
        heard.push(...line.heard());
        expect(heard).toEqual(said);
        line.outbox.close();
      }),
      { numRuns: 60 },
    );
  });
});

const zstd = zstdContexts();
if (zstd === undefined)
  process.stderr.write('left out: zstd compressors; this Node has no zstd, and zstd-napi is not installed\n');

(zstd ? describe : describe.skip)('a zstd compressor', () => {
  it('writes one frame that stays open, with every payload flushed and a small window', () => {
    const compressor = zstd!.open();
    const first = Buffer.from(compressor.compress(Buffer.from('{"op":10}')));
    expect(first.readUInt32LE(0)).toBe(0xfd2fb528);
    const message = Buffer.from(JSON.stringify({ content: 'the same words again and again '.repeat(10) }));
    const [once, again] = [compressor.compress(message), compressor.compress(message)];
    expect(again.length).toBeLessThan(once.length);
    expect(again.length).toBeLessThan(message.length / 5);
    expect(compressor.compress(Buffer.alloc(300_000, 'ab')).length).toBeLessThan(10_000);
    compressor.close();
  });
});

describe('memory for compressors', () => {
  it('is given out while it lasts, and given back when connections end', () => {
    const wires = new Wires(2 * 96 * 1024, undefined);
    const [first, second, third] = [1, 2, 3].map(() => wires.open('json', 'zlib-stream')!);
    expect([first!.pack, second!.pack].every((pack) => pack !== undefined)).toBe(true);
    expect(third!.pack).toBeUndefined();
    expect([wires.contexts, wires.contextBytes]).toEqual([2, 2 * 96 * 1024]);
    first!.release();
    first!.release();
    expect([wires.contexts, wires.contextBytes]).toEqual([1, 96 * 1024]);
    expect(wires.open('etf', 'zlib-stream')!.pack).toBeDefined();
    expect(wires.open('json', 'zlib-stream')).toBe(third);
  });

  it('is not needed by connections that share what is compressed', () => {
    const wires = new Wires(0, undefined);
    for (const encoding of ['json', 'etf'] as const)
      for (const compression of ['zlib-stream', 'none'] as const)
        expect(wires.open(encoding, compression)).toBe(wires.open(encoding, compression));
    expect(wires.contexts).toBe(0);
    expect(wires.open('json', 'none')).toBeUndefined();
  });
});

describe('an event', () => {
  const event = {
    seq: 1,
    t: 'GUILD_CREATE',
    shared: `{"text":"${'members '.repeat(2000)}"`,
    own: ',"own":1}',
  };

  it('is compressed once for all who share it', () => {
    const wires = new Wires(0, undefined);
    const tails = tailsOf(wires, event);
    const tail = wires.open('json', 'zlib-stream')!.tail(tails);
    expect(wires.open('json', 'zlib-stream')!.tail(tails)).toBe(tail);
    expect(wires.open('json', 'payload')!.tail(tails)).toBe(tail);
    expect(wires.open('etf', 'zlib-stream')!.tail(tails)).not.toBe(tail);
  });

  it('whose shared part came before is not compressed again, with a compressor of its own neither', () => {
    const wires = new Wires(1 << 20, undefined);
    const [one, other] = [event, { ...event, own: ',"own":2}' }].map((said) => {
      const line = new Line(wires, 'json', 'zlib-stream');
      line.say(hello);
      line.dispatch(said);
      line.dispatch({ seq: 2, t: 'X', shared: '{}', own: '' });
      return [line.outbox.tailAt(1).parts[0], line.heard()] as const;
    });
    expect(other![0]).toBe(one![0]);
    expect(one![1][1]).toMatchObject({ s: 1, d: { own: 1 } });
    expect(other![1]).toHaveLength(3);
    expect(other![1][1]).toMatchObject({ s: 1, d: { own: 2 } });
  });
});
