import {
  type Cluster,
  type ClusterView,
  type Footing,
  type Member,
  Outage,
  type Role,
  RingView,
} from '@derailed/platform/cluster';
import { InProcessNetwork } from '@derailed/platform/mesh';
import { Readiness } from '@derailed/platform/observability';
import { type Clock, seededRng } from '@derailed/shared/kernel';
import { VirtualClock } from '@derailed/testing';
import { fence } from './fence';

const ttlMs = 10_000;
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A member whose store answers or does not, as the test wants. */
class Renewing implements Cluster {
  view: ClusterView = new RingView(0, []);
  cannotRenew = false;
  readonly leaseTtl = ttlMs;
  private validUntil = Infinity;
  private readonly outage: Outage;
  private readonly changes: ((view: ClusterView) => void)[] = [];
  private readonly renewals: (() => void)[] = [];

  constructor(
    self: string,
    private readonly clock: Clock,
  ) {
    this.outage = new Outage(self, ttlMs);
  }

  get footing(): Footing {
    const now = this.clock.monotonic();
    if (now < this.validUntil) return 'lease';
    return this.cannotRenew && this.outage.isGeneral(now) ? 'outage' : 'none';
  }

  holdsLease(): boolean {
    return this.footing !== 'none';
  }

  heardCannotRenew({ id, incarnation }: { id: string; incarnation: string }, askedAt: number): void {
    this.outage.heard(id, incarnation, askedAt);
  }

  linkMade(id: string): void {
    this.outage.met(id);
  }

  linkLost(id: string): void {
    this.outage.forget(id);
  }

  onChange(listener: (view: ClusterView) => void): void {
    this.changes.push(listener);
  }

  onRenewal(listener: () => void): void {
    this.renewals.push(listener);
  }

  onTrouble(): void {
    // It does not say why.
  }

  onLost(): void {
    // It is never lost.
  }

  async adopted(): Promise<[]> {
    return [];
  }

  async join(): Promise<void> {
    // It is a member.
  }

  async become(): Promise<void> {
    // It serves.
  }

  async leave(): Promise<void> {
    // It stays.
  }

  show(view: ClusterView): void {
    this.view = view;
    this.outage.see(view);
    for (const listener of this.changes) listener(view);
  }

  /** The store answers no more; the lease ends in 4 s. Or it answers again. */
  renew(works: boolean): void {
    this.cannotRenew = !works;
    this.validUntil = works ? Infinity : this.clock.monotonic() + 4000;
    for (const listener of this.renewals) listener();
  }
}

function start() {
  const clock = new VirtualClock();
  const network = new InProcessNetwork({ clock, rng: seededRng(1) });
  const members = new Map<string, Member>();
  const node = (id: string, role: Role) => {
    const mesh = network.join(id);
    const cluster = new Renewing(id, clock);
    const readiness = new Readiness();
    readiness.release('start');
    const log: string[] = [];
    const say = (text: unknown) => void log.push(String(text));
    fence({ mesh, cluster, clock, ttlMs, readiness, logger: { info: say, warn: say } });
    members.set(id, {
      id,
      incarnation: mesh.self.incarnation,
      roles: [role],
      state: 'serving',
      contractVersion: 1,
    });
    return { id, mesh, cluster, readiness, log };
  };
  /** Milliseconds, in steps in which what is said is also heard. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 100) {
      clock.advance(Math.min(left, 100));
      await settled();
    }
  };
  let generation = 0;
  /** All of `nodes` see that they are the list. */
  const list = (...nodes: { id: string; cluster: Renewing }[]): void => {
    const view = new RingView(
      ++generation,
      nodes.map(({ id }) => members.get(id)!),
    );
    for (const { cluster } of nodes) cluster.show(view);
  };
  return { clock, network, node, list, pass };
}

