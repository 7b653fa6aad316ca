import { readFileSync } from 'node:fs';
import { DataSource } from 'typeorm';
import { type Clock, OperatorError } from '@derailed/shared/kernel';
import type { Logger } from '@derailed/platform/observability';
import { entities } from './entities';
import { migrations } from './migrations';
import type { PersistenceConfig } from './settings';
import { driverError, isAway, reasonOf } from './unavailable';

/**
 * TypeORM on pg, not yet connected. `statementTimeout` is in milliseconds, 0 for none.
 * @throws OperatorError without DATABASE_URL, or when DATABASE_CA can't be read.
 */
export function createDataSource(
  config: PersistenceConfig,
  statementTimeout = config.databaseStatementTimeout,
): DataSource {
  if (config.databaseUrl === undefined) {
    throw new OperatorError('DATABASE_URL is not set: this node reads the database of the platform.');
  }
  const { connectionString, ssl } = secured(config.databaseUrl, config.databaseCa);
  return new DataSource({
    type: 'postgres',
    entities: [...entities],
    migrations: [...migrations],
    migrationsTableName: 'gateway_migrations',
    migrationsTransactionMode: 'each',
    installExtensions: false,
    logging: false,
    // Idle connections end when the server does; Database notices at the next query.
    poolErrorHandler: () => undefined,
    extra: {
      connectionString,
      ...(ssl && { ssl }),
      application_name: 'derailed-gateway',
      max: config.databasePool,
      connectionTimeoutMillis: config.databaseStatementTimeout,
      statement_timeout: statementTimeout,
      // The server ends a statement itself; this is for a server that no longer says anything.
      query_timeout: statementTimeout === 0 ? 0 : statementTimeout + 1000,
      keepAlive: true,
    },
  });
}

function secured(url: string, ca: string | undefined): { connectionString: string; ssl?: { ca: string } } {
  if (ca === undefined) return { connectionString: url };
  const parsed = new URL(url);
  // pg lets these override `ssl`, and would forget the authority.
  for (const name of ['sslmode', 'ssl', 'sslrootcert']) parsed.searchParams.delete(name);
  try {
    return { connectionString: parsed.href, ssl: { ca: readFileSync(ca, 'utf8') } };
  } catch {
    throw new OperatorError(`DATABASE_CA: ${ca} can't be read.`);
  }
}

/** Waits between attempts, in milliseconds; the last one repeats. */
const backoff = [500, 1000, 2000, 5000, 10_000] as const;

/**
 * Connects, and while the database is away tries again with backoff and says so, without end: a node that starts
 * before its database waits for it.
 * @throws OperatorError when waiting can't help: wrong password, no such database, no trust.
 */
export async function connect(dataSource: DataSource, clock: Clock, logger: Logger): Promise<DataSource> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await dataSource.initialize();
    } catch (error) {
      if (!isAway(error)) throw new OperatorError(refusal(error));
      const wait = backoff[Math.min(attempt, backoff.length - 1)]!;
      logger.warn(
        { reason: reasonOf(error), attempt: attempt + 1 },
        `database away, next attempt in ${wait} ms`,
      );
      await new Promise<void>((resolve) => {
        clock.after(wait, resolve);
      });
    }
  }
}

function refusal(error: unknown): string {
  const { code } = driverError(error);
  const reason = reasonOf(error).replace(/\.$/, '');
  return `DATABASE_URL: the database refuses us: ${reason}${code === undefined ? '' : ` (${code})`}.`;
}
