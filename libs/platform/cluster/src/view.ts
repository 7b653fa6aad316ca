import { HashRing } from '@derailed/shared/hash-ring';
import type { ClusterView, Member, Role } from './cluster';

/** Another one whenever a node came on the ring of the role, left it or the list, or was started again. */
export function fingerprint({ members }: Pick<ClusterView, 'members'>, role: Role): string {
  return members
    .filter(({ roles, state }) => state !== 'joining' && roles.includes(role))
    .map(({ id, incarnation, state }) => `${id} ${incarnation} ${state}`)
    .join();
}

/** The rings of one generation: a pure function of its member list, each made when it is first asked for. */
export class RingView implements ClusterView {
  private readonly rings = new Map<Role, HashRing>();
  private readonly byId: ReadonlyMap<string, Member>;

  constructor(
    readonly generation: number,
    readonly members: readonly Member[],
  ) {
    this.byId = new Map(members.map((member) => [member.id, member]));
  }

  ownerOf(role: Role, key: string): string | undefined {
    return this.ring(role).owner(key);
  }

  membersOf(role: Role): readonly string[] {
    return this.ring(role).members;
  }

  member(id: string): Member | undefined {
    return this.byId.get(id);
  }

  private ring(role: Role): HashRing {
    let ring = this.rings.get(role);
    if (!ring) {
      ring = HashRing.of(
        this.members
          .filter((member) => member.state === 'serving' && member.roles.includes(role))
          .map(({ id }) => id),
      );
      this.rings.set(role, ring);
    }
    return ring;
  }
}
