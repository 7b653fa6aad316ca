import { Unreachable } from '@derailed/platform/mesh';
import { CallError, type Clock, Code, unavailable } from '@derailed/shared/kernel';

/** What became of the keys of a call that had one owner. */
export type Outcome<T> = PromiseSettledResult<T>;

/**
 * Makes the call to an owner.
 * @param owner undefined: nobody has the role
 * @param keys those of the call's that it owns
 * @param withinMs what is left of the call's time
 * @param restarts it is the first of the calls for its key that go again
 */
export type Send<T> = (
  owner: string | undefined,
  keys: readonly string[],
  withinMs: number,
  restarts: boolean,
) => Promise<T>;

interface Request {
  readonly send: Send<unknown>;
  readonly until: number;
  readonly outcomes: Outcome<unknown>[];
  readonly resolve: (outcomes: Outcome<never>[]) => void;
  /** Keys without an outcome. */
  open: number;
}

/** A request's place in the lane of one of its keys. */
interface Slot {
  readonly request: Request;
  readonly key: string;
  failure: CallError | undefined;
  /** One before it was given up: it must not be tried again either. */
  isGivenUp: boolean;
}

interface Lane {
  /** In the order of the calls. */
  readonly slots: Set<Slot>;
  /** How many of them are on their way, and where to. */
  flying: number;
  owner: string | undefined;
  /** Nothing goes before all that is on its way has come back. */
  isStalled: boolean;
  /** The first of a lane that was stalled, which goes alone. */
  scout: Slot | undefined;
  /** How often it has gone. */
  attempts: number;
}

/** How soon an owner that was not there, or is one no more, is asked again (ms): at first, and at most. */
const firstRetry = 5;
const longestRetry = 50;

/**
 * Calls to the owners of keys, kept in order for each key while it moves: when one fails because its owner is gone or
 * not the owner (any more), it and all behind it wait until what is on its way has come back, and go again in their
 * order to the owner of then: the first alone, for a node that does not know yet that it is the owner refuses it, and would
 * take those behind it a moment later. The event ids in them make sure that nothing happens twice. When one is
 * given up because its time is over, those behind it are too: whoever makes it again wants them behind it still.
 */
export class Lanes {
  private readonly lanes = new Map<string, Lane>();

  /**
   * @param ownerOf who owns a key at this moment
   * @param mayMove whether the keys of a node that can't be reached will have another owner
   * @param mayCall whether this node is on the list as far as it knows: one that slept may hold calls that others have made
   * again long ago, and owners that are new would not recognise them
   */
  constructor(
    private readonly clock: Clock,
    private readonly ownerOf: (key: string) => string | undefined,
    private readonly mayMove: () => boolean,
    private readonly mayCall: () => boolean,
  ) {}

  /** Keys with calls that have no answer. */
  get size(): number {
    return this.lanes.size;
  }

  /**
   * Calls each owner of these keys once, as long as none of them moves.
   * @param withinMs how long it is tried
   * @returns when all is over: an answer or a failure for each call that was made in the end. A failure is UNAVAILABLE
   * when no owner was found in time, or whatever an owner answered
   */
  call<T>(keys: Iterable<string>, withinMs: number, send: Send<T>): Promise<Outcome<T>[]> {
    return new Promise<Outcome<T>[]>((resolve) => {
      const until = this.clock.monotonic() + withinMs;
      const request: Request = { send, until, outcomes: [], resolve, open: 0 };
      const flights = new Map<string | undefined, Slot[]>();
      for (const key of keys) {
        const slot: Slot = { request, key, failure: undefined, isGivenUp: false };
        request.open++;
        const lane = this.open(key);
        lane.slots.add(slot);
        if (lane.isStalled) continue;
        const owner = this.ownerOf(key);
        if (lane.flying > 0 && lane.owner !== owner) {
          // What went to the owner before may come back, and has to be first at the next.
          lane.isStalled = true;
          continue;
        }
        const flight = flights.get(owner);
        if (flight === undefined) flights.set(owner, [slot]);
        else flight.push(slot);
      }
      for (const [owner, flight] of flights) this.fly(request, owner, flight);
      if (request.open === 0) resolve([]);
    });
  }

  private open(key: string): Lane {
    let lane = this.lanes.get(key);
    if (lane === undefined) {
      const idle = { flying: 0, owner: undefined, isStalled: false, scout: undefined, attempts: 0 };
      this.lanes.set(key, (lane = { slots: new Set(), ...idle }));
    }
    return lane;
  }

