const nothing = Symbol('nothing');

/**
 * A Map for what nearly always has one entry or none: the first one is a part of the object itself, and only a second
 * one makes a Map. A Map with one entry costs about 200 bytes, which counts where every user and every session has
 * several.
 */
export class SparseMap<K, V> {
  private key: K | typeof nothing = nothing;
  private value: V | undefined;
  /** All entries, from the second one on and until none is left. */
  private all: Map<K, V> | undefined;

  get size(): number {
    return this.all?.size ?? (this.key === nothing ? 0 : 1);
  }

  get(key: K): V | undefined {
    if (this.all !== undefined) return this.all.get(key);
    return this.key === key ? this.value : undefined;
  }

  has(key: K): boolean {
    return this.all?.has(key) ?? this.key === key;
  }

  set(key: K, value: V): this {
    if (this.all !== undefined) this.all.set(key, value);
    else if (this.key === nothing || this.key === key) {
      this.key = key;
      this.value = value;
    } else {
      this.all = new Map([[this.key, this.value as V]]).set(key, value);
      this.forgetFirst();
    }
    return this;
  }

  delete(key: K): boolean {
    const deleted = this.all?.delete(key) ?? this.key === key;
    if (deleted && this.size === 0) this.all = undefined;
    if (this.key === key) this.forgetFirst();
    return deleted;
  }

  clear(): void {
    this.all = undefined;
    this.forgetFirst();
  }

  /** In the order in which keys were first set. */
  keys(): IterableIterator<K> {
    return this.all?.keys() ?? (this.key === nothing ? [] : [this.key]).values();
  }

  values(): IterableIterator<V> {
    return this.all?.values() ?? (this.key === nothing ? [] : [this.value as V]).values();
  }

  entries(): IterableIterator<[K, V]> {
    return (
      this.all?.entries() ?? (this.key === nothing ? [] : [[this.key, this.value as V] as [K, V]]).values()
    );
  }

  private forgetFirst(): void {
    this.key = nothing;
    this.value = undefined;
  }
}
