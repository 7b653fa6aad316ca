/** Something to do at a time. Dropped entries stay in the heap until their time, and then do nothing. */
export interface Entry {
  readonly at: number;
  task: ((now: number) => void) | undefined;
}

/** Timers of a core: a binary heap by time. Entries of one time run in no particular order. */
export class Agenda {
  private readonly heap: Entry[] = [];

  /** @param at monotonic milliseconds */
  add(at: number, task: (now: number) => void): Entry {
    const entry: Entry = { at, task };
    const { heap } = this;
    let place = heap.push(entry) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= at) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = entry;
    return entry;
  }

  drop(entry: Entry | undefined): void {
    if (entry !== undefined) entry.task = undefined;
  }

  nextWake(): number | undefined {
    while (this.heap[0] !== undefined && this.heap[0].task === undefined) this.removeTop();
    return this.heap[0]?.at;
  }

  /** Runs what is due, what became due meanwhile included. */
  tick(now: number): void {
    for (let top = this.heap[0]; top !== undefined && top.at <= now; top = this.heap[0]) {
      this.removeTop();
      const { task } = top;
      top.task = undefined;
      task?.(now);
    }
  }

  private removeTop(): void {
    const { heap } = this;
    const moved = heap.pop();
    if (moved === undefined || heap.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      let smaller = left;
      if (right !== undefined && right.at < left.at) {
        smaller = right;
        child++;
      }
      if (smaller.at >= moved.at) break;
      heap[place] = smaller;
      place = child;
    }
    heap[place] = moved;
  }
}
