import { type Notice, Notices } from '@derailed/audience/core';
import { type Cluster, type KeyPart, keyTest } from '@derailed/platform/cluster';
import type { Mesh, MessageOf, NodeRef } from '@derailed/platform/mesh';
import { AudienceKind } from '@derailed/shared/contract';

/** An owner that waits for this node to see its list, and then for what this node holds. */
interface Waiting {
  readonly owner: NodeRef;
  readonly role: string;
  readonly generation: number;
  readonly part?: KeyPart | undefined;
}

/** What this node says to new owners of keys: what it holds for these, and what owners before have told it. */
export class SyncAnswers {
  private readonly notices = new Notices();
  private behind: Waiting[] = [];
  /** Which start of each node is on the list. */
  private starts: ReadonlyMap<string, string> = new Map();

  /** @param tell says what the core holds of those keys of the owner. False: a queue was full */
  constructor(
    private readonly mesh: Mesh,
    private readonly cluster: Cluster,
    private readonly tell: (owner: NodeRef, role: string, isAsked: (key: string) => boolean) => boolean,
  ) {}

  listen(): void {
    this.mesh.onMessage('audienceBehind', (value, from) => {
      this.notices.put({ ...value, owner: from.id, ownerIncarnation: from.incarnation });
      this.mesh.signal(from.id, { $case: 'audienceBehindNoted', value });
    });
    this.mesh.onMessage('ownershipSettled', (value, from) => this.settled(value, from));
    this.mesh.onMessage('ownershipSync', (value, owner) => this.sync({ ...value, owner }));
  }

  /** Who was behind and is off the list has no sessions any more, nor has its next start those that it had. */
  listChanged(): void {
    const { behind, starts } = this;
    const { view } = this.cluster;
    this.notices.drop(({ node }) => view.member(node)?.incarnation !== starts.get(node));
    this.starts = new Map(view.members.map(({ id, incarnation }) => [id, incarnation]));
    this.behind = [];
    for (const waiting of behind) this.sync(waiting);
  }

  private settled({ role, generation }: MessageOf<'ownershipSettled'>, from: NodeRef): void {
    if (generation === this.cluster.view.generation)
      this.notices.drop((notice) => this.isFor(from, role, notice));
  }

  /** Says what this node holds of those keys of the owner, and that it was all. When a queue was full it is asked again. */
  private sync(waiting: Waiting): void {
    const { owner, role } = waiting;
    const { generation } = this.cluster.view;
    if (generation < waiting.generation) {
      this.behind = [
        ...this.behind.filter((other) => other.owner.id !== owner.id || other.role !== role),
        waiting,
      ];
      return;
    }
    // A session is seen in all of its guilds at once.
    const part = role === 'presence-node' ? undefined : waiting.part;
    const isAsked = keyTest(part);
    if (!this.tell(owner, role, isAsked)) return;
    for (const value of this.notices.matching(
      (notice) => isAsked(notice.audienceId) && this.isFor(owner, role, notice),
    ))
      if (!this.mesh.send(owner.id, `sync:${role}`, { $case: 'audienceWasBehind', value })) return;
    const said = part && { ...part, keys: [...part.keys] };
    const value = { role, generation, part: said };
    this.mesh.send(owner.id, `sync:${role}`, { $case: 'ownershipSynced', value });
  }

  /** Whether the audience is now that owner's, and the notice is from one before. */
  private isFor({ id, incarnation }: NodeRef, role: string, notice: Notice): boolean {
    const { kind, audienceId, owner, ownerIncarnation } = notice;
    const its = kind === AudienceKind.AUDIENCE_KIND_GUILD ? 'guild-node' : 'session-node';
    const isBefore = owner !== id || ownerIncarnation !== incarnation;
    return role === its && isBefore && this.cluster.view.ownerOf(its, audienceId) === id;
  }
}
