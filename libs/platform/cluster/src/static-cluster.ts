import { OperatorError } from '@derailed/shared/kernel';
import { type Cluster, type ClusterView, type Member, type Role, roles } from './cluster';
import { parseCluster } from './parse';
import { RingView } from './view';

/** One generation for ever. No key ever moves: those of a dead node wait for it. */
export class StaticCluster implements Cluster {
  readonly view: ClusterView;

  constructor(members: readonly Member[]) {
    this.view = new RingView(1, members);
  }

  /** Only this process. */
  static single(self: Member): StaticCluster {
    return new StaticCluster([self]);
  }

  /**
   * The cluster of a CLUSTER line, as the node `self` sees it.
   * @throws OperatorError when the line is broken, or does not have this node with exactly these roles.
   */
  static parse(text: string, self: Member): StaticCluster {
    const members = parseCluster(text);
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

  onChange(): void {
    // There is no second generation.
  }
}

/**
 * The membership source that the configuration names.
 * @param advertise this node's id: what others dial (LINK_ADVERTISE)
 * @throws OperatorError
 */
export function createCluster(
  config: { readonly cluster?: string | undefined; readonly roles: readonly Role[] },
  advertise: string,
): Cluster {
  const self: Member = { id: advertise, roles: config.roles };
  return config.cluster === undefined
    ? StaticCluster.single(self)
    : StaticCluster.parse(config.cluster, self);
}
