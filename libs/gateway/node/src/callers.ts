/** Counts what each caller has open, so that one can't take every place. */
export class Callers {
  private readonly open = new Map<string, number>();

  constructor(private readonly limit: number) {}

  /** False: the caller has all that it may have. Each true wants a `leave`. */
  enter(key: string): boolean {
    const count = this.open.get(key) ?? 0;
    if (count >= this.limit) return false;
    this.open.set(key, count + 1);
    return true;
  }

  leave(key: string): void {
    const count = this.open.get(key) ?? 0;
    if (count > 1) this.open.set(key, count - 1);
    else this.open.delete(key);
  }

  /** Callers that have something open. */
  get size(): number {
    return this.open.size;
  }
}
