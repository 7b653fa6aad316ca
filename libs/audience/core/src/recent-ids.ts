import { SparseMap } from '@derailed/shared/kernel';

/** Remembers the last `limit` keys that were put in, with a value each. Keys keep their order: the first is the oldest. */
export class RecentIds<V> {
  private readonly values = new SparseMap<string, V>();

  constructor(private readonly limit: number) {}

  get(id: string): V | undefined {
    return this.values.get(id);
  }

  has(id: string): boolean {
    return this.values.has(id);
  }

  put(id: string, value: V): void {
    this.values.set(id, value);
    if (this.values.size <= this.limit) return;
    for (const oldest of this.values.keys()) {
      this.values.delete(oldest);
      break;
    }
  }

  delete(id: string): void {
    this.values.delete(id);
  }

  /** The keys that were put in last, at most so many, the oldest first. */
  latest(count: number): string[] {
    return count <= 0 ? [] : [...this.values.keys()].slice(-count);
  }

  get size(): number {
    return this.values.size;
  }
}
