import type { ClusterView, Role } from '../cluster';
import { type KeyPart, KeysTold } from './key-part';

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
  /** Of a sync: the keys that it is to speak of; undefined: all. */
  readonly part?: KeyPart;
}

/** A list that this node went by, and whether it served the key then. */
interface Reign {
  readonly view: ClusterView;
  serves(key: string): boolean;
}

/** A session-node that has not said all. */
interface Awaited {
  readonly told: KeysTold;
  /** Until when it may say something. Each answer gives it more time: there are only so many questions. */
  deadline: number;
}

/** Milliseconds. */
const askAgain = 1000;
const lookAfter = 2000;
/** Between two parts of the keys that nothing waits for, when something waits for others, at least. */
const rest = 10;
/** Keys that come from nodes which live are in use: those that something waits for come first, as soon as they are known. */
const headStart = 200;
const always = (): boolean => true;

/**
 * Which keys of a role this node may serve. Keys that were this node's all along go on. A key that came with a
 * generation is served in two steps: first every other node of the role yields, or is off the list (its lease has
 * ended); then every session-node syncs. They are asked for the keys part by part, those first that something waits for, and
 * a key is served when all have spoken of it. A session-node that says nothing within the time limit is revoked: when it comes
 * late it is told that its sessions are lost there. Nobody's word counts for another generation than the present one:
 * a node that is ahead has seen owners that this one has not. Times are monotonic milliseconds.
 */
export class Ownership {
  private view: ClusterView | undefined;
  /** Lists since the last one that was settled, that one first. Before the first there is none. */
  private since: Reign[] = [];
  private settledOnce = false;
  /** Other nodes of the role that have not yielded, each with its incarnation. */
  private claimed = new Map<string, string>();
  /** Those that have yielded by a list which this node has not seen yet. */
  private readonly ahead = new Map<string, { readonly incarnation: string; readonly generation: number }>();
  private changes = 0;
  /** Session-nodes that have not synced; nothing is asked of them until all others have yielded. */
  private awaited = new Map<string, Awaited>();
  /** Session-nodes that came too late, until they sync. */
  private readonly late = new Set<string>();
  /** Keys that something waits for. */
  private readonly wanted = new Set<string>();
  private hasAsked = false;
  private askAt = 0;
  private lookAt = 0;

  /** @param timeoutMs how long a session-node that is on the list may say nothing */
  constructor(
    private readonly role: Role,
    private readonly self: string,
    private readonly timeoutMs: number,
  ) {}

  get generation(): number {
    return this.view?.generation ?? 0;
  }

  /** Grows whenever keys may be served, or are not any more, or others are waited for. */
  get progress(): number {
    return this.changes;
  }

  /** Whether there are keys that wait. */
  get waits(): boolean {
    return this.claimed.size > 0 || this.awaited.size > 0;
  }