  private fly(request: Request, owner: string | undefined, flight: readonly Slot[], restarts = false): void {
    for (const { key } of flight) {
      const lane = this.open(key);
      lane.owner = owner;
      lane.flying++;
    }
    const keys = flight.map(({ key }) => key);
    const sent = this.mayCall()
      ? request.send(owner, keys, request.until - this.clock.monotonic(), restarts)
      : Promise.reject(new CallError(Code.ABORTED, 'this node may be off the member list'));
    sent.then(
      (value) => this.landed(request, flight, { status: 'fulfilled', value }),
      (reason: unknown) => {
        if (this.isMove(reason)) this.returned(flight, reason);
        else this.landed(request, flight, { status: 'rejected', reason });
      },
    );
  }

  /** That is what has become of it. */
  private landed(request: Request, flight: readonly Slot[], outcome: Outcome<unknown>): void {
    const isOverdue = outcome.status === 'rejected' && isTimeout(outcome.reason);
    for (const slot of flight) {
      this.open(slot.key).flying--;
      if (isOverdue) this.giveUpBehind(slot);
      this.leave(slot);
    }
    this.settle(request, flight.length, outcome);
  }

  /** The owner was not the owner, or is gone: it goes again, and nothing overtakes it. */
  private returned(flight: readonly Slot[], failure: CallError): void {
    for (const slot of flight) {
      slot.failure = failure;
      const lane = this.open(slot.key);
      lane.flying--;
      lane.isStalled = true;
      this.wait(slot.key, lane);
    }
  }

  /** Those that are on their way may still arrive, where it may have arrived before them. */
  private giveUpBehind(overdue: Slot): void {
    let isBehind = false;
    for (const slot of this.open(overdue.key).slots) {
      if (isBehind) slot.isGivenUp = true;
      else isBehind = slot === overdue;
    }
  }

  private settle(request: Request, keys: number, outcome: Outcome<unknown>): void {
    request.outcomes.push(outcome);
    request.open -= keys;
    if (request.open === 0) request.resolve(request.outcomes as Outcome<never>[]);
  }

  private leave(slot: Slot): void {
    const lane = this.open(slot.key);
    lane.slots.delete(slot);
    if (lane.slots.size === 0) this.lanes.delete(slot.key);
    else if (lane.scout === slot) this.release(lane);
    else if (lane.isStalled) this.wait(slot.key, lane);
  }

  /** Nothing goes again while something is on its way: it could be overtaken. */
  private wait(key: string, lane: Lane): void {
    if (lane.flying > 0) return;
    const isElsewhere = this.ownerOf(key) !== lane.owner;
    const ms = isElsewhere ? 0 : Math.min(longestRetry, firstRetry * 2 ** lane.attempts++);
    this.clock.after(ms, () => this.again(key, lane));
  }

  private again(key: string, lane: Lane): void {
    if (!lane.isStalled || lane.flying > 0) return;
    lane.isStalled = false;
    lane.scout = undefined;
    for (const slot of [...lane.slots]) {
      if (!this.resend(slot, true)) continue;
      lane.scout = slot;
      lane.isStalled = true;
      return;
    }
  }

  /** The owner has answered the first: the others follow. */
  private release(lane: Lane): void {
    lane.scout = undefined;
    lane.isStalled = false;
    lane.attempts = 0;
    for (const slot of [...lane.slots]) this.resend(slot, false);
  }

  /** False: its time is over, or that of one before it, and it has failed. */
  private resend(slot: Slot, restarts: boolean): boolean {
    const { request, key, failure } = slot;
    if (!slot.isGivenUp && this.clock.monotonic() < request.until) {
      this.fly(request, this.ownerOf(key), [slot], restarts);
      return true;
    }
    this.giveUpBehind(slot);
    this.leave(slot);
    const reason = unavailable(failure?.message ?? `no owner of ${key} was found in time`);
    this.settle(request, 1, { status: 'rejected', reason });
    return false;
  }

  private isMove(error: unknown): error is CallError {
    if (!(error instanceof CallError)) return false;
    return error.code === Code.ABORTED || (error instanceof Unreachable && this.mayMove());
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof CallError && error.code === Code.DEADLINE_EXCEEDED;
}
