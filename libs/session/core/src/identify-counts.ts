import { isSnowflake } from '@derailed/shared/kernel';
import type { IdentifyCount, IdentifyLedger } from './identify-ledger';
import type { Kit } from './kit';

/** derailed.link.v1.IdentifyCounts. */
export interface WireIdentifyCounts {
  generation: number;
  counts: IdentifyCount[];
}

/** In one message. */
const most = 1000;
/** That of the yield: what is said before it has come before the next owner serves the user. */
const flow = 'sync:session-node';

/** Identifies are counted by the User: whoever has counted says so to the user's owner of now. */
export class IdentifyCounts {
  constructor(
    private readonly kit: Pick<Kit, 'placement' | 'outbox'>,
    private readonly ledger: IdentifyLedger,
  ) {}

  /** @param only the one node that is to be told */
  tell(now: number, only?: string): void {
    const { placement, outbox } = this.kit;
    const generation = placement.generation();
    for (const [node, userIds] of this.elsewhere(only)) {
      for (let at = 0; at < userIds.length; at += most) {
        const counts = userIds
          .slice(at, at + most)
          .flatMap((userId) => this.ledger.handOver(userId, now) ?? []);
        outbox.send(node, flow, { $case: 'identifyCounts', value: { generation, counts } });
      }
    }
  }

  heard({ generation, counts }: Readonly<WireIdentifyCounts>, now: number): void {
    const { placement } = this.kit;
    for (const count of counts) {
      if (!isSnowflake(count.userId)) continue;
      // Of a list that this node has not seen yet the other one knows better.
      const isOurs = placement.ownerOf('session-node', count.userId) === placement.self.id;
      if (isOurs || generation > placement.generation()) this.ledger.inherit(count, now);
    }
  }

  private elsewhere(only: string | undefined): Map<string, string[]> {
    const { placement } = this.kit;
    const byOwner = new Map<string, string[]>();
    for (const userId of this.ledger.userIds()) {
      const owner = placement.ownerOf('session-node', userId);
      if (owner === undefined || owner === placement.self.id) continue;
      if (only !== undefined && owner !== only) continue;
      const theirs = byOwner.get(owner);
      if (theirs === undefined) byOwner.set(owner, [userId]);
      else theirs.push(userId);
    }
    return byOwner;
  }
}
