import type { Envelope } from '@derailed/shared/contract';
import type { Logger } from '@derailed/platform/observability';
import { CallError, type Clock, Code } from '@derailed/shared/kernel';
import { Handlers } from './handlers';
import type { Link, LinkReceiver } from './link';
import type { Mesh, Message, MessageCase, MessageOf, NodeRef, PeerEvent } from './mesh';
import type { MeshMetrics } from './metrics';
import { PendingCalls } from './pending-calls';

export interface NodeMeshParts {
  readonly self: NodeRef;
  /** The way to oneself. */
  readonly loopback: Link;
  /** The way to everybody else. Absent: there is nobody else. */
  readonly remote?: Link | undefined;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
  readonly metrics: MeshMetrics;
  /** Calls in flight to one peer, and from one peer. */
  readonly calls: number;
}

/** What a peer may not be trusted with: the epoch that its calls belong to, and how many it has in flight. */
interface Caller {
  epoch: number;
  calls: number;
}

/** How many starts that are off the list are remembered. */
const excludedStarts = 1024;

/** Mesh over any wiring: matches answers with calls and messages with handlers. */
export class NodeMesh implements Mesh, LinkReceiver {
  readonly self: NodeRef;
  private readonly messages = new Handlers<void>();
  private readonly calls = new Handlers<Message | Promise<Message>>();
  private readonly pending: PendingCalls;
  private readonly callers = new Map<string, Caller>();
  private readonly listeners: ((event: PeerEvent) => void)[] = [];
  /** Starts that are off the member list, the last ones. */
  private readonly excluded = new Set<string>();
  /** Which start of each peer is up. */
  private readonly up = new Map<string, { readonly incarnation: string; readonly epoch: number }>();
  private answering = 0;

  constructor(private readonly parts: NodeMeshParts) {
    this.self = parts.self;
    this.pending = new PendingCalls(parts.clock, parts.calls);
    this.callers.set(this.self.id, { epoch: 0, calls: 0 });
    parts.metrics.watchMesh({ callsOut: () => this.pending.size, callsIn: () => this.answering });
    parts.loopback.attach(this);
    parts.remote?.attach(this);
  }

  /** Opens the door to other nodes. Register all handlers before. @throws OperatorError */
  async listen(): Promise<void> {
    await this.parts.remote?.listen();
  }

  /** Calls that wait fail UNAVAILABLE. Nothing is handled afterwards. */
  async close(): Promise<void> {
    this.pending.failAll('the node is stopping');
    await this.parts.loopback.close();
    await this.parts.remote?.close();
  }

  send(node: string, flow: string, message: Message): boolean {
    return this.dispatch(node, flow, { call: 0, isReply: false, message });
  }

  signal(node: string, message: Message): boolean {
    return this.linkTo(node)?.signal(node, { call: 0, isReply: false, message }) ?? false;
  }

  call<C extends MessageCase>(
    node: string,
    flow: string,
    message: Message,
    answer: C,
    deadlineMs: number,
  ): Promise<MessageOf<C>> {
    return this.pending.open<MessageOf<C>>(node, answer, deadlineMs, (call) =>
      this.dispatch(node, flow, { call, isReply: false, message }),
    );
  }

  onMessage<C extends MessageCase>(
    kind: C,
    handler: (value: MessageOf<C>, from: NodeRef) => void,
    accepts?: (value: MessageOf<C>) => boolean,
  ): void {
    this.messages.add(kind, handler, accepts);
  }

  onCall<C extends MessageCase>(
    kind: C,
    handler: (value: MessageOf<C>, from: NodeRef) => Message | Promise<Message>,
    accepts?: (value: MessageOf<C>) => boolean,
  ): void {
    this.calls.add(kind, handler, accepts);
  }

  onPeer(listener: (event: PeerEvent) => void): void {
    this.listeners.push(listener);
  }

  exclude(node: NodeRef): void {
    if (this.excluded.has(node.incarnation)) return;
    this.excluded.add(node.incarnation);
    if (this.excluded.size > excludedStarts) {
      for (const oldest of this.excluded) {
        this.excluded.delete(oldest);
        break;
      }
    }
    const up = this.up.get(node.id);
    if (up?.incarnation === node.incarnation) this.tell({ kind: 'gone', node, epoch: up.epoch });
  }

