import { MESH, type Mesh } from '@derailed/platform/mesh';
import { CLUSTER, type Cluster } from '@derailed/platform/cluster';
import { MemberRepository } from '@derailed/platform/persistence';
import type { MemberRead } from '@derailed/session/core';
import { type Member, limits, memberJson, membersChunk } from '@derailed/shared/protocol';
import { Inject, Injectable } from '@nestjs/common';

export interface MemberPage {
  /** The data of a GUILD_MEMBERS_CHUNK. */
  readonly json: string;
  readonly last: boolean;
}

/** Presences are a courtesy in a chunk: a guild-node that does not answer in time leaves them out. */
const presencesDeadline = 2_000;

/** Answers op 8 from the database, one page at a time; the next is read when it is asked for. */
@Injectable()
export class MemberReader {
  constructor(
    @Inject(MemberRepository) private readonly members: MemberRepository,
    @Inject(MESH) private readonly mesh: Mesh,
    @Inject(CLUSTER) private readonly cluster: Cluster,
  ) {}

  /** At least one page, also when nobody matches. Rejects while the database is away. */
  pages(request: MemberRead): AsyncGenerator<MemberPage> {
    return request.query === '' && request.limit === 0 ? this.whole(request) : this.some(request);
  }

  private async *some(request: MemberRead): AsyncGenerator<MemberPage> {
    const { guildId, query, limit, userIds } = request;
    if (query !== undefined) {
      const members =
        query === ''
          ? await this.members.page(guildId, { limit })
          : await this.members.search(guildId, query, limit);
      yield { json: await this.chunk(request, members, 0, 1), last: true };
      return;
    }
    const members = await this.members.byIds(guildId, userIds);
    const found = new Set(members.map(({ user }) => user.id));
    const notFound = userIds.filter((userId) => !found.has(userId));
    yield { json: await this.chunk(request, members, 0, 1, notFound), last: true };
  }

  /**
   * As many chunks as the first one promised: members who join meanwhile are left to their GUILD_MEMBER_ADD, and
   * when some leave, the last chunks are short or empty.
   */
  private async *whole(request: MemberRead): AsyncGenerator<MemberPage> {
    const { guildId } = request;
    const count = await this.members.count(guildId);
    const chunks = Math.max(1, Math.ceil(count / limits.membersPerChunk));
    let afterUserId: string | undefined;
    for (let index = 0; index < chunks; index++) {
      const page = await this.members.page(guildId, { afterUserId, limit: limits.membersPerChunk });
      afterUserId = page.at(-1)?.user.id ?? afterUserId;
      yield { json: await this.chunk(request, page, index, chunks), last: index === chunks - 1 };
    }
  }

  private async chunk(
    { guildId, presences, nonce }: MemberRead,
    members: readonly Member[],
    chunkIndex: number,
    chunkCount: number,
    notFound?: readonly string[],
  ): Promise<string> {
    return membersChunk({
      guildId,
      members: members.map(memberJson),
      chunkIndex,
      chunkCount,
      notFound,
      presences: presences ? await this.presencesOf(guildId, members) : undefined,
      nonce,
    });
  }

  private async presencesOf(guildId: string, members: readonly Member[]): Promise<string[]> {
    const owner = this.cluster.view.ownerOf('guild-node', guildId);
    if (owner === undefined || members.length === 0) return [];
    const userIds = members.map(({ user }) => user.id);
    try {
      const reply = await this.mesh.call(
        owner,
        `g:${guildId}`,
        { $case: 'guildPresences', value: { guildId, userIds } },
        'guildPresencesReply',
        presencesDeadline,
      );
      return reply.presences;
    } catch {
      return [];
    }
  }
}
