import { type Adopted, type Cluster, type ClusterView, RingView } from '@derailed/platform/cluster';

/** A list that the test changes, as one node has seen it. */
export class SeenCluster implements Cluster {
  view: ClusterView = new RingView(0, []);
  isMember = true;
  private readonly listeners: ((view: ClusterView) => void)[] = [];

  constructor(readonly leaseTtl: number | undefined = undefined) {}

  onChange(listener: (view: ClusterView) => void): void {
    this.listeners.push(listener);
  }

  onTrouble(): void {
    // It has none.
  }

  onRenewal(): void {
    // It can renew all along.
  }

  onLost(): void {
    // It is not lost.
  }

  holdsLease(): boolean {
    return this.isMember;
  }

  readonly footing = 'lease';

  readonly cannotRenew = false;

  heardCannotRenew(): void {
    // It can renew.
  }

  /** What the store says. */
  lists: Adopted[] = [];
  looks = 0;

  adopted(): Promise<Adopted[]> {
    this.looks++;
    return Promise.resolve(this.lists);
  }

  linkMade(): void {
    // It is always the latest list.
  }

  linkLost(): void {
    // Nobody's word counts.
  }

  join(): Promise<void> {
    return Promise.resolve();
  }

  /** What it has said that it is. */
  readonly became: string[] = [];

  become(state: 'serving' | 'draining'): Promise<void> {
    this.became.push(state);
    return Promise.resolve();
  }

  leave(): Promise<void> {
    return Promise.resolve();
  }

  show(view: ClusterView): void {
    this.view = view;
    for (const listener of this.listeners) listener(view);
  }
}
