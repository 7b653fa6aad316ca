import type { Envelope } from '@derailed/shared/contract';
import type { Clock } from '@derailed/shared/kernel';
import type { Link, LinkReceiver } from '../link';
import type { NodeRef } from '../mesh';
import type { Scheduler } from '../scheduler';
import { DeliveryQueue } from './delivery-queue';

/** A node's messages to itself: the very objects, in the order of sending, signals too. */
export class LoopbackLink implements Link {
  private readonly queue: DeliveryQueue<Envelope>;
  private receiver: LinkReceiver | undefined;

  /** @param limit messages that may wait; signals are taken past it */
  constructor(self: NodeRef, clock: Clock, scheduler: Scheduler, limit: number) {
    this.queue = new DeliveryQueue(clock, scheduler, limit, (envelope) =>
      this.receiver?.received(envelope, self),
    );
  }

  get waiting(): number {
    return this.queue.length;
  }

  attach(receiver: LinkReceiver): void {
    this.receiver = receiver;
  }

  send(_node: string, _flow: string, envelope: Envelope): boolean {
    return this.queue.offer(envelope);
  }

  signal(_node: string, envelope: Envelope): boolean {
    this.queue.push(envelope);
    return true;
  }

  async listen(): Promise<void> {
    // Nothing to open: what was sent before is handled in its turn.
  }

  async close(): Promise<void> {
    this.receiver = undefined;
    this.queue.clear();
  }
}
