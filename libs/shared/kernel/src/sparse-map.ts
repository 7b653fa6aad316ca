const empty: ReadonlyMap<never, never> = new Map<never, never>();

/**
 * A Map for what is nearly always empty: it costs one field until something is put in, and again once all is taken
 * out. An empty Map costs about 200 bytes, which counts where every user and every session has several.
 */
export class SparseMap<K, V> {
  private entries: Map<K, V> | undefined;

  get size(): number {
    return this.entries?.size ?? 0;
  }

  get(key: K): V | undefined {
    return this.entries?.get(key);
  }

  has(key: K): boolean {
    return this.entries?.has(key) ?? false;
  }

  set(key: K, value: V): this {
    (this.entries ??= new Map<K, V>()).set(key, value);
    return this;
  }

  delete(key: K): boolean {
    const deleted = this.entries?.delete(key) ?? false;
    if (this.entries?.size === 0) this.entries = undefined;
    return deleted;
  }

  clear(): void {
    this.entries = undefined;
  }

  /** In the order in which keys were first set. */
  keys(): IterableIterator<K> {
    return (this.entries ?? (empty as ReadonlyMap<K, V>)).keys();
  }

  values(): IterableIterator<V> {
    return (this.entries ?? (empty as ReadonlyMap<K, V>)).values();
  }
}