  changed(view: ClusterView, now: number): void {
    this.view = view;
    this.changes++;
    const claimed = (this.claimed = new Map<string, string>());
    const awaited = (this.awaited = new Map<string, Awaited>());
    this.wanted.clear();
    this.hasAsked = false;
    for (const node of this.late) if (view.member(node) === undefined) this.late.delete(node);
    if (this.gains()) {
      // Keys of a static list never move, so nobody can have served them. Its members have no incarnation there.
      const others = view.members.filter(
        ({ id, incarnation, roles }) => id !== this.self && incarnation !== '' && roles.includes(this.role),
      );
      for (const { id, incarnation } of others)
        if (!this.hasYielded(id, incarnation)) claimed.set(id, incarnation);
      const restsUntil = others.length > 0 ? now + headStart : now;
      for (const { id, incarnation, roles } of view.members)
        if (roles.includes('session-node'))
          awaited.set(id, { told: new KeysTold(incarnation, restsUntil), deadline: 0 });
      this.askAt = now;
      this.lookAt = now + lookAfter;
    }
    for (const [node, { generation }] of this.ahead)
      if (generation <= view.generation) this.ahead.delete(node);
    const serves = (key: string): boolean => {
      if (claimed.size > 0) return false;
      for (const { told } of awaited.values()) if (!told.has(key)) return false;
      return true;
    };
    this.since.push({ view, serves });
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

  /** Another node of the role serves none of this node's keys, by the list of that generation. */
  yielded(node: string, incarnation: string, generation: number): void {
    if (generation > this.generation) this.ahead.set(node, { incarnation, generation });
    if (generation !== this.generation || this.claimed.get(node) !== incarnation) return;
    this.claimed.delete(node);
    this.changes++;
    if (!this.waits) this.settle();
  }

  /**
   * A session-node has said what it holds.
   * @param part of which keys; undefined: of all
   */
  synced(
    node: string,
    incarnation: string,
    generation: number,
    part: KeyPart | undefined,
    now: number,
  ): void {
    if (generation !== this.generation || this.claimed.size > 0) return;
    const state = this.awaited.get(node);
    if (state === undefined) {
      if (part === undefined && this.late.delete(node)) this.changes++;
      return;
    }
    const { told } = state;
    if (
      (told.incarnation !== '' && told.incarnation !== incarnation) ||
      !told.told(part, now, this.wanted.size > 0 ? rest : 0)
    )
      return;
    this.changes++;
    state.deadline = Math.max(now, told.restsUntil) + this.timeoutMs;
    if (!told.all) return;
    this.late.delete(node);
    this.awaited.delete(node);
    if (!this.waits) this.settle();
  }

  /** Something waits for the key: it is asked for before others. @returns whether that is news, for tick() to act on */
  want(key: string): boolean {
    if (!this.waits || this.wanted.has(key)) return false;
    this.wanted.add(key);
    for (const { told } of this.awaited.values()) told.want(key);
    return true;
  }

  /** Whether keys were served without this session-node's word, so that its sessions may have missed events. */
  isLate(node: string): boolean {
    return this.late.has(node);
  }

  standing(key: string): Standing {
    if (this.view?.ownerOf(this.role, key) !== this.self) return 'elsewhere';
    for (let at = this.since.length - 1; at >= 0; at--) {
      const { view, serves } = this.since[at] as Reign;
      if (view.ownerOf(this.role, key) !== this.self) return 'waiting';
      if (serves(key)) return 'ready';
    }
    return 'waiting';
  }

  /** Whom to ask what now. Revokes those whose time is over: `waits` may have become false. */
  tick(now: number): readonly Ask[] {
    const { generation } = this;
    const asks: Ask[] = [];
    if (now >= this.askAt) {
      for (const node of this.claimed.keys()) asks.push({ kind: 'claim', node, generation });
      if (now >= this.lookAt)
        for (const node of this.claimed.keys()) asks.push({ kind: 'look', node, generation });
      if (this.claimed.size === 0)
        for (const node of this.late)
          if (!this.awaited.has(node)) asks.push({ kind: 'sync', node, generation });
      if (asks.length > 0) this.askAt = now + askAgain;
    }
    if (this.claimed.size > 0) return asks;
    let lost = false;
    for (const [node, state] of this.awaited) {
      if (!this.hasAsked) state.deadline = now + this.timeoutMs;
      if (now >= state.deadline) {
        this.late.add(node);
        this.awaited.delete(node);
        this.changes++;
        lost = true;
        continue;
      }
      const part = state.told.ask(now);
      if (part !== undefined) asks.push({ kind: 'sync', node, generation, part });
    }
    this.hasAsked = true;
    if (lost && !this.waits) this.settle();
    return asks;
  }

  nextWake(): number | undefined {
    if (this.claimed.size > 0) return this.askAt;
    let wake: number | undefined = this.late.size > 0 ? this.askAt : undefined;
    for (const { told, deadline } of this.awaited.values()) {
      const at = this.hasAsked ? Math.min(told.nextAsk, deadline) : this.askAt;
      if (wake === undefined || at < wake) wake = at;
    }
    return wake;
  }

  /** Whether the present ring may give this node a key that it did not have: it is on it, and others are off or anew. */
  private gains(): boolean {
    const ring = this.view?.membersOf(this.role) ?? [];
    if (!ring.includes(this.self)) return false;
    if (!this.settledOnce || this.since.length === 0) return true;
    // A ring that only grew took keys away from here, if anything.
    return this.since.some(
      ({ view }) =>
        !view.membersOf(this.role).includes(this.self) ||
        view.membersOf(this.role).some((id) => !ring.includes(id)),
    );
  }

  private hasYielded(node: string, incarnation: string): boolean {
    const word = this.ahead.get(node);
    return word?.incarnation === incarnation && word.generation === this.generation;
  }

  private settle(): void {
    this.changes++;
    this.settledOnce = true;
    this.wanted.clear();
    this.since = this.view === undefined ? [] : [{ view: this.view, serves: always }];
  }
}
