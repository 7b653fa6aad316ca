import type { Cancel, Clock } from '@derailed/shared/kernel';

interface Entry {
  readonly at: number;
  readonly order: number;
  task: (() => void) | undefined;
}

/** What Node can't fire earlier than (ms). */
const leastTimer = 1;
/** What a turn of the event loop takes (ms). */
const turnMs = 0.02;

/**
 * The one event loop of a simulated world: everything that happens is a task at an instant of virtual time, and tasks
 * of one instant run in the order in which they were set. After each task all promises that it settled have run on,
 * so that shells with async functions can be driven, as long as they wait for nothing real.
 */
export class VirtualLoop {
  private readonly heap: Entry[] = [];
  private order = 0;
  private time = 0;

  /** @param failed hears of a task that threw */
  constructor(private readonly failed: (error: unknown) => void) {}

  get now(): number {
    return this.time;
  }

  /** Runs the task at that time, or now if it is over. */
  at(time: number, task: () => void): Cancel {
    const entry: Entry = { at: Math.max(time, this.time), order: this.order++, task };
    this.push(entry);
    return () => {
      entry.task = undefined;
    };
  }

  after(ms: number, task: () => void): Cancel {
    return this.at(this.time + ms, task);
  }

  /** Lets time pass up to there. */
  async run(until: number): Promise<void> {
    for (let next = this.heap[0]; next !== undefined && next.at <= until; next = this.heap[0]) {
      this.pop();
      const { task } = next;
      if (task === undefined) continue;
      this.time = next.at;
      try {
        task();
      } catch (error) {
        this.failed(error);
      }
      // Promises run to their end before the next task does.
      await new Promise<void>(settled);
    }
    this.time = until;
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

const settled = (resolve: () => void): void => {
  setImmediate(resolve);
};

function isBefore(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

/**
 * A process of the simulated world: its clock and its turns. It can be stopped and woken (SIGSTOP, SIGCONT: time goes
 * on meanwhile), and killed: nothing of it runs afterwards.
 */
export class VirtualProcess {
  readonly clock: Clock;
  /** As the mesh wants it. */
  readonly scheduler: { microtask(task: () => void): void; turn(task: () => void): void };
  private alive = true;
  private stopped = false;
  private backlog: (() => void)[] = [];

  /**
   * @param host others find it under this name
   * @param epoch wall time at the world's start, in milliseconds since 1970
   * @param uptime what monotonic() said then: no two machines agree on it
   */
  constructor(
    readonly loop: VirtualLoop,
    readonly host: string,
    epoch: number,
    uptime: number,
  ) {
    this.clock = {
      now: () => Math.floor(epoch + loop.now),
      monotonic: () => uptime + loop.now,
      after: (ms, task) => this.at(loop.now + Math.max(leastTimer, ms), task),
    };
    this.scheduler = {
      microtask: (task) => {
        queueMicrotask(() => {
          if (this.alive) task();
        });
      },
      turn: (task) => void this.at(loop.now + turnMs, task),
    };
  }

  get isAlive(): boolean {
    return this.alive;
  }

  get isStopped(): boolean {
    return this.stopped;
  }

  /** Runs a task of this process at that time, or when it is woken. */
  at(time: number, task: () => void): Cancel {
    let open = true;
    const run = (): void => {
      if (open && this.alive) task();
    };
    const cancel = this.loop.at(time, () => {
      if (this.stopped) this.backlog.push(run);
      else run();
    });
    return () => {
      open = false;
      cancel();
    };
  }

  kill(): void {
    this.alive = false;
    this.backlog = [];
  }

  stop(): void {
    this.stopped = true;
  }

  wake(): void {
    this.stopped = false;
    const { backlog } = this;
    this.backlog = [];
    for (const task of backlog) this.at(this.loop.now, task);
  }
}
