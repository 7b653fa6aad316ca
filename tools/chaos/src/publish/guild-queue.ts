import { Code } from '@derailed/shared/kernel';

/** What becomes of an event after an answer. */
export type Outcome = 'acked' | 'again' | 'refused';

/** After these the event may be sent again, and some sessions may have it already. */
const passing: ReadonlySet<number> = new Set([
  Code.CANCELLED,
  Code.DEADLINE_EXCEEDED,
  Code.RESOURCE_EXHAUSTED,
  Code.ABORTED,
  Code.UNAVAILABLE,
]);

/**
 * Events of one guild on their way through a PublishStream: at most so many without an answer, and after one has
 * failed all that failed again, from the first, once all are answered.
 */
export class GuildQueue {
  private readonly waiting: number[] = [];
  /** In the order of their sending; false until the answer. */
  private readonly sent = new Map<number, 'open' | 'failed'>();
  private failed = false;

  constructor(private readonly window: number) {}

  /** Events without an ack. */
  get size(): number {
    return this.waiting.length + this.sent.size;
  }

  /** Whether all that was sent is answered, and something has to be sent again: after a pause, call recover(). */
  get hasStalled(): boolean {
    return this.failed && [...this.sent.values()].every((state) => state === 'failed');
  }

  add(event: number): void {
    this.waiting.push(event);
  }

  /** What is to be sent now, in order. */
  next(): readonly number[] {
    if (this.failed) return [];
    const events = this.waiting.splice(0, Math.max(0, this.window - this.sent.size));
    for (const event of events) this.sent.set(event, 'open');
    return events;
  }

  /** @param code of the answer, 0 when it was delivered */
  answered(event: number, code: number): Outcome {
    if (code !== 0 && passing.has(code)) {
      this.sent.set(event, 'failed');
      this.failed = true;
      return 'again';
    }
    this.sent.delete(event);
    return code === 0 ? 'acked' : 'refused';
  }

  /** No answer will come any more: what has none is to be sent again. */
  streamLost(): void {
    for (const event of this.sent.keys()) this.sent.set(event, 'failed');
    this.failed = this.sent.size > 0;
  }

  /** What failed is first in line again. */
  recover(): void {
    if (!this.hasStalled) return;
    this.waiting.unshift(...this.sent.keys());
    this.sent.clear();
    this.failed = false;
  }
}
