import type { DataSource, QueryRunner } from 'typeorm';
import type { Cancel, Clock } from '@derailed/shared/kernel';
import type { Logger } from '@derailed/platform/observability';
import type { DatabaseMetrics } from './metrics';
import { DatabaseUnavailable, isAway, reasonOf } from './unavailable';

/** Milliseconds between looks at a database that is away. */
const probeEvery = 2000;

/** Runs one statement; rows come as pg gives them: bigint as text, arrays of text, timestamps as Date. */
export type Query = <Row>(sql: string, parameters?: readonly unknown[]) => Promise<Row[]>;

/**
 * The reads of all repositories pass here: it tells an absent database from a wrong query, keeps
 * `derailed_database_up`, and says once when the database goes and when it is back.
 */
export class Database {
  private up = true;
  private stopped = false;
  private cancelProbe: Cancel | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly metrics: DatabaseMetrics,
  ) {
    metrics.up.set(1);
  }

  /** @throws DatabaseUnavailable */
  readonly query: Query = (sql, parameters) => this.run((say) => say(sql, parameters));

  /**
   * Runs `reads` in one REPEATABLE READ READ ONLY transaction: all of them see the same moment.
   * @throws DatabaseUnavailable
   */
  snapshot<T>(reads: (query: Query) => Promise<T>): Promise<T> {
    return this.run(async (say) => {
      await say('START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const result = await reads(say);
      await say('COMMIT');
      return result;
    });
  }

  /** Stops looking whether the database is back; the data source is closed by its own module. */
  stop(): void {
    this.stopped = true;
    this.cancelProbe?.();
  }

  private async run<T>(work: (say: Query) => Promise<T>): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    try {
      const result = await work((sql, parameters) => {
        this.metrics.statements.inc();
        return runner.query(sql, parameters && [...parameters]);
      });
      this.cameBack();
      return result;
    } catch (error) {
      await discardConnection(runner);
      if (!isAway(error)) throw error;
      this.wentAway(error);
      throw new DatabaseUnavailable(error);
    } finally {
      await runner.release();
    }
  }

  private cameBack(): void {
    if (this.up) return;
    this.up = true;
    this.metrics.up.set(1);
    this.logger.info('database back');
  }

  private wentAway(error: unknown): void {
    if (this.up && !this.stopped) {
      this.up = false;
      this.metrics.up.set(0);
      this.logger.warn({ reason: reasonOf(error) }, 'database away; what is loaded goes on');
    }
    if (!this.stopped && this.cancelProbe === undefined) {
      this.cancelProbe = this.clock.after(probeEvery, () => {
        this.cancelProbe = undefined;
        if (!this.up) this.query('SELECT 1').catch(() => undefined);
      });
    }
  }
}

/**
 * A connection on which something failed is not used again: it may still be in a transaction, or the answer to a
 * statement that was given up may still come. The pool drops a client that is ending.
 */
async function discardConnection(runner: QueryRunner): Promise<void> {
  const client = (await runner.connect().catch(() => undefined)) as { end(): Promise<void> } | undefined;
  // Not awaited: a server that says nothing would hold us here.
  client?.end().catch(() => undefined);
}
