import { CallError, type Cancel, Code, type Clock } from '@derailed/shared/kernel';
import type { Message, MessageCase } from './mesh';

/** The peer did not answer, because it was not reached or is gone; what it did is not known. UNAVAILABLE to callers. */
export class Unreachable extends CallError {
  constructor(message: string) {
    super(Code.UNAVAILABLE, message);
  }
}

interface PendingCall {
  readonly answer: MessageCase;
  readonly resolve: (value: never) => void;
  readonly reject: (error: CallError) => void;
  readonly cancel: Cancel;
}

/** The calls that this node waits for, by the peer that is to answer. */
export class PendingCalls {
  private readonly byNode = new Map<string, Map<number, PendingCall>>();
  private lastCall = 0;
  private waiting = 0;

  /** @param limit calls in flight to one peer */
  constructor(
    private readonly clock: Clock,
    private readonly limit: number,
  ) {}

  get size(): number {
    return this.waiting;
  }

  /**
   * Numbers a call and waits for its answer.
   * @param send puts the call on its way; false: it did not go
   */
  open<T>(
    node: string,
    answer: MessageCase,
    deadlineMs: number,
    send: (call: number) => boolean,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const calls = this.of(node);
      if (calls.size >= this.limit) return reject(new Unreachable(`too many calls to ${node} are in flight`));
      const call = ++this.lastCall;
      if (!send(call)) {
        if (calls.size === 0) this.byNode.delete(node);
        return reject(new Unreachable(`${node} cannot be reached, or its queue is full`));
      }
      const cancel = this.clock.after(deadlineMs, () => {
        const overdue = new CallError(
          Code.DEADLINE_EXCEEDED,
          `${node} did not answer within ${deadlineMs} ms`,
        );
        this.take(node, call)?.reject(overdue);
      });
      calls.set(call, { answer, resolve, reject, cancel });
      this.waiting++;
    });
  }

  /** False: nobody waits for this answer any more. */
  settle(node: string, call: number, message: Message | undefined): boolean {
    const pending = this.take(node, call);
    if (!pending) return false;
    if (message?.$case === pending.answer) pending.resolve(message.value as never);
    else if (message?.$case === 'callFailed') pending.reject(toCallError(message.value));
    else
      pending.reject(
        new CallError(Code.INTERNAL, `${node} answered with ${message?.$case ?? 'nothing known'}`),
      );
    return true;
  }

  /** The peer is gone: nothing that was asked of it will be answered. */
  fail(node: string, why: string): void {
    const calls = this.byNode.get(node);
    if (!calls) return;
    this.byNode.delete(node);
    this.waiting -= calls.size;
    for (const pending of calls.values()) {
      pending.cancel();
      pending.reject(new Unreachable(why));
    }
  }

  failAll(why: string): void {
    for (const node of [...this.byNode.keys()]) this.fail(node, why);
  }

  private of(node: string): Map<number, PendingCall> {
    let calls = this.byNode.get(node);
    if (!calls) this.byNode.set(node, (calls = new Map()));
    return calls;
  }

  private take(node: string, call: number): PendingCall | undefined {
    const calls = this.byNode.get(node);
    const pending = calls?.get(call);
    if (!calls || !pending) return undefined;
    calls.delete(call);
    if (calls.size === 0) this.byNode.delete(node);
    this.waiting--;
    pending.cancel();
    return pending;
  }
}

const codes = new Set<number>(Object.values(Code));

function toCallError({ code, message }: { readonly code: number; readonly message: string }): CallError {
  return new CallError(codes.has(code) && code !== Code.OK ? (code as Code) : Code.UNKNOWN, message);
}
