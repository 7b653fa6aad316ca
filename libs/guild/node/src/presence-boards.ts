import type { Cluster } from '@derailed/platform/cluster';
import type { Mesh } from '@derailed/platform/mesh';
import type { Cancel, Clock, Snowflake } from '@derailed/shared/kernel';

/** Guilds that one message asks for. */
const perMessage = 1000;
/** Milliseconds until what was not sent, or not answered, is asked again. */
const askAgain = 5000;

interface Question {
  /** The start of the node that was asked, as `id/incarnation`. */
  readonly owner: string;
  answered: boolean;
}

/**
 * Asks the owner of each guild's presences for all of them, whenever what this node knows may not be all: the guild is
 * new here, its presences have another owner, or the link to that one was broken.
 */
export class PresenceBoards {
  private readonly questions = new Map<Snowflake, Question>();
  private planned: { readonly at: number; readonly cancel: Cancel } | undefined;

  /** @param guilds that are in use here, and that this node serves */
  constructor(
    private readonly mesh: Mesh,
    private readonly cluster: Cluster,
    private readonly clock: Clock,
    private readonly guilds: () => Iterable<Snowflake>,
  ) {}

  /** Guilds whose presences are asked for, or to be asked for, and not here. */
  get awaited(): number {
    let awaited = 0;
    for (const { answered } of this.questions.values()) if (!answered) awaited++;
    return awaited;
  }

  stop(): void {
    this.planned?.cancel();
  }

  /** The guild is in use here. */
  use(guildId: Snowflake): void {
    if (!this.questions.has(guildId)) this.askIn(0);
  }

  answered(guildId: Snowflake): void {
    const question = this.questions.get(guildId);
    if (question !== undefined) question.answered = true;
  }

  /** A node is there that was not, or that may not have got what was said to it. */
  up(node: string): void {
    for (const [guildId, { owner }] of this.questions)
      if (owner.startsWith(`${node}/`)) this.questions.delete(guildId);
    this.ask();
  }

  ask(): void {
    const { view } = this.cluster;
    const present = new Set(this.guilds());
    for (const guildId of this.questions.keys()) if (!present.has(guildId)) this.questions.delete(guildId);
    const byNode = new Map<string, Snowflake[]>();
    for (const guildId of present) {
      const node = view.ownerOf('presence-node', guildId);
      const question = this.questions.get(guildId);
      if (node === undefined || (question?.answered === true && question.owner === this.startOf(node)))
        continue;
      const group = byNode.get(node);
      if (group === undefined) byNode.set(node, [guildId]);
      else group.push(guildId);
    }
    for (const [node, guildIds] of byNode)
      for (let at = 0; at < guildIds.length; at += perMessage)
        this.send(node, guildIds.slice(at, at + perMessage), view.generation);
    if (byNode.size > 0) this.askIn(askAgain);
  }

  private send(node: string, guildIds: Snowflake[], generation: number): void {
    const owner = this.startOf(node);
    const isSent = this.mesh.send(node, 'p', {
      $case: 'presenceSync',
      value: { guildIds, generation },
    });
    if (isSent) for (const guildId of guildIds) this.questions.set(guildId, { owner, answered: false });
  }

  private askIn(ms: number): void {
    const at = this.clock.monotonic() + ms;
    if (this.planned !== undefined && this.planned.at <= at) return;
    this.planned?.cancel();
    const cancel = this.clock.after(ms, () => {
      this.planned = undefined;
      this.ask();
    });
    this.planned = { at, cancel };
  }

  /** A static list does not know which start of a node it is: the link tells, by up(). */
  private startOf(node: string): string {
    return `${node}/${this.cluster.view.member(node)?.incarnation ?? ''}`;
  }
}
