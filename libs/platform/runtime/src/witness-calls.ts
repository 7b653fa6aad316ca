import type { Cluster } from '@derailed/platform/cluster';
import type { Mesh } from '@derailed/platform/mesh';
import type { AudienceKind } from '@derailed/shared/contract';

interface Call {
  readonly audienceId: string;
  readonly term: number;
  readonly node: string;
  readonly needs: number;
}

/**
 * Tells session-nodes who of them is behind in an audience of this node, until one of them has it: it will tell the next
 * owner. Where there is no session-node but this one and the one that is behind, nobody is told.
 */
export class WitnessCalls {
  /** By audience and node. */
  private readonly open = new Map<string, Call>();

  constructor(
    private readonly kind: AudienceKind,
    private readonly mesh: Mesh,
    private readonly cluster: Pick<Cluster, 'view' | 'onChange'>,
    private readonly known: (audienceId: string, term: number, node: string, needs: number) => void,
  ) {
    mesh.onMessage(
      'audienceBehindNoted',
      ({ audienceId, term, node, needs }) => {
        const call = this.open.get(keyOf(audienceId, node));
        if (call?.term === term && call.needs === needs) this.finish(call);
      },
      (value) => value.kind === kind,
    );
    mesh.onPeer(({ kind: what, node }) => {
      if (what === 'up' && this.others().includes(node.id))
        for (const call of this.open.values()) this.say(node.id, call);
    });
    cluster.onChange(() => {
      for (const call of [...this.open.values()]) this.spread(call);
    });
  }

  tell(audienceId: string, term: number, node: string, needs: number): void {
    const call = { audienceId, term, node, needs };
    this.open.set(keyOf(audienceId, node), call);
    this.spread(call);
  }

  /** The audience is not this node's any more. */
  forget(audienceId: string): void {
    for (const [key, call] of this.open) if (call.audienceId === audienceId) this.open.delete(key);
  }

  private spread(call: Call): void {
    const others = this.others();
    for (const other of others) this.say(other, call);
    if (others.every((other) => other === call.node)) this.finish(call);
  }

  private say(to: string, { audienceId, term, node, needs }: Call): void {
    const value = { kind: this.kind, audienceId, term, node, needs };
    this.mesh.signal(to, { $case: 'audienceBehind', value });
  }

  private finish(call: Call): void {
    if (!this.open.delete(keyOf(call.audienceId, call.node))) return;
    this.known(call.audienceId, call.term, call.node, call.needs);
  }

  /** Session-nodes in other processes: what this one knows dies with its owner. */
  private others(): string[] {
    return this.cluster.view.members.flatMap(({ id, roles }) =>
      id !== this.mesh.self.id && roles.includes('session-node') ? id : [],
    );
  }
}

function keyOf(audienceId: string, node: string): string {
  return `${audienceId} ${node}`;
}
