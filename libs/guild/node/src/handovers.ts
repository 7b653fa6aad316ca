import type { StreamPoint } from '@derailed/audience/core';
import type { Handover } from '@derailed/guild/core';
import type { Cluster } from '@derailed/platform/cluster';
import type { Mesh, Message, MessageOf, NodeRef } from '@derailed/platform/mesh';
import type { Clock, Snowflake } from '@derailed/shared/kernel';
import { readHandover, writeHandover } from './handover-message';

/** How long an owner before may take to hand a guild over (ms). It is read from the database then. */
const deadline = 2000;
/** How long what is for the next owner is kept (ms): that one asks as soon as it hears of sessions that followed it here. */
const keptFor = 30_000;
/** A node that drains stays at most so long for what nobody has fetched (ms). */
const fetchedWithin = 3000;

interface Kept {
  readonly handover: () => Handover;
  readonly term: number;
  /** The owner that it is for. */
  readonly to: string;
  readonly until: number;
}

/**
 * Guilds that go from owner to owner with what is known of them, so that the next one serves them without a read of the
 * database, and also when that is away. The next owner asks for each, in the order in which it needs them.
 */
export class Handovers {
  /** Of guilds that were this node's, in the order in which they went. */
  private readonly kept = new Map<Snowflake, Kept>();
  private whenFetched: (() => void) | undefined;
  private forgetting = false;

  constructor(
    private readonly mesh: Mesh,
    private readonly cluster: Pick<Cluster, 'view'>,
    private readonly clock: Clock,
    /** How a question for a guild ended. */
    private readonly counters: { asked(handedOver: boolean): void },
  ) {
    mesh.onCall('guildStateWanted', (wanted, from) => this.answer(wanted, from));
  }

  /** The guild is another node's now. @param handover called when that one asks for it */
  keep(guildId: Snowflake, term: number, handover: () => Handover): void {
    const to = this.cluster.view.ownerOf('guild-node', guildId);
    if (to === undefined) return;
    this.kept.set(guildId, { handover, term, to, until: this.clock.monotonic() + keptFor });
    this.forgetLater();
  }

  /** What is for a node that is not the next owner any more would be out of date when another one comes by it. */
  listChanged(): void {
    for (const [guildId, { to }] of this.kept)
      if (this.cluster.view.ownerOf('guild-node', guildId) !== to) this.forget(guildId);
  }

  /** @param before the stream of the owner before. @returns undefined: it does not hand over the guild */
  async fetch(guildId: Snowflake, before: StreamPoint): Promise<Handover | undefined> {
    const { owner, ownerIncarnation, term } = before;
    const { view } = this.cluster;
    if (owner === this.mesh.self.id || view.member(owner)?.incarnation !== ownerIncarnation) return undefined;
    const value = { guildId, term, generation: view.generation };
    const handover = await this.mesh
      .call(owner, `g:${guildId}`, { $case: 'guildStateWanted', value }, 'guildStateHandedOver', deadline)
      .then(({ state }) => state && readHandover(state))
      // It is gone, or of the version before.
      .catch(() => undefined);
    this.counters.asked(handover !== undefined);
    return handover;
  }

  /** Resolves when the next owners have fetched what is here, or do not seem to come for it. */
  fetched(): Promise<void> {
    return new Promise((resolve) => {
      this.whenFetched = resolve;
      this.clock.after(fetchedWithin, resolve);
      this.settle();
    });
  }

  private answer({ guildId, term, generation }: MessageOf<'guildStateWanted'>, from: NodeRef): Message {
    const kept = this.kept.get(guildId);
    // By a later list the guild may have been others' meanwhile.
    const isIts = kept?.to === from.id && kept.term === term && this.cluster.view.generation >= generation;
    if (isIts) this.forget(guildId);
    return {
      $case: 'guildStateHandedOver',
      value: { state: isIts ? writeHandover(kept.handover()) : undefined },
    };
  }

  private forget(guildId: Snowflake): void {
    this.kept.delete(guildId);
    this.settle();
  }

  private settle(): void {
    if (this.kept.size === 0) this.whenFetched?.();
  }

  private forgetLater(): void {
    if (this.forgetting) return;
    this.forgetting = true;
    this.clock.after(keptFor, () => {
      this.forgetting = false;
      const now = this.clock.monotonic();
      for (const [guildId, { until }] of this.kept) if (until <= now) this.forget(guildId);
      if (this.kept.size > 0) this.forgetLater();
    });
  }
}
