import type { Event } from '@derailed/audience/core';
import type { Outbox } from './effects';
import type { NodeRef } from './messages';
import type { Session } from './session';

/** A ws-gateway node: the sessions bound to connections there, and the columns of the event that is on its way. */
export class Outlet {
  readonly sessions = new Set<Session>();
  private connections: number[] = [];
  private seqs: number[] = [];

  constructor(
    readonly node: NodeRef,
    private readonly touched: Outlet[],
  ) {}

  add(connection: number, seq: number): void {
    if (this.connections.length === 0) this.touched.push(this);
    this.connections.push(connection);
    this.seqs.push(seq);
  }

  flush(event: Event, wantsDrain: boolean, outbox: Outbox): void {
    const { connections, seqs } = this;
    this.connections = [];
    this.seqs = [];
    outbox.tell(this.node.id, { $case: 'deliver', value: { event, connections, seqs, wantsDrain } });
  }
}

/** All ws-gateway nodes that hold connections of this node's sessions. */
export class Outlets {
  private readonly byNode = new Map<string, Outlet>();
  private readonly touched: Outlet[] = [];

  constructor(private readonly outbox: Outbox) {}

  get(node: string): Outlet | undefined {
    return this.byNode.get(node);
  }

  /** The outlet of exactly this incarnation; a new one takes the place of an older one's, which must be empty. */
  of(node: NodeRef): Outlet {
    const known = this.byNode.get(node.id);
    if (known?.node.incarnation === node.incarnation) return known;
    const outlet = new Outlet(node, this.touched);
    this.byNode.set(node.id, outlet);
    return outlet;
  }

  remove(outlet: Outlet): void {
    if (this.byNode.get(outlet.node.id) === outlet) this.byNode.delete(outlet.node.id);
  }

  /** Sends the event to every node whose columns are not empty: one message each. */
  flush(event: Event, wantsDrain = false): void {
    for (const outlet of this.touched) outlet.flush(event, wantsDrain, this.outbox);
    this.touched.length = 0;
  }
}