describe('a fence', () => {
  it('lets owners go on past their lease while none of them can renew, and until one of them can', async () => {
    const { node, list, pass, clock } = start();
    const [a, b, c] = [node('a', 'guild-node'), node('b', 'session-node'), node('c', 'presence-node')];
    // It owns nothing, so nobody waits for its word.
    const gateway = node('w', 'ws-gateway');
    list(a, b, c, gateway);
    const owners = [a, b, c];
    for (const { cluster } of owners) cluster.renew(false);
    for (let seconds = 0; seconds < 30; seconds++) {
      await pass(1000);
      expect(owners.map(({ cluster }) => cluster.holdsLease())).toEqual([true, true, true]);
    }
    expect(a.cluster.footing).toBe('outage');
    expect(a.readiness.ready).toBe(true);
    b.cluster.renew(true);
    await pass(3000);
    expect(owners.map(({ cluster }) => cluster.footing)).toEqual(['none', 'lease', 'none']);
    expect(a.readiness.why()).toEqual(['the lease may have ended, and etcd does not answer']);
    for (const { cluster } of [a, c]) cluster.renew(true);
    expect(owners.map(({ cluster }) => cluster.footing)).toEqual(['lease', 'lease', 'lease']);
    expect(a.log).toEqual([
      'no node that owns keys can renew its lease: this one goes on without',
      'the lease may have ended: this node serves none of its keys until it is renewed',
      'the lease is renewed again',
    ]);
    expect(a.readiness.ready).toBe(true);
    await pass(2000);
    expect(clock.pending).toBe(0);
  });

  it('stops an owner at the end of its lease when another can renew, or when their link is cut', async () => {
    const { node, list, pass, network } = start();
    const [a, b] = [node('a', 'guild-node'), node('b', 'session-node')];
    list(a, b);
    a.cluster.renew(false);
    await pass(3900);
    expect(a.cluster.footing).toBe('lease');
    await pass(100);
    expect(a.cluster.footing).toBe('none');
    b.cluster.renew(false);
    await pass(2000);
    expect(a.cluster.footing).toBe('outage');
    network.cut('a', 'b');
    await pass(4000);
    expect([a.cluster.footing, b.cluster.footing]).toEqual(['none', 'none']);
    network.heal('a', 'b');
    await pass(1000);
    expect([a.cluster.footing, b.cluster.footing]).toEqual(['outage', 'outage']);
  });

  it('stops an owner that is alone on its list when somebody comes who is not on it', async () => {
    const { node, list, pass } = start();
    const a = node('a', 'guild-node');
    list(a);
    a.cluster.renew(false);
    await pass(5000);
    expect(a.cluster.footing).toBe('outage');
    const b = node('b', 'guild-node');
    b.mesh.send('a', 'x', { $case: 'ownershipClaim', value: { role: 'guild-node', generation: 2 } });
    await settled();
    expect(a.cluster.footing).toBe('none');
    list(a, b);
    expect(a.cluster.footing).toBe('none');
    a.cluster.renew(true);
    expect(a.cluster.footing).toBe('lease');
  });

  it('takes nothing from a start that is off the list, and has nothing said to it', async () => {
    const { node, list } = start();
    const [a, b] = [node('a', 'guild-node'), node('b', 'guild-node')];
    list(a, b);
    const heard: number[] = [];
    a.mesh.onMessage('ownershipClaim', ({ generation }) => heard.push(generation));
    const claim = (generation: number): boolean =>
      b.mesh.send('a', 'x', { $case: 'ownershipClaim', value: { role: 'guild-node', generation } });
    claim(1);
    await settled();
    list(a);
    claim(2);
    await settled();
    expect(heard).toEqual([1]);
    expect(
      a.mesh.send('b', 'x', { $case: 'ownershipClaim', value: { role: 'guild-node', generation: 1 } }),
    ).toBe(false);
    const again = node('b', 'guild-node');
    list(a, again);
    again.mesh.send('a', 'x', { $case: 'ownershipClaim', value: { role: 'guild-node', generation: 3 } });
    await settled();
    expect(heard).toEqual([1, 3]);
  });
});
