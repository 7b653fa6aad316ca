import { CallError, Code } from '@derailed/shared/kernel';
import type { Target } from './event';

/** Failures after which the same event may succeed when it is sent again, so that what follows it has to wait. */
const worthARetry: ReadonlySet<Code> = new Set([
  Code.CANCELLED,
  Code.DEADLINE_EXCEEDED,
  Code.RESOURCE_EXHAUSTED,
  Code.ABORTED,
  Code.UNAVAILABLE,
]);

/** Whether the publisher is expected to send the event again, with the same id. */
export function isWorthARetry(code: Code): boolean {
  return worthARetry.has(code);
}

/** An event that was let through; handed back when its answer is there. */
export interface Ticket {
  readonly id: string;
  readonly keys: readonly string[];
  /** Place among all that was let through. */
  readonly place: number;
}

/**
 * Keeps the order of one publishing stream across failures: after an event to a target failed with a code that is
 * worth a retry, every later one to that target fails with ABORTED until the one that failed first is sent again.
 * Failures that no retry cures (INVALID_ARGUMENT) stand alone.
 *
 * A publish to several users has several targets: it is held back when one of them is, and then holds back the
 * others too, because it has to come before whatever follows it there.
 *
 * Keeps one entry per target that waits for a retry; see `held`.
 */
export class PublishOrder {
  private readonly firstFailed = new Map<string, Pick<Ticket, 'id' | 'place'>>();
  private places = 0;

  /** How many targets wait for an event to be sent again. */
  get held(): number {
    return this.firstFailed.size;
  }

  /**
   * The event came in.
   * @throws CallError ABORTED when it has to wait for another one; it counts as failed then
   */
  admit(id: string, target: Target): Ticket {
    const ticket = { id, keys: keysOf(target), place: ++this.places };
    const blocker = this.blockerOf(ticket, (failed) => failed.id !== id);
    if (blocker !== undefined) {
      this.fail(ticket);
      throw aborted(blocker);
    }
    for (const key of ticket.keys) this.firstFailed.delete(key);
    return ticket;
  }

  /**
   * The event was answered.
   * @param failure undefined when it was delivered
   * @returns what to tell the publisher: the same, or ABORTED when an event before it has failed meanwhile
   */
  settle(ticket: Ticket, failure: CallError | undefined): CallError | undefined {
    if (failure && !isWorthARetry(failure.code)) return failure;
    const blocker = this.blockerOf(ticket, (failed) => failed.place < ticket.place);
    const outcome = blocker === undefined ? failure : aborted(blocker);
    if (outcome) this.fail(ticket);
    return outcome;
  }

  private blockerOf(
    ticket: Ticket,
    blocks: (failed: Pick<Ticket, 'id' | 'place'>) => boolean,
  ): string | undefined {
    for (const key of ticket.keys) {
      const failed = this.firstFailed.get(key);
      if (failed && blocks(failed)) return failed.id;
    }
    return undefined;
  }

  private fail(ticket: Ticket): void {
    for (const key of ticket.keys) {
      const failed = this.firstFailed.get(key);
      if (!failed || ticket.place < failed.place) this.firstFailed.set(key, ticket);
    }
  }
}

function keysOf(target: Target): readonly string[] {
  return target.kind === 'guild' ? [`g:${target.guildId}`] : target.userIds.map((user) => `u:${user}`);
}

function aborted(id: string): CallError {
  return new CallError(Code.ABORTED, `an earlier event to this target failed: send ${id} again first`);
}
