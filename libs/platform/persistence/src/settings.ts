import { z } from 'zod';
import { count, duration, optionalText, setting } from '@derailed/platform/config';

const postgresUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\//, 'must look like postgresql://USER:PASSWORD@HOST:5432/DATABASE')
  .refine((text) => URL.canParse(text), 'must look like postgresql://USER:PASSWORD@HOST:5432/DATABASE');

/** How a node reaches the platform's database. */
export const persistenceSettings = {
  databaseUrl: setting(
    'DATABASE_URL',
    'The PostgreSQL that the monolith writes, as postgresql://USER:PASSWORD@HOST:PORT/DATABASE.',
    postgresUrl.optional(),
    true,
  ),
  databaseCa: setting(
    'DATABASE_CA',
    'Path to PEM certificates of authorities; when set, the connection is TLS and the server must show a certificate of theirs.',
    optionalText(),
  ),
  databasePool: setting(
    'DATABASE_POOL',
    'How many connections a process holds at most; further queries wait, no longer than DATABASE_STATEMENT_TIMEOUT.',
    count(10, { min: 1, max: 1000 }),
  ),
  databaseStatementTimeout: setting(
    'DATABASE_STATEMENT_TIMEOUT',
    'How long a connection attempt, the wait for a free connection, or one statement may take.',
    duration('5s', { min: '100ms', max: '10m' }),
  ),
};

export type PersistenceConfig = z.infer<z.ZodObject<typeof persistenceSettings>>;

/** Only the composed app has these: it runs on an embedded database when DATABASE_URL is not set. */
export const embeddedSettings = {
  dataDir: setting(
    'DATA_DIR',
    'Where the embedded database keeps its data; one process at a time. Not used when DATABASE_URL is set.',
    z.string().min(1, 'must not be empty').default('.data'),
  ),
};

export type EmbeddedConfig = z.infer<z.ZodObject<typeof embeddedSettings>>;
