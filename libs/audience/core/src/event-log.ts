import type { AudienceEvent } from './event';

/**
 * The last events of an audience, for session-nodes that were away. Bounded twice; the oldest go first.
 * Indexes are contiguous, so an event is found by subtraction.
 */
export class EventLog {
  private readonly events: AudienceEvent[] = [];
  /** Events before this position were let go; the array is compacted when they are half of it. */
  private head = 0;
  private bytes = 0;

  constructor(
    private readonly maxEvents: number,
    private readonly maxBytes: number,
  ) {}

  push(event: AudienceEvent): void {
    this.events.push(event);
    this.bytes += sizeOf(event);
    while (this.events.length - this.head > this.maxEvents || this.bytes > this.maxBytes) {
      const oldest = this.events[this.head];
      if (oldest === undefined) break;
      this.bytes -= sizeOf(oldest);
      this.head++;
    }
    if (this.head > 32 && this.head * 2 > this.events.length) {
      this.events.splice(0, this.head);
      this.head = 0;
    }
  }

  /** All after `index`, oldest first; undefined when some of them are no longer here. `newest` is the audience's index. */
  after(index: number, newest: number): AudienceEvent[] | undefined {
    if (index >= newest) return [];
    const first = this.events[this.head];
    if (first === undefined || first.index > index + 1) return undefined;
    return this.events.slice(this.head + index + 1 - first.index);
  }
}

/** About what the id of a session or user takes. */
const idBytes = 32;

function sizeOf({ event, sessionIds, exceptSessionIds, alsoUserIds }: AudienceEvent): number {
  const named = (sessionIds.length + exceptSessionIds.length + alsoUserIds.length) * idBytes;
  return event === undefined ? named : named + event.data.length + event.own.length;
}
