import type { SeqBreak, SessionHistory } from '../judge/history';

const firstSize = 1024;

/** What one session got, while it is written down. */
export class SessionRecord {
  /** Of the last dispatch; what a resume begins after. */
  seq = 0;
  private received = new Uint32Array(firstSize);
  private count = 0;
  private readonly entered = new Map<number, number>();
  private readonly early: number[] = [];
  private readonly breaks: SeqBreak[] = [];
  private end: SessionHistory['end'];

  constructor(
    readonly client: number,
    readonly sessionId: string,
    private readonly readyAt: number,
    private heardAt = readyAt,
  ) {}

  get events(): number {
    return this.count;
  }

  get guilds(): number {
    return this.entered.size;
  }

  /** A dispatch, whatever it is. */
  dispatch(seq: number, now: number): void {
    if (seq !== this.seq + 1) this.breaks.push({ expected: this.seq + 1, got: seq, at: now });
    this.seq = seq;
    this.heardAt = now;
  }

  enter(guild: number, now: number): void {
    if (!this.entered.has(guild)) this.entered.set(guild, now);
  }

  event(event: number, guild: number): void {
    if (!this.entered.has(guild)) this.early.push(event);
    if (this.count === this.received.length) {
      const larger = new Uint32Array(this.count * 2);
      larger.set(this.received);
      this.received = larger;
    }
    this.received[this.count++] = event;
  }

  /** @param why in two words */
  close(why: string, now: number): void {
    this.end ??= { at: now, why };
  }

  history(): SessionHistory {
    return {
      client: this.client,
      sessionId: this.sessionId,
      readyAt: this.readyAt,
      enteredAt: this.entered,
      received: this.received.slice(0, this.count),
      early: this.early,
      seqBreaks: this.breaks,
      heardAt: this.heardAt,
      ...(this.end && { end: this.end }),
    };
  }
}
