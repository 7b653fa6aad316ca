import type { PGlite } from '@electric-sql/pglite';

/** The part of PGlite that its socket server uses. */
export type ServedDatabase = Pick<
  PGlite,
  'waitReady' | 'isInTransaction' | 'runExclusive' | 'execProtocolRawStream' | 'exec'
>;

/** Types of the messages that make up an extended query before its Sync: Parse, Bind, Describe, Execute, Close, Flush. */
const unfinished = new Set([...'PBDECH'].map((type) => type.charCodeAt(0)));

/**
 * PGlite is one session, shared by every connection of its socket server, which queues message by message and keeps
 * to one connection only while a transaction is open. An extended query is several messages, so those of two
 * connections would mix, and one would get the rows of the other
 * (https://github.com/electric-sql/pglite/issues/1046). Saying "in a transaction" from the first of them until the
 * Sync keeps them together. The queue also stops for ever after an exception, which only a broken PGlite throws:
 * `onBroken` hears of it.
 */
export class OneSession implements ServedDatabase {
  private midQuery = false;

  constructor(
    private readonly inner: ServedDatabase,
    private readonly onBroken: (error: unknown) => void,
  ) {}

  get waitReady(): Promise<void> {
    return this.inner.waitReady;
  }

  isInTransaction(): boolean {
    return this.midQuery || this.inner.isInTransaction();
  }

  runExclusive<T>(task: () => Promise<T>): Promise<T> {
    return this.inner.runExclusive(task);
  }

  async execProtocolRawStream(
    ...[message, options]: Parameters<PGlite['execProtocolRawStream']>
  ): Promise<void> {
    try {
      await this.inner.execProtocolRawStream(message, options);
    } catch (error) {
      this.onBroken(error);
      throw error;
    }
    this.midQuery = unfinished.has(message[0] ?? 0);
  }

  /** What the server sends by itself: the ROLLBACK for a connection that left in the middle. */
  exec(...[sql, options]: Parameters<PGlite['exec']>): ReturnType<PGlite['exec']> {
    this.midQuery = false;
    return this.inner.exec(sql, options);
  }
}
