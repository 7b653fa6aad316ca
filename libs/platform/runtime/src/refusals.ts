/** Keys of one caller that are remembered; the oldest go first. */
const limit = 65_536;

/**
 * Which keys each caller was refused. It may have more calls for such a key on their way, and this node may come to own the key
 * between two of them: then the later one would overtake the one that was refused. So a caller that is refused once is
 * refused until it says that it begins again, from the first call on.
 */
export class Refusals {
  private readonly byCaller = new Map<string, Set<string>>();

  /** @param restarts the caller begins again with this call, for the keys in it */
  admits(caller: string, keys: readonly string[], restarts: boolean): boolean {
    const refused = this.byCaller.get(caller);
    if (refused === undefined) return true;
    if (!restarts) return !keys.some((key) => refused.has(key));
    for (const key of keys) refused.delete(key);
    if (refused.size === 0) this.byCaller.delete(caller);
    return true;
  }

  add(caller: string, keys: readonly string[]): void {
    let refused = this.byCaller.get(caller);
    if (refused === undefined) this.byCaller.set(caller, (refused = new Set()));
    for (const key of keys) refused.add(key);
    for (const oldest of refused) {
      if (refused.size <= limit) break;
      refused.delete(oldest);
    }
  }

  /** What the caller had on its way is lost. */
  forget(caller: string): void {
    this.byCaller.delete(caller);
  }
}
