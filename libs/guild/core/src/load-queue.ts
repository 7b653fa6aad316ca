import type { Change } from './change';
import type { GuildLimits } from './limits';
import type { Request } from './member-loads';
import type { Publish } from './messages';

/** A publish, the number of its call, and what it changes here. */
export interface Incoming {
  readonly call: number;
  readonly publish: Publish;
  readonly change: Change | undefined;
}

export type Waiting =
  | { readonly kind: 'subscribe'; readonly request: Request }
  | { readonly kind: 'publish'; readonly incoming: Incoming };

/** What came while the snapshot is read, in order; bounded by number and by bytes. */
export class LoadQueue {
  private items: Waiting[] = [];
  private bytes = 0;

  constructor(private readonly limits: Pick<GuildLimits, 'pendingEvents' | 'pendingBytes'>) {}

  get size(): number {
    return this.items.length;
  }

  /** False: the queue is full. */
  add(item: Waiting): boolean {
    const bytes = item.kind === 'publish' ? item.incoming.publish.event.data.length : 0;
    if (this.items.length >= this.limits.pendingEvents || this.bytes + bytes > this.limits.pendingBytes)
      return false;
    this.items.push(item);
    this.bytes += bytes;
    return true;
  }

  /** The session, or every session of the node, waits no more. */
  cancel(node: string, sessionId?: string): void {
    this.items = this.items.filter(
      (item) =>
        item.kind !== 'subscribe' ||
        item.request.node !== node ||
        (sessionId !== undefined && item.request.subscribe.sessionId !== sessionId),
    );
  }

  take(): readonly Waiting[] {
    const taken = this.items;
    this.items = [];
    this.bytes = 0;
    return taken;
  }
}
