import type { ClusterView, Role } from '../cluster';

const owners: readonly Role[] = ['session-node', 'guild-node', 'presence-node'];

/** For what part of the lease's time to live a word counts. */
const wordLasts = 0.3;

/** In what part of it the others are asked again. */
export const askAgainAfter = 0.1;

/** Those whose word is needed: all who own keys. */
export const ownersOf = ({ members }: ClusterView, self: string): readonly string[] =>
  members.flatMap(({ id, roles }) => (id !== self && roles.some((role) => owners.includes(role)) ? id : []));

/**
 * Whether a node may go on without a lease. It may while every other node that owns keys says, over a living link, that it
 * can't renew its own either: then the list changes for none of them. One that can renew does not say so, and one that
 * is gone says nothing. Nor may it when there is somebody whom its list does not have: others reach the store then, and may
 * be given its keys. A word counts from the moment it was asked for, so one that was long on its way counts for less.
 * Times are monotonic milliseconds.
 */
export class Outage {
  private readonly words = new Map<string, { readonly incarnation: string; readonly askedAt: number }>();
  private view: ClusterView | undefined;
  private until = -Infinity;
  /** Somebody is there whom this node's list does not have: there is a later one. */
  private isOutdated = false;

  constructor(
    private readonly self: string,
    private readonly ttlMs: number,
  ) {}

  /** That node can't renew. */
  heard(node: string, incarnation: string, askedAt: number): void {
    this.words.set(node, { incarnation, askedAt });
    this.judge();
  }

  /** The link to the node is broken: its word counts no more. */
  forget(node: string): void {
    if (this.words.delete(node)) this.judge();
  }

  /** That node is there. Who never was on the list finds others by one that the store has given it. */
  met(node: string): void {
    if (this.view !== undefined && this.view.member(node) === undefined) this.isOutdated = true;
  }

  see(view: ClusterView): void {
    this.view = view;
    this.isOutdated = false;
    for (const node of this.words.keys()) if (view.member(node) === undefined) this.words.delete(node);
    this.judge();
  }

  isGeneral(now: number): boolean {
    return !this.isOutdated && now < this.until;
  }

  private judge(): void {
    const { view } = this;
    const words =
      view === undefined ? [-Infinity] : ownersOf(view, this.self).map((id) => this.word(view, id));
    this.until = Math.min(...words) + wordLasts * this.ttlMs;
  }

  private word(view: ClusterView, id: string): number {
    const word = this.words.get(id);
    return word !== undefined && word.incarnation === view.member(id)?.incarnation ? word.askedAt : -Infinity;
  }
}
