import type { Cluster } from '@derailed/platform/cluster';
import type { Mesh, MessageOf } from '@derailed/platform/mesh';
import { CallError, Code, type Snowflake } from '@derailed/shared/kernel';
import { limits } from '@derailed/shared/protocol';

export type IdentifyBudget = MessageOf<'identifyBudgetReply'>;

/** Milliseconds; the session-node counts guilds in the database. */
const deadline = 5_000;

/** Asks the owners of users how often these may still identify. */
export class IdentifyBudgets {
  constructor(
    private readonly mesh: Mesh,
    private readonly cluster: Cluster,
  ) {}

  /** Undefined: nobody can say now. */
  async of(userId: Snowflake): Promise<IdentifyBudget | undefined> {
    const owner = this.cluster.view.ownerOf('session-node', userId);
    if (owner === undefined) return undefined;
    try {
      return await this.mesh.call(
        owner,
        `u:${userId}`,
        { $case: 'identifyBudget', value: { userId } },
        'identifyBudgetReply',
        deadline,
      );
    } catch (error) {
      // A session-node of the version before counts nothing.
      return error instanceof CallError && error.code === Code.UNIMPLEMENTED ? uncounted() : undefined;
    }
  }
}

function uncounted(): IdentifyBudget {
  const { count: total } = limits.identifies;
  return { total, remaining: total, resetAfterMs: 0, maxConcurrency: 1, shards: 1 };
}
