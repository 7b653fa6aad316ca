import type { Event } from '@derailed/audience/core';
import type { AudienceView } from './audience-view';
import type { Outbox } from './effects';
import { type RecentEvents, type ReplayEvent, type ReplayEvents, moveFlow } from './move-messages';
import { type Held, hold } from './replay-buffer';

/** Of one message; a little under what travels whole. */
const messageBytes = 48 * 1024;
const messageEvents = 256;
const messageIds = 1024;
/** What one shelf may hold: past it the next session begins another, and events that it shares with earlier ones go again. */
const shelfBytes = 64 * 1024 * 1024;
const shelfEvents = 65_536;
const nothing = new Uint8Array(0);

/**
 * What one session-node has sent another of the events in its sessions' replay buffers: each once, by number, however
 * many sessions hold it. The data that snapshots of one class share is sent once too.
 */
export class Shelf {
  private number = 0;
  private readonly events = new Map<Held, number>();
  private readonly bodies = new Map<Uint8Array, number>();
  /** How far the ids of each audience were told. */
  private readonly told = new Map<AudienceView, number>();
  private batch: ReplayEvent[] = [];
  private batchBytes = 0;
  private last = 0;
  private bytes = 0;
  private ids = 0;

  constructor(
    private readonly outbox: Outbox,
    private readonly to: string,
  ) {}

  /** The number of the shelf, and how many ids were told under it. */
  get state(): { readonly shelf: number; readonly recentIds: number } {
    return { shelf: this.number, recentIds: this.ids };
  }

  /** Before each session. */
  open(): void {
    if (this.number <= 0 || this.bytes > shelfBytes || this.last > shelfEvents) this.startOver();
  }

  /** Nothing more comes for now: both sides forget it. */
  clear(): void {
    if (this.number <= 0) return;
    this.startOver();
    this.send([]);
    this.reset();
  }

  /** What was sent may be lost: the next session begins another. */
  reset(): void {
    this.number = -Math.abs(this.number);
  }

  /** The event's number. It is on its way with the next flush(). */
  put(dispatch: Held): number {
    const known = this.events.get(dispatch);
    if (known !== undefined) return known;
    const { event } = dispatch;
    const dataOf = event.data.length === 0 ? undefined : this.bodies.get(event.data);
    const sent = dataOf === undefined ? event : { ...event, data: nothing };
    const bytes = sent.data.length + sent.own.length;
    if (this.batchBytes + bytes > messageBytes || this.batch.length >= messageEvents) this.flush();
    const number = ++this.last;
    this.events.set(dispatch, number);
    if (dataOf === undefined) this.bodies.set(event.data, number);
    this.batch.push({ event: sent, dataOf });
    this.batchBytes += bytes;
    this.bytes += bytes;
    return number;
  }

  /** Tells the ids of events that the sessions here have had. */
  tell(view: AudienceView | undefined): void {
    if (view === undefined) return;
    const { kind, id: audienceId, handled } = view;
    const news = view.recent.latest(handled - (this.told.get(view) ?? 0));
    this.told.set(view, handled);
    for (let from = 0; from < news.length; from += messageIds) {
      const ids = news.slice(from, from + messageIds);
      this.ids += ids.length;
      const value = { shelf: this.number, kind, audienceId, ids };
      this.outbox.send(this.to, moveFlow, { $case: 'recentEvents', value });
    }
  }

  /** Everything that has a number is on its way. @returns bytes of events that were put since the last shelf began */
  flush(): number {
    if (this.batch.length > 0) this.send(this.batch);
    this.batch = [];
    this.batchBytes = 0;
    return this.bytes;
  }

  private send(events: ReplayEvent[]): void {
    const value = { shelf: this.number, first: this.last - events.length + 1, events };
    this.outbox.send(this.to, moveFlow, { $case: 'replayEvents', value });
  }

  private startOver(): void {
    this.number = Math.abs(this.number) + 1;
    this.events.clear();
    this.bodies.clear();
    this.told.clear();
    this.batch = [];
    this.last = this.bytes = this.ids = this.batchBytes = 0;
  }
}

/** The other side of a Shelf. */
export class Unshelved {
  private shelf = 0;
  private held: Held[] = [];
  private ids = 0;

  events({ shelf, first, events }: ReplayEvents): void {
    this.open(shelf);
    for (const [at, { event, dataOf }] of events.entries()) {
      // What a part is missing of is missing to whoever asks for it.
      if (event === undefined || first + at !== this.held.length + 1) return;
      const shared = dataOf === undefined ? undefined : this.at(dataOf)?.event;
      this.held.push(shared === undefined ? hold(event) : hold(withData(event, shared), true));
    }
  }

  recent({ shelf, ids }: RecentEvents): void {
    this.open(shelf);
    this.ids += ids.length;
  }

  /** Whether all that this state builds on has come. */
  has({ shelf, recentIds }: { readonly shelf: number; readonly recentIds: number }): boolean {
    return shelf === this.shelf && recentIds === this.ids;
  }

  at(number: number): Held | undefined {
    return this.held[number - 1];
  }

  private open(shelf: number): void {
    if (shelf === this.shelf) return;
    this.shelf = shelf;
    this.held = [];
    this.ids = 0;
  }
}

function withData(event: Event, { data }: Event): Event {
  return { ...event, data };
}
