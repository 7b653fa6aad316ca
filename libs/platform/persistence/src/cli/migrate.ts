import { loadConfig } from '@derailed/platform/config';
import { OperatorError } from '@derailed/shared/kernel';
import { migrate } from '../migrate';
import { persistenceSettings } from '../settings';

/** `npm run migrate`: creates the tables that the gateway reads in the database of DATABASE_URL. */
async function main(): Promise<void> {
  const { persistence } = loadConfig({ persistence: persistenceSettings }, process.env);
  process.stdout.write(`${await migrate(persistence)}\n`);
}

main().catch((error: unknown) => {
  if (!(error instanceof OperatorError)) throw error;
  process.stderr.write(`migrate: ${error.message}\n`);
  process.exitCode = 1;
});