  received({ call, isReply, message }: Envelope, from: NodeRef): void {
    if (this.excluded.size > 0 && this.excluded.has(from.incarnation)) this.parts.metrics.fenced.inc();
    else if (isReply) this.pending.settle(from.id, call, message);
    else if (call !== 0) this.answer(call, message, from);
    else if (message !== undefined) this.handle(message, from);
    else this.parts.metrics.unhandled.inc();
  }

  peerChanged(event: PeerEvent): void {
    const { id, incarnation } = event.node;
    if (event.kind === 'up') this.up.set(id, { incarnation, epoch: event.epoch });
    else if (this.up.get(id)?.incarnation === incarnation) this.up.delete(id);
    // Whoever is off the list was said to be gone then.
    if (!this.excluded.has(incarnation)) this.tell(event);
  }

  private tell(event: PeerEvent): void {
    const { id } = event.node;
    if (event.kind === 'up') this.callers.set(id, { epoch: event.epoch, calls: 0 });
    else {
      this.callers.delete(id);
      this.pending.fail(id, `${id} is gone`);
    }
    for (const listener of this.listeners) {
      try {
        listener(event);
      } catch (error) {
        this.failed(error, `a listener failed at ${event.kind} of ${id}`);
      }
    }
  }

  private linkTo(node: string): Link | undefined {
    if (this.excluded.size > 0 && this.excluded.has(this.up.get(node)?.incarnation ?? '')) return undefined;
    return node === this.self.id ? this.parts.loopback : this.parts.remote;
  }

  private dispatch(node: string, flow: string, envelope: Envelope): boolean {
    const taken = this.linkTo(node)?.send(node, flow, envelope) ?? false;
    if (!taken) this.parts.metrics.sendsRefused.inc();
    return taken;
  }

  private handle(message: Message, from: NodeRef): void {
    try {
      const handler = this.messages.find(message);
      if (handler) handler(message.value, from);
      else this.parts.metrics.unhandled.inc();
    } catch (error) {
      this.failed(error, `the handler of ${message.$case} failed`);
    }
  }

  private answer(call: number, message: Message | undefined, from: NodeRef): void {
    const caller = this.callers.get(from.id);
    if (!caller) return;
    const answer = this.startAnswer(message, from, caller);
    if (!(answer instanceof Promise)) return this.reply(call, answer, from);
    caller.calls++;
    this.answering++;
    void answer
      .catch((error: unknown) => this.refusalOf(error, message))
      .then((late) => {
        caller.calls--;
        this.answering--;
        // Of another epoch, the call's number may mean another call by now.
        if (this.callers.get(from.id) === caller) this.reply(call, late, from);
      });
  }

  private startAnswer(
    message: Message | undefined,
    from: NodeRef,
    caller: Caller,
  ): Message | Promise<Message> {
    try {
      const handler = message && this.calls.find(message);
      if (!handler) {
        this.parts.metrics.unhandled.inc();
        return refusal(Code.UNIMPLEMENTED, `${this.self.id} does not answer ${message?.$case ?? 'this'}`);
      }
      if (caller.calls >= this.parts.calls) {
        return refusal(Code.RESOURCE_EXHAUSTED, `too many calls to ${this.self.id} are in flight`);
      }
      return handler(message.value, from);
    } catch (error) {
      return this.refusalOf(error, message);
    }
  }

  private reply(call: number, message: Message, from: NodeRef): void {
    this.linkTo(from.id)?.signal(from.id, { call, isReply: true, message });
  }

  private refusalOf(error: unknown, message: Message | undefined): Message {
    if (error instanceof CallError) return refusal(error.code, error.message);
    const kind = message?.$case ?? 'this';
    this.failed(error, `the handler of ${kind} failed`);
    return refusal(Code.INTERNAL, `${kind} failed at ${this.self.id}`);
  }

  private failed(error: unknown, what: string): void {
    this.parts.metrics.handlerFailures.inc();
    this.parts.logger.error({ err: error }, what);
  }
}

function refusal(code: Code, message: string): Message {
  return { $case: 'callFailed', value: { code, message } };
}
