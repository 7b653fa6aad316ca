import type { Event } from '@derailed/audience/core';

/** An event as replay buffers hold it: one object for all sessions of the node that got it. */
export interface Held {
  readonly event: Event;
  /** What it counts for in a session's limit, however many share it. */
  readonly bytes: number;
  /** What it adds to the node's memory: 0 for data that is kept elsewhere anyway. */
  readonly weight: number;
  /** Buffers that hold it now. */
  holders: number;
  /** Its number in the node's ReplayMemory while some buffer holds it. */
  place: number;
  /** The stream of an audience that it came with, and its index there; empty for what the gateway itself says. */
  readonly flow: string;
  readonly index: number;
}

/** @param sharesData the event's data is the same bytes as another's (snapshots of one class) */
export function hold(event: Event, sharesData = false, flow = '', index = 0): Held {
  const bytes = event.data.length + event.own.length;
  const weight = sharesData ? event.own.length : bytes;
  return { event, bytes, weight, holders: 0, place: 0, flow, index };
}

export interface ReplayLimits {
  readonly events: number;
  readonly bytes: number;
}

/**
 * What all buffers of a node hold together; an event that many share is here, and counts, once. Buffers know events
 * by number: a reference from memory that lives long to an object that is new costs the garbage collector an entry
 * per reference, which at every recipient of every event is the dearest part of holding it. A number costs nothing.
 */
export class ReplayMemory {
  bytes = 0;
  private readonly places: (Held | undefined)[] = [];
  private readonly free: number[] = [];

  /** One buffer more holds it. @returns its number until the last one lets go */
  add(dispatch: Held): number {
    if (dispatch.holders++ === 0) {
      dispatch.place = this.free.pop() ?? this.places.length;
      this.places[dispatch.place] = dispatch;
      this.bytes += dispatch.weight;
    }
    return dispatch.place;
  }

  /** @param place of an event that is held */
  at(place: number): Held {
    return this.places[place]!;
  }

  /** One buffer less holds it. */
  release(dispatch: Held): void {
    if (--dispatch.holders > 0) return;
    this.places[dispatch.place] = undefined;
    this.free.push(dispatch.place);
    this.bytes -= dispatch.weight;
  }
}

const firstSlots = 8;

/**
 * The last dispatches of one session, by seq. Both limits slide: the oldest go first. A dispatch's seq is never
 * stored; it follows from its place. Storage is a power of two of slots that starts empty and doubles.
 */
export class ReplayBuffer {
  /** Numbers in the memory. */
  private slots: number[] = [];
  private head = 0;
  private length = 0;
  private oldest = 1;
  private held = 0;

  constructor(
    private readonly limits: ReplayLimits,
    private readonly memory: ReplayMemory,
  ) {}

  /** Seq of the last dispatch; 0 before the first. */
  get last(): number {
    return this.oldest + this.length - 1;
  }

  /** Seq of the oldest dispatch that is still here; last + 1 when none is. */
  get first(): number {
    return this.oldest;
  }

  get bytes(): number {
    return this.held;
  }

  /** The next dispatch gets this seq. Of an empty buffer. */
  begin(seq: number): void {
    this.oldest = seq;
  }

  /** What is here, the oldest first. */
  *all(): IterableIterator<Held> {
    for (let seq = this.oldest; seq <= this.last; seq++) yield this.at(seq)!;
  }

  /** Gives the dispatch the next seq and returns that. */
  push(dispatch: Held): number {
    if (this.length === this.limits.events) this.evict();
    if (this.length === this.slots.length) this.grow();
    this.slots[(this.head + this.length) & (this.slots.length - 1)] = this.memory.add(dispatch);
    this.length++;
    const seq = this.oldest + this.length - 1;
    this.held += dispatch.bytes;
    while (this.held > this.limits.bytes) this.evict();
    return seq;
  }

  /** Undefined when it is no longer, or not yet, here. */
  at(seq: number): Held | undefined {
    const offset = seq - this.oldest;
    if (offset < 0 || offset >= this.length) return undefined;
    return this.memory.at(this.slots[(this.head + offset) & (this.slots.length - 1)]!);
  }

  /** Lets go of the oldest until no more than so many bytes are held. */
  cut(bytes: number): void {
    while (this.held > bytes) this.evict();
  }

  /** Lets go of everything; the next seq stays what it was. */
  clear(): void {
    while (this.length > 0) this.evict();
    this.slots = [];
    this.head = 0;
  }

  private evict(): void {
    const gone = this.memory.at(this.slots[this.head]!);
    this.head = (this.head + 1) & (this.slots.length - 1);
    this.length--;
    this.oldest++;
    this.held -= gone.bytes;
    this.memory.release(gone);
  }

  private grow(): void {
    const grown = new Array<number>(Math.max(firstSlots, this.slots.length * 2)).fill(0);
    for (let at = 0; at < this.length; at++)
      grown[at] = this.slots[(this.head + at) & (this.slots.length - 1)]!;
    this.slots = grown;
    this.head = 0;
  }
}
