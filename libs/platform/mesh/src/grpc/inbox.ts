import type { ConnectRequest } from '@derailed/shared/contract';
import { openMessages } from './wire';

export interface InboxLimits {
  /** Bytes of one message. */
  readonly message: number;
  /** Bytes of all messages that have begun to arrive. */
  readonly assembly: number;
}

/** The peer broke the contract of the link. The message is one sentence for the log and for the peer. */
export class LinkFault extends Error {
  override readonly name = 'LinkFault';
}

interface Assembly {
  readonly parts: Buffer[];
  bytes: number;
}

/** The main lane and the signals may each have one long message on its way beside those of the flows. */
const mostOpen = openMessages + 2;

/** The receiver's half of a link, for one epoch after the other: frames in, each once and in order; envelopes out. */
export class Inbox {
  private readonly open = new Map<number, Assembly>();
  private openBytes = 0;
  private last = 0;

  constructor(private readonly limits: InboxLimits) {}

  /** The last frame that was taken. */
  get received(): number {
    return this.last;
  }

  /**
   * The encoded envelopes that are whole with this frame. Undefined: the frame came before.
   * @throws LinkFault
   */
  take(frame: ConnectRequest): readonly Buffer[] | undefined {
    if (frame.seq <= this.last && frame.seq > 0) return undefined;
    if (frame.seq !== this.last + 1) throw new LinkFault(`frame ${frame.seq} came after ${this.last}`);
    const envelopes = this.envelopesOf(frame.kind);
    this.last = frame.seq;
    return envelopes;
  }

  clear(): void {
    this.open.clear();
    this.openBytes = 0;
    this.last = 0;
  }

  private envelopesOf(kind: ConnectRequest['kind']): readonly Buffer[] {
    if (kind?.$case === 'batch') return kind.value.envelopes;
    if (kind?.$case === 'chunk') return this.assemble(kind.value.message, kind.value.part, kind.value.last);
    throw new LinkFault(`a frame of kind ${kind?.$case ?? 'unknown'} came where data was due`);
  }

  private assemble(message: number, part: Buffer, last: boolean): readonly Buffer[] {
    let assembly = this.open.get(message);
    if (!assembly) {
      if (this.open.size >= mostOpen) throw new LinkFault(`more than ${mostOpen} long messages at once`);
      this.open.set(message, (assembly = { parts: [], bytes: 0 }));
    }
    if (part.length === 0) throw new LinkFault('a part without content');
    assembly.parts.push(part);
    assembly.bytes += part.length;
    this.openBytes += part.length;
    if (assembly.bytes > this.limits.message) {
      throw new LinkFault(`a message over ${this.limits.message} bytes (LINK_MESSAGE)`);
    }
    if (this.openBytes > this.limits.assembly) {
      throw new LinkFault(`long messages of over ${this.limits.assembly} bytes together (twice LINK_QUEUE)`);
    }
    if (!last) return [];
    this.open.delete(message);
    this.openBytes -= assembly.bytes;
    return [Buffer.concat(assembly.parts, assembly.bytes)];
  }
}
