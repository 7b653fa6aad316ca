import { OperatorError } from '@derailed/shared/kernel';
import { type Cluster, type ClusterView, type Member, type Role, roles } from './cluster';
import type { StaticMember } from './parse';
import { RingView } from './view';

/** One generation for ever. No key ever moves: those of a dead node wait for it. */
export class StaticCluster implements Cluster {
  readonly view: ClusterView;

  constructor(members: readonly StaticMember[]) {
    const listed = members.map(({ id, roles }): Member => ({
      id,
      roles,
      incarnation: '',
      state: 'serving',
      contractVersion: 0,
    }));
    this.view = new RingView(
      1,
      listed.sort((one, other) => (one.id < other.id ? -1 : 1)),
    );
  }

  /** Only this process. */
  static single(self: StaticMember): StaticCluster {
    return new StaticCluster([self]);
  }

  /**
   * The cluster of a static line, as the node `self` sees it.
   * @throws OperatorError when it does not have this node with exactly these roles.
   */
  static of(
    members: readonly StaticMember[],
    self: { readonly id: string; readonly roles: readonly Role[] },
  ) {
    const listed = members.find(({ id }) => id === self.id);
    if (!listed) {
      throw new OperatorError(
        `CLUSTER does not have this node, ${self.id} (LINK_ADVERTISE); it has ${members.map(({ id }) => id).join(', ')}.`,
      );
    }
    const ordered = roles.filter((role) => self.roles.includes(role));
    if (ordered.join() !== listed.roles.join()) {
      throw new OperatorError(
        `CLUSTER gives ${self.id} the roles ${listed.roles.join(', ')}, but this process has the roles ${ordered.join(', ')} (ROLES).`,
      );
    }
    return new StaticCluster(members);
  }

  /** Keys never move, so nobody else can ever own this node's. */
  holdsLease(): boolean {
    return true;
  }

  readonly leaseTtl = undefined;

  readonly footing = 'lease';

  readonly cannotRenew = false;

  heardCannotRenew(): void {
    // There is nothing to renew.
  }

  async adopted(): Promise<[]> {
    // Nobody has to yield what never moves.
    return [];
  }

  linkMade(): void {
    // There is no later list.
  }

  linkLost(): void {
    // Nor does anybody's word count.
  }

  async join(): Promise<void> {
    // It is on the list from the start.
  }

  async become(): Promise<void> {
    // A static list has no states.
  }

  async leave(): Promise<void> {
    // Its keys wait for it.
  }

  onChange(): void {
    // There is no second generation.
  }

  onTrouble(): void {
    // Nothing can keep it from a list that never changes.
  }

  onRenewal(): void {
    // Nothing is renewed.
  }

  onLost(): void {
    // There is no lease to end.
  }
}
