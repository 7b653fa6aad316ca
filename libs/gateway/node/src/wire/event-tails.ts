import {
  type PayloadEncoding,
  type SplicedEvent,
  type Tail,
  adler32,
  jsonEncoding,
} from '@derailed/shared/protocol';
import { uncopiedFrom } from '../outbox';
import { type BlockCache, deflateBlock } from './deflate';
import { type BlocksTail, rawBlocks } from './raw-blocks';

/** A tail as deflate blocks that end at a byte and refer to nothing before them: right in every stream. */
export class DeflatedTail implements Tail {
  readonly length: number;
  private sum: number | undefined;

  constructor(
    readonly parts: readonly Uint8Array[],
    readonly plain: Tail,
  ) {
    this.length = parts.reduce((total, part) => total + part.length, 0);
  }

  /** Adler-32 of the plain tail. */
  get adler(): number {
    return (this.sum ??= this.plain.parts.reduce((sum, part) => adler32(part, sum), 1));
  }
}

/** From so many bytes on a body may well come again, and is worth looking up. */
const lookedUpFrom = 4096;

/** The forms in which an event leaves, each made when the first connection needs it. */
export class EventTails {
  private readonly plains = new Forms<Tail>();
  private readonly deflateds = new Forms<DeflatedTail>();
  private readonly blocks = new Forms<BlocksTail>();

  constructor(
    private readonly event: SplicedEvent,
    private readonly cache: BlockCache,
  ) {}

  plain(encoding: PayloadEncoding): Tail {
    return (this.plains[encoding.name] ??= encoding.tail(this.event, uncopiedFrom));
  }

  deflated(encoding: PayloadEncoding): DeflatedTail {
    return (this.deflateds[encoding.name] ??= this.deflate(encoding));
  }

  rawBlocks(encoding: PayloadEncoding): BlocksTail {
    return (this.blocks[encoding.name] ??= rawBlocks(this.plain(encoding)));
  }

  private deflate(encoding: PayloadEncoding): DeflatedTail {
    const plain = this.plain(encoding);
    if (plain.length < lookedUpFrom) return new DeflatedTail([deflateBlock(plain.parts)], plain);
    const { data, own } = this.event;
    if (encoding !== jsonEncoding || own.length === 0)
      return new DeflatedTail([this.cache.block(plain.parts)], plain);
    // A guild's GUILD_CREATE: what all its members get is compressed once, what each gets besides is short.
    const [opening, , , closer] = encoding.tail(this.event, 0).parts;
    return new DeflatedTail([this.cache.block([opening!, data]), deflateBlock([own, closer!])], plain);
  }
}

/** One of a kind per encoding. */
class Forms<T> {
  json: T | undefined;
  etf: T | undefined;
}
