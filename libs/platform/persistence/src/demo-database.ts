import type { Clock } from '@derailed/shared/kernel';
import type { Logger } from '@derailed/platform/observability';
import { connect, createDataSource } from './data-source';
import { type DemoUser, prepareDemo } from './embedded/demo-data';
import type { PersistenceConfig } from './settings';

/** Creates the tables and the demo data in the database that `config` names. For trials and tests. */
export async function prepareDemoDatabase(
  config: PersistenceConfig,
  clock: Clock,
  logger: Logger,
): Promise<DemoUser[]> {
  return prepareDemo(await connect(createDataSource(config), clock, logger));
}
