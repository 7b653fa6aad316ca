/** Injection token of the node's Readiness. */
export const READINESS = Symbol('READINESS');

/**
 * Why a node should get no new work. Dependencies (PostgreSQL, auth) are no reason: running sessions go on
 * without them, and taking every node out of service at once would end those too.
 */
export class Readiness {
  private readonly reasons = new Map<string, string>([['start', 'the node is starting']]);

  /** `key` names the one who holds the node back, `reason` is a sentence for the operator. */
  hold(key: string, reason: string): void {
    this.reasons.set(key, reason);
  }

  release(key: string): void {
    this.reasons.delete(key);
  }

  get ready(): boolean {
    return this.reasons.size === 0;
  }

  why(): string[] {
    return [...this.reasons.values()];
  }
}
