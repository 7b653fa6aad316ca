import type { Cluster } from '@derailed/platform/cluster';
import type { Mesh, Message, NodeRef, PeerEvent } from '@derailed/platform/mesh';
import type { VirtualLoop } from '@derailed/testing';
import type { ClusterSource } from './simulation';
import type { MeshTap } from './tapped-mesh';

/** A bug that the simulation has to find, put between the nodes and what they stand on. */
export interface Plant {
  readonly name: string;
  /** Where the member list comes from in worlds that can show it; undefined: anywhere. */
  readonly source?: ClusterSource;
  /** The search begins with this seed: the first that shows it, when this was written. */
  readonly first?: number;
  /** Stands before the onlooker. @param generationOf of the list that a node has seen */
  tap?(onlooker: MeshTap, loop: VirtualLoop, generationOf: (node: string) => number): MeshTap;
  /** Stands before a node's member list. */
  cluster?(cluster: Cluster): Cluster;
}

/** Hands everything on. */
class PlantedTap implements MeshTap {
  constructor(private readonly onlooker: MeshTap) {}

  received(mesh: Mesh, message: Message, from: NodeRef, deliver: () => void): void {
    this.onlooker.received(mesh, message, from, deliver);
  }

  asked(mesh: Mesh, question: Message, from: NodeRef): Message | undefined {
    return this.onlooker.asked(mesh, question, from);
  }

  sent(at: NodeRef, to: string, message: Message, taken: boolean): void {
    this.onlooker.sent(at, to, message, taken);
  }

  answered(at: NodeRef, question: Message, answer: Message | undefined): void {
    this.onlooker.answered(at, question, answer);
  }

  peer(at: NodeRef, event: PeerEvent): void {
    this.onlooker.peer(at, event);
  }
}

/** How long a plant holds something back (ms). */
const heldBack = 20;

/** A session-node acks each event when it comes, and has it in its sessions a little later. */
class EarlyAck extends PlantedTap {
  constructor(
    onlooker: MeshTap,
    private readonly loop: VirtualLoop,
  ) {
    super(onlooker);
  }

  override received(mesh: Mesh, message: Message, from: NodeRef, deliver: () => void): void {
    if (message.$case !== 'audienceEvent') return super.received(mesh, message, from, deliver);
    const { kind, audienceId, index } = message.value;
    mesh.signal(from.id, { $case: 'audienceAck', value: { kind, audienceId, index, sessions: 1 } });
    this.loop.after(heldBack, () => super.received(mesh, message, from, deliver));
  }
}

/** An owner takes a publish that is sent again for one that it has delivered, though the first one failed. */
class DroppedResend extends PlantedTap {
  private readonly seen = new Set<string>();
  private readonly answers = new Set<string>();

  override asked(mesh: Mesh, question: Message, from: NodeRef): Message | undefined {
    const answer = super.asked(mesh, question, from);
    const id = question.$case === 'publish' ? question.value.event?.id : undefined;
    if (id === undefined) return answer;
    if (this.seen.has(id) && !this.answers.has(id)) return { $case: 'published', value: { sessions: 1 } };
    this.seen.add(id);
    return answer;
  }

  override answered(at: NodeRef, question: Message, answer: Message | undefined): void {
    if (question.$case === 'publish' && answer) this.answers.add(question.value.event?.id ?? '');
    super.answered(at, question, answer);
  }
}

/** What a class of members sees, and the snapshot of a guild, come to a session-node later than events behind them. */
class OvertakenSnapshot extends PlantedTap {
  constructor(
    onlooker: MeshTap,
    private readonly loop: VirtualLoop,
  ) {
    super(onlooker);
  }

  override received(mesh: Mesh, message: Message, from: NodeRef, deliver: () => void): void {
    const isSnapshot =
      message.$case === 'classTable' || message.$case === 'reclassed' || message.$case === 'subscribed';
    if (!isSnapshot) super.received(mesh, message, from, deliver);
    else this.loop.after(heldBack, () => super.received(mesh, message, from, deliver));
  }
}

/** A node that is behind the list of a new owner says that it has told all, or yields, by the list that it has. */
class ForgottenGeneration extends PlantedTap {
  constructor(
    onlooker: MeshTap,
    private readonly generationOf: (node: string) => number,
  ) {
    super(onlooker);
  }

  override received(mesh: Mesh, message: Message, from: NodeRef, deliver: () => void): void {
    const isAsked = message.$case === 'ownershipClaim' || message.$case === 'ownershipSync';
    if (!isAsked || message.value.generation <= this.generationOf(mesh.self.id))
      return super.received(mesh, message, from, deliver);
    const { role } = message.value;
    mesh.send(
      from.id,
      `sync:${role}`,
      message.$case === 'ownershipClaim'
        ? { $case: 'ownershipYielded', value: message.value }
        : { $case: 'ownershipSynced', value: message.value },
    );
  }
}

/** A node believes in its lease for as long as nobody has told it that it is over. */
function believing(cluster: Cluster): Cluster {
  return new Proxy(cluster, {
    get: (target, name) => {
      if (name === 'footing') return 'lease';
      if (name === 'holdsLease') return () => true;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

export const plants: readonly Plant[] = [
  { name: 'an ack too early', tap: (onlooker, loop) => new EarlyAck(onlooker, loop) },
  {
    name: 'a forgotten generation check',
    source: 'etcd',
    first: 109,
    tap: (onlooker, _loop, generationOf) => new ForgottenGeneration(onlooker, generationOf),
  },
  { name: 'a lease believed too long', source: 'etcd', first: 133, cluster: believing },
  { name: 'a dropped re-send', tap: (onlooker) => new DroppedResend(onlooker) },
  {
    name: 'a snapshot overtaken by an event',
    tap: (onlooker, loop) => new OvertakenSnapshot(onlooker, loop),
  },
];
