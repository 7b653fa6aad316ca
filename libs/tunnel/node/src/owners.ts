import { CLUSTER, type Cluster } from '@derailed/platform/cluster';
import { MESH, type Mesh, type Message, type MessageCase, type MessageOf } from '@derailed/platform/mesh';
import { type Snowflake, unavailable } from '@derailed/shared/kernel';
import { Inject, Injectable } from '@nestjs/common';
import { TUNNEL_CONFIG, type TunnelConfig } from './settings';

/**
 * The flow of everything about users. One for all of them, because a publish to several users must not be
 * overtaken by one to some of these.
 */
const usersFlow = 'u';

/** The nodes that own guilds and users, and how to call them. */
@Injectable()
export class Owners {
  constructor(
    @Inject(MESH) private readonly mesh: Mesh,
    @Inject(CLUSTER) private readonly cluster: Cluster,
    @Inject(TUNNEL_CONFIG) private readonly config: TunnelConfig,
  ) {}

  /**
   * Calls the owner of a guild. What is called for one guild arrives there in the order of the calls.
   * @throws CallError UNAVAILABLE when no node has the role; see also Mesh.call
   */
  callGuild<C extends MessageCase>(guildId: Snowflake, message: Message, answer: C): Promise<MessageOf<C>> {
    const node = this.ownerOf('guild-node', guildId);
    return this.mesh.call(node, `g:${guildId}`, message, answer, this.config.publishTimeout);
  }

  /** The same for a node that owns users. */
  callUsers<C extends MessageCase>(node: string, message: Message, answer: C): Promise<MessageOf<C>> {
    return this.mesh.call(node, usersFlow, message, answer, this.config.publishTimeout);
  }

  /** @throws CallError UNAVAILABLE */
  ownerOfUser(userId: Snowflake): string {
    return this.ownerOf('session-node', userId);
  }

  private ownerOf(role: 'guild-node' | 'session-node', id: Snowflake): string {
    const node = this.cluster.view.ownerOf(role, id);
    if (node === undefined) throw unavailable(`there is no ${role} at the moment`);
    return node;
  }
}
