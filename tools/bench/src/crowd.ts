import { type Socket, connect } from 'node:net';
import { FrameCounter } from './frame-counter';

/** How receivers get in. */
export interface Entrance {
  /** HOST:PORT of a WebSocket server. */
  readonly at: string;
  /** The query of its upgrade; JSON without compression when absent. */
  readonly query?: string;
  /** What the receiver of this number sends first, as a frame; nothing for a server that asks for nothing. */
  readonly opening?: (receiver: number) => Buffer;
  /** Frames that a receiver has when it is in. */
  readonly frames: number;
  /** What counts a receiver's frames; a FrameCounter when absent. */
  readonly counter?: () => FrameCounter;
}

/** Receivers that come in at once. */
const abreast = 32;
/** Milliseconds until receivers that still lack frames count as broken. */
const patience = 30_000;
/** Nothing has come for so many milliseconds: quiet. */
const quiet = 500;

/** All sockets are read into the same memory: it is scanned before the next read. */
const readInto = Buffer.allocUnsafeSlow(65_536);
const endOfHead = Buffer.from('\r\n\r\n');

interface Receiver {
  readonly number: number;
  readonly socket: Socket;
  readonly counter: FrameCounter;
  /** Frames that it had at the last mark. */
  marked: number;
}

/** Many receivers of one server, on bare sockets; they count frames and bytes. */
export class Crowd {
  /** Told of every read that ends frames: which receiver, and its frames since the mark before and after. */
  onFrames: ((receiver: number, before: number, after: number) => void) | undefined;
  /** Frames and bytes of all receivers since the mark. */
  frames = 0;
  bytes = 0;
  private readonly receivers: Receiver[] = [];
  private goal = Infinity;
  private reached: (() => void) | undefined;
  private broken: Error | undefined;
  private fail: ((error: Error) => void) | undefined;
  private leaving = false;

  constructor(private readonly entrance: Entrance) {}

  get size(): number {
    return this.receivers.length;
  }

  /** Lets `count` more in. */
  async grow(count: number): Promise<void> {
    let next = this.size;
    const end = next + count;
    const door = async (): Promise<void> => {
      while (next < end) await this.enter(next++);
    };
    await Promise.all(Array.from({ length: abreast }, door));
  }

  /** Counts from here. */
  mark(): void {
    this.frames = 0;
    this.bytes = 0;
    for (const receiver of this.receivers) receiver.marked = receiver.counter.frames;
  }

  /** When all receivers together have `frames` since the mark. @throws Error when one is closed or they do not come */
  async until(frames: number): Promise<void> {
    if (this.broken) throw this.broken;
    if (this.frames >= frames) return;
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => {
        reject(
          new Error(`${this.frames} of ${frames} frames came to ${this.size} receivers in ${patience} ms`),
        );
      }, patience);
      this.goal = frames;
      this.reached = () => {
        clearTimeout(late);
        resolve();
      };
      this.fail = reject;
    });
  }

  /** @throws Error unless each receiver has exactly so many frames since the mark */
  expectEach(frames: number): void {
    for (const { number, counter, marked } of this.receivers) {
      const has = counter.frames - marked;
      if (has !== frames) throw new Error(`receiver ${number} has ${has} frames instead of ${frames}`);
    }
  }

  /** Frames of each receiver since the mark. */
  get counts(): readonly number[] {
    return this.receivers.map(({ counter, marked }) => counter.frames - marked);
  }

  /** When nothing has come for a while. */
  async settled(): Promise<void> {
    for (let last = -1; last !== this.bytes;) {
      last = this.bytes;
      await new Promise((resolve) => setTimeout(resolve, quiet));
    }
    if (this.broken) throw this.broken;
  }

  /** Sends the same to the server from each receiver that is in. */
  tell(frame: Buffer): void {
    const { frames } = this.entrance;
    for (const { socket, counter } of this.receivers) if (counter.frames >= frames) socket.write(frame);
  }

  /** The same, and waits until each has so many frames more. */
  async say(frame: Buffer, answers: number): Promise<void> {
    this.mark();
    this.tell(frame);
    await this.until(answers * this.size);
  }

  /** Reads nothing any more, and does not mind to be closed for it. */
  stall(): void {
    this.leaving = true;
    for (const { socket } of this.receivers) socket.pause();
  }

  leave(): void {
    this.leaving = true;
    for (const { socket } of this.receivers) socket.destroy();
  }

  private enter(number: number): Promise<void> {
    const { at, query = 'v=10&encoding=json', opening, frames, counter: counterOf } = this.entrance;
    const [host, port] = at.split(':') as [string, string];
    return new Promise((resolve, reject) => {
      const counter = counterOf?.() ?? new FrameCounter();
      let head: Buffer | undefined = Buffer.alloc(0);
      const socket = connect({
        host,
        port: Number(port),
        noDelay: true,
        onread: {
          buffer: readInto,
          callback: (length) => {
            let from = 0;
            if (head) {
              const before = head.length;
              head = Buffer.concat([head, readInto.subarray(0, length)]);
              const end = head.indexOf(endOfHead);
              if (end < 0) return true;
              if (!head.toString('latin1', 0, 12).endsWith(' 101'))
                reject(new Error(head.toString('latin1', 0, end)));
              from = end + endOfHead.length - before;
              head = undefined;
              if (opening) socket.write(opening(number));
            }
            this.read(receiver, length, from);
            if (counter.frames >= frames) resolve();
            return true;
          },
        },
      });
      const receiver: Receiver = { number, socket, counter, marked: 0 };
      this.receivers.push(receiver);
      const gone = (why: string): void => {
        const code = counter.closeCode === undefined ? '' : `, close code ${counter.closeCode}`;
        const error = new Error(`receiver ${number} of ${at} lost its socket (${why}${code})`);
        if (!this.leaving) this.broken ??= error;
        this.fail?.(error);
        reject(error);
      };
      socket.on('error', (error) => {
        gone(error.message);
      });
      socket.on('close', () => {
        gone('closed');
      });
      socket.write(
        `GET /?${query} HTTP/1.1\r\nHost: ${at}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
      );
    });
  }

  private read(receiver: Receiver, length: number, from: number): void {
    const { counter, marked, number } = receiver;
    const before = counter.frames;
    counter.scan(readInto, from, length);
    this.bytes += length - from;
    const after = counter.frames;
    if (after === before) return;
    this.onFrames?.(number, before - marked, after - marked);
    this.frames += after - before;
    if (this.frames >= this.goal) {
      this.goal = Infinity;
      this.reached?.();
    }
  }
}
