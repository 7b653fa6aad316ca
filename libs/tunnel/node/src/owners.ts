import { CLUSTER, type Cluster } from '@derailed/platform/cluster';
import {
  MESH,
  type Mesh,
  type Message,
  type MessageCase,
  type MessageOf,
  Unreachable,
} from '@derailed/platform/mesh';
import { CLOCK } from '@derailed/platform/runtime';
import { type Clock, type Snowflake } from '@derailed/shared/kernel';
import { Inject, Injectable } from '@nestjs/common';
import { Lanes, type Outcome } from './lanes';
import { TUNNEL_CONFIG, type TunnelConfig } from './settings';

/**
 * Calls about users go in one flow. One publish can name many users, and must not be overtaken for any of them by
 * another one that names fewer.
 */
const usersFlow = 'u';

/** The nodes that own guilds and users, and how to call them. What is called for one key arrives in the order of the calls. */
@Injectable()
export class Owners {
  private readonly lanes: Lanes;

  constructor(
    @Inject(MESH) private readonly mesh: Mesh,
    @Inject(CLUSTER) cluster: Cluster,
    @Inject(TUNNEL_CONFIG) private readonly config: TunnelConfig,
    @Inject(CLOCK) clock: Clock,
  ) {
    this.lanes = new Lanes(
      clock,
      (key) => cluster.view.ownerOf(key.startsWith('g:') ? 'guild-node' : 'session-node', key.slice(2)),
      // The members of a static list have no incarnation there: their keys wait for them, and callers are told.
      () => cluster.view.members.some(({ incarnation }) => incarnation !== ''),
      () => cluster.holdsLease(),
    );
  }

  /**
   * Calls the owner of a guild.
   * @throws CallError UNAVAILABLE when no owner was found in time; see also Mesh.call
   */
  async callGuild<C extends MessageCase>(
    guildId: Snowflake,
    message: Message,
    answer: C,
  ): Promise<MessageOf<C>> {
    const flow = `g:${guildId}`;
    const [outcome] = await this.lanes.call(
      [flow],
      this.config.publishTimeout,
      (owner, _, withinMs, restarts) =>
        this.callNode(owner, 'guild-node', flow, inLine(message, restarts), answer, withinMs),
    );
    return answerOf(outcome);
  }

  /** The same for a user. */
  async callUser<C extends MessageCase>(
    userId: Snowflake,
    message: Message,
    answer: C,
  ): Promise<MessageOf<C>> {
    const [outcome] = await this.callUsers([userId], () => message, answer);
    return answerOf(outcome);
  }

  /**
   * Calls each owner of these users.
   * @param message what to say of those that one node owns
   * @returns when all calls are over
   */
  callUsers<C extends MessageCase>(
    userIds: readonly Snowflake[],
    message: (userIds: Snowflake[]) => Message,
    answer: C,
  ): Promise<Outcome<MessageOf<C>>[]> {
    const keys = new Set(userIds.map((userId) => `u:${userId}`));
    return this.lanes.call(keys, this.config.publishTimeout, (owner, theirs, withinMs, restarts) => {
      const text = inLine(message(theirs.map((key) => key.slice(2))), restarts);
      return this.callNode(owner, 'session-node', usersFlow, text, answer, withinMs);
    });
  }

  private async callNode<C extends MessageCase>(
    node: string | undefined,
    role: string,
    flow: string,
    message: Message,
    answer: C,
    withinMs: number,
  ): Promise<MessageOf<C>> {
    if (node === undefined) throw new Unreachable(`there is no ${role} at the moment`);
    return this.mesh.call(node, flow, message, answer, withinMs);
  }
}

/** A publish says whether it is the first that comes again. */
function inLine(message: Message, restarts: boolean): Message {
  return message.$case === 'publish' ? { $case: 'publish', value: { ...message.value, restarts } } : message;
}

function answerOf<T>(outcome: Outcome<T> | undefined): T {
  if (outcome?.status === 'fulfilled') return outcome.value;
  throw outcome?.reason;
}
