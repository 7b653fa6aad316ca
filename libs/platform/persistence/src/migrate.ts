import { OperatorError } from '@derailed/shared/kernel';
import { createDataSource } from './data-source';
import type { PersistenceConfig } from './settings';
import { reasonOf } from './unavailable';

/**
 * Creates the tables that the database lacks, and says in a sentence what was done.
 * @throws OperatorError when the database can't be reached or refuses
 */
export async function migrate(config: PersistenceConfig): Promise<string> {
  // An index on a table that is full takes as long as it takes.
  const dataSource = createDataSource(config, 0);
  try {
    await dataSource.initialize();
    const done = await dataSource.runMigrations();
    return done.length === 0
      ? 'The database is up to date; nothing was changed.'
      : `The database is up to date; ran ${done.map(({ name }) => name).join(', ')}.`;
  } catch (error) {
    throw new OperatorError(`DATABASE_URL: the migrations did not run: ${reasonOf(error)}.`);
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}
