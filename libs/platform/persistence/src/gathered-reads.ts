interface Waiting<V> {
  readonly promise: Promise<V | null>;
  readonly resolve: (value: V | null) => void;
  readonly reject: (error: unknown) => void;
}

/** How many ids one statement asks for. */
const most = 500;
/** Statements of one kind on their way at once; another one goes beside the first only for so many ids. */
const atOnce = 2;
const worthAnother = 16;

/**
 * Reads by id that share statements: while one is on its way, the next ones gather for the following one. One alone goes at
 * once; ten thousand together are a few dozen statements.
 */
export class GatheredReads<V> {
  private waiting = new Map<string, Waiting<V>>();
  private running = 0;

  /** @param read what is there of these ids, which are all different */
  constructor(private readonly read: (ids: readonly string[]) => Promise<ReadonlyMap<string, V>>) {}

  /** Null when there is nothing with this id. Rejects when its statement fails. */
  one(id: string): Promise<V | null> {
    const known = this.waiting.get(id);
    if (known !== undefined) return known.promise;
    let resolve: Waiting<V>['resolve'] = () => undefined;
    let reject: Waiting<V>['reject'] = () => undefined;
    const promise = new Promise<V | null>((onValue, onError) => {
      resolve = onValue;
      reject = onError;
    });
    this.waiting.set(id, { promise, resolve, reject });
    this.start();
    return promise;
  }

  private start(): void {
    const least = this.running === 0 ? 1 : worthAnother;
    if (this.running >= atOnce || this.waiting.size < least) return;
    const asked = new Map([...this.waiting].slice(0, most));
    for (const id of asked.keys()) this.waiting.delete(id);
    this.running++;
    this.read([...asked.keys()])
      .then(
        (found) => {
          for (const [id, { resolve }] of asked) resolve(found.get(id) ?? null);
        },
        (error: unknown) => {
          for (const { reject } of asked.values()) reject(error);
        },
      )
      .finally(() => {
        this.running--;
        this.start();
      });
  }
}
