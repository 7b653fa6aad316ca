import type { Mesh, Message, NodeRef, PeerEvent } from './mesh';

/** Nodes that can be started, killed and cut off from each other, over the wiring that is tested. */
export interface MeshWorld {
  /** A new incarnation of the node of that name. `register` adds its handlers before anybody can reach it. */
  start(name: string, register: (mesh: Mesh) => void): Promise<Mesh>;
  kill(name: string): Promise<void>;
  /** Nothing passes between any two nodes any more, and what is on its way may be lost below the mesh. */
  cut(): void;
  heal(): void;
  /** Lets that much time pass, if time is virtual. Real time passes by itself. */
  pass(ms: number): void;
  /** How long a cut must last to part two nodes. */
  readonly graceMs: number;
  close(): Promise<void>;
}

export interface WorldOptions {
  /** Queues that fill within a few hundred messages of 1 KiB. */
  readonly smallQueues?: boolean;
}

export type WorldFactory = (options?: WorldOptions) => MeshWorld | Promise<MeshWorld>;

const fill = (size: number, salt: number): Buffer => Buffer.alloc(size, (salt % 251) + 1);

/** A data message: number `index` of its flow. */
export function parcel(flow: string, index: number, size = 8): Message {
  const event = {
    id: String(index),
    name: flow,
    data: fill(size, index),
    own: Buffer.alloc(0),
    volatile: false,
  };
  return { $case: 'deliver', value: { event, connections: [index], seqs: [], wantsDrain: false } };
}

export const note = (index: number): Message => ({
  $case: 'audienceAck',
  value: { kind: 1, audienceId: 'note', index, sessions: 0 },
});
/** All that a node hears, with a way to wait for it. */
export class Ear {
  readonly flows = new Map<string, number[]>();
  /** Flows, in the order of what was heard. */
  readonly order: string[] = [];
  /** The same, with up and gone between. */
  readonly log: string[] = [];
  readonly notes: number[] = [];
  readonly peers: PeerEvent[] = [];
  readonly from: NodeRef[] = [];
  intact = true;
  private waiters: (() => void)[] = [];

  readonly listen = (mesh: Mesh): void => {
    mesh.onMessage('deliver', ({ event, connections: [index] }, from) => {
      if (!event || index === undefined) throw new Error('not a parcel');
      this.heard(event.name).push(index);
      this.order.push(event.name);
      this.log.push(event.name);
      this.from.push(from);
      this.intact &&= event.data.equals(fill(event.data.length, index));
      this.wake();
    });
    mesh.onMessage('audienceAck', ({ index }) => {
      this.notes.push(index);
      this.wake();
    });
    mesh.onPeer((event) => {
      this.peers.push(event);
      this.log.push(event.kind);
      this.wake();
    });
  };

  heard(flow: string): number[] {
    let indices = this.flows.get(flow);
    if (!indices) this.flows.set(flow, (indices = []));
    return indices;
  }

  kinds(): string[] {
    return this.peers.map(({ kind }) => kind);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.waiters.push(resolve));
  }

  private wake(): void {
    const { waiters } = this;
    this.waiters = [];
    for (const waiter of waiters) waiter();
  }
}

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
