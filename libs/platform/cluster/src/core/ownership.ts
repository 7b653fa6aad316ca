import type { ClusterView, Role } from '../cluster';

/**
 * ready: the key may be served. waiting: it is this node's, and it is not known yet that nobody else serves it and who
 * holds subscriptions to it. elsewhere: another node owns it, by the list that this one has seen.
 */
export type Standing = 'ready' | 'waiting' | 'elsewhere';

/**
 * What a node is to be asked: to yield what it served of this node's keys, or to say what it holds for them. look: it does
 * not answer, so the store is to be asked by which list it goes.
 */
export interface Ask {
  readonly kind: 'claim' | 'sync' | 'look';
  readonly node: string;
  readonly generation: number;
}

/** Milliseconds. */
const askAgain = 1000;
const lookAfter = 2000;

/**
 * Which keys of a role this node may serve. Keys that were this node's all along go on. A key that came with a
 * generation is served in two steps: first every other node of the role yields, or is off the list (its lease has
 * ended); then every session-node syncs. A session-node that does not within the time limit is revoked: when it comes
 * late it is told that its sessions are lost there. Nobody's word counts for another generation than the present one:
 * a node that is ahead has seen owners that this one has not. Times are monotonic milliseconds.
 */
export class Ownership {
  private view: ClusterView | undefined;
  /** Views since the last one that was settled, that one first. Before the first there is none. */
  private since: ClusterView[] = [];
  private settledOnce = false;
  /** Other nodes of the role that have not yielded, each with its incarnation. */
  private readonly claimed = new Map<string, string>();
  /** Session-nodes that have not synced. */
  private readonly awaited = new Map<string, string>();
  /** Session-nodes that came too late, until they sync. */
  private readonly late = new Set<string>();
  /** Until when session-nodes may sync; undefined: they are not asked yet. */
  private deadline: number | undefined;
  private askAt = 0;
  private lookAt = 0;

  /** @param timeoutMs how long a session-node may take to sync */
  constructor(
    private readonly role: Role,
    private readonly self: string,
    private readonly timeoutMs: number,
  ) {}

  get generation(): number {
    return this.view?.generation ?? 0;
  }

  /** Whether there are keys that wait. */
  get waits(): boolean {
    return this.claimed.size > 0 || this.awaited.size > 0;
  }

  changed(view: ClusterView, now: number): void {
    this.view = view;
    this.since.push(view);
    this.claimed.clear();
    this.awaited.clear();
    this.deadline = undefined;
    for (const node of this.late) if (view.member(node) === undefined) this.late.delete(node);
    if (this.gains()) {
      for (const { id, incarnation, roles } of view.members) {
        // Keys of a static list never move, so nobody can have served them. Its members have no incarnation there.
        if (id !== this.self && incarnation !== '' && roles.includes(this.role))
          this.claimed.set(id, incarnation);
        if (roles.includes('session-node')) this.awaited.set(id, incarnation);
      }
      this.askAt = now;
      this.lookAt = now + lookAfter;
    }
    if (!this.waits) this.settle();
  }

  /** Whom keys wait for, and without whom they are served. */
  get awaits(): {
    readonly yields: readonly string[];
    readonly syncs: readonly string[];
    readonly late: readonly string[];
  } {
    return { yields: [...this.claimed.keys()], syncs: [...this.awaited.keys()], late: [...this.late] };
  }

  /** Another node of the role serves none of this node's keys. */
  yielded(node: string, incarnation: string, generation: number): void {
    if (generation !== this.generation || this.claimed.get(node) !== incarnation) return;
    this.claimed.delete(node);
    if (!this.waits) this.settle();
  }

  /** A session-node has said all that it holds. */
  synced(node: string, incarnation: string, generation: number): void {
    if (generation !== this.generation || this.claimed.size > 0) return;
    this.late.delete(node);
    const expected = this.awaited.get(node);
    if (expected === undefined || (expected !== '' && expected !== incarnation)) return;
    this.awaited.delete(node);
    if (!this.waits) this.settle();
  }

  /** Whether keys were served without this session-node's word, so that its sessions may have missed events. */
  isLate(node: string): boolean {
    return this.late.has(node);
  }

  standing(key: string): Standing {
    if (this.view?.ownerOf(this.role, key) !== this.self) return 'elsewhere';
    if (!this.settledOnce) return 'waiting';
    for (const view of this.since) if (view.ownerOf(this.role, key) !== this.self) return 'waiting';
    return 'ready';
  }

  /** Whom to ask what now. Revokes those whose time is over: `waits` may have become false. */
  tick(now: number): readonly Ask[] {
    if (this.claimed.size === 0 && this.awaited.size > 0) {
      if (this.deadline === undefined) {
        this.deadline = now + this.timeoutMs;
        this.askAt = now;
      } else if (now >= this.deadline) {
        for (const node of this.awaited.keys()) this.late.add(node);
        this.awaited.clear();
        this.settle();
      }
    }
    if (now < this.askAt) return [];
    const { generation } = this;
    const claims = [...this.claimed.keys()].map((node): Ask => ({ kind: 'claim', node, generation }));
    const looks = now < this.lookAt ? [] : claims.map((ask): Ask => ({ ...ask, kind: 'look' }));
    const syncs = this.claimed.size > 0 ? [] : [...this.awaited.keys(), ...this.late];
    const asks = [...claims, ...looks, ...syncs.map((node): Ask => ({ kind: 'sync', node, generation }))];
    if (asks.length > 0) this.askAt = now + askAgain;
    return asks;
  }

  nextWake(): number | undefined {
    if (this.waits) return this.deadline === undefined ? this.askAt : Math.min(this.askAt, this.deadline);
    return this.late.size > 0 ? this.askAt : undefined;
  }

  /** Whether the present ring may give this node a key that it did not have: it is on it, and others are off or anew. */
  private gains(): boolean {
    const ring = this.view?.membersOf(this.role) ?? [];
    if (!ring.includes(this.self)) return false;
    const before = this.since.slice(0, -1);
    if (!this.settledOnce || before.length === 0) return true;
    // A ring that only grew took keys away from here, if anything.
    return before.some(
      (view) =>
        !view.membersOf(this.role).includes(this.self) ||
        view.membersOf(this.role).some((id) => !ring.includes(id)),
    );
  }

  private settle(): void {
    this.settledOnce = true;
    this.deadline = undefined;
    this.since = this.view === undefined ? [] : [this.view];
  }
}
