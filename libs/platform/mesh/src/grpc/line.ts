import type { Hello, Welcome } from '@derailed/shared/contract';
import type { Cancel, Clock, Rng } from '@derailed/shared/kernel';
import type { Dial, OutgoingStream } from './dial';

/** What the peer decides about its line. */
export interface LineOwner {
  readonly id: string;
  /** Undefined: the peer is not worth another attempt. */
  hello(): Hello | undefined;
  /** `ready`: the stream may carry frames from now on. `again`: dial at once. `unfit`: dial later. */
  welcomed(welcome: Welcome, hello: Hello): 'ready' | 'again' | 'unfit';
  received(seq: number): void;
  /** The line takes frames. */
  writable(): void;
  /** The line was ready and is no more, or an attempt failed. */
  broken(why: string): void;
}

export interface LineParts {
  readonly dial: Dial;
  readonly clock: Clock;
  readonly rng: Rng;
}

const firstWaitMs = 50;
const longestWaitMs = 2000;
const welcomeMs = 3000;

/** Our direction to a peer: one stream at a time, opened again, with growing random waits, until it is dropped. */
export class Line {
  private stream: OutgoingStream | undefined;
  private stopTimer: Cancel | undefined;
  private attempts = 0;
  private isReady = false;
  private isFull = false;
  private isActive = false;

  constructor(
    private readonly owner: LineOwner,
    private readonly parts: LineParts,
  ) {}

  /** Whether there is, or soon will be, an attempt. */
  get active(): boolean {
    return this.isActive;
  }

  /** Whether the peer has welcomed the stream. */
  get ready(): boolean {
    return this.isReady;
  }

  get takesFrames(): boolean {
    return this.isReady && !this.isFull;
  }

  open(): void {
    if (this.isActive) return;
    this.isActive = true;
    this.attempt();
  }

  /** Ends the stream, or the attempts. */
  drop(): void {
    this.isActive = false;
    this.attempts = 0;
    this.hangUp();
  }

  write(frame: Buffer): void {
    if (this.stream && !this.stream.write(frame)) this.isFull = true;
  }

  private attempt(): void {
    const hello = this.owner.hello();
    if (!hello) return this.drop();
    this.stopTimer = this.parts.clock.after(welcomeMs, () => this.retry('no welcome came in time'));
    this.stream = this.parts.dial(this.owner.id, hello, {
      welcome: (welcome) => this.welcomed(welcome, hello),
      received: (seq) => this.owner.received(seq),
      drained: () => {
        this.isFull = false;
        this.owner.writable();
      },
      closed: (why) => this.retry(why),
    });
  }

  private welcomed(welcome: Welcome, hello: Hello): void {
    const stream = this.stream;
    this.stopTimer?.();
    const verdict = this.owner.welcomed(welcome, hello);
    // The owner may have dropped this stream, and even opened another.
    if (this.stream !== stream || !this.isActive) return;
    if (verdict === 'unfit') return this.retry('the other side is not who was dialled');
    this.attempts = 0;
    if (verdict === 'again') {
      this.hangUp();
      return this.attempt();
    }
    this.isReady = true;
    this.owner.writable();
  }

  private retry(why: string): void {
    this.hangUp();
    const longest = Math.min(firstWaitMs * 2 ** this.attempts++, longestWaitMs);
    this.stopTimer = this.parts.clock.after(longest * (0.5 + this.parts.rng.next() / 2), () =>
      this.attempt(),
    );
    this.owner.broken(why);
  }

  private hangUp(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
    this.isReady = this.isFull = false;
    this.stream?.close();
    this.stream = undefined;
  }
}
