import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { OperatorError } from '@derailed/shared/kernel';
import type { Logger } from '@derailed/platform/observability';
import { createDataSource } from '../data-source';
import { type DemoUser, prepareDemo } from './demo-data';
import { lockDirectory } from './directory-lock';
import { type PgliteThread, startPgliteThread, workerFile } from './pglite-thread';

/** Longest path of a unix socket that every system takes, in bytes (macOS: 103 and a NUL). */
const longestSocketPath = 103;

/** libpq's and pg's name of the socket of port 5432 in a directory. */
const socketName = '.s.PGSQL.5432';

/** Above any DATABASE_POOL that makes sense on one thread. */
const maxConnections = 200;

/** Milliseconds that one statement of the migrations may take on a slow machine. */
const startWithin = 30_000;

export interface EmbeddedDatabase {
  /** For DATABASE_URL. */
  readonly url: string;
  readonly demoUsers: readonly DemoUser[];
  /** Ends connections, flushes, and gives the data directory free. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly logger: Logger;
  /** Node's flags for the thread of the database, when not those of this process. */
  readonly execArgv?: string[];
}

/**
 * Starts a PostgreSQL of our own on `dataDir`, with all tables, and with demo data when it is new. Everything that it
 * has acknowledged is there again after a restart or a crash.
 * @throws OperatorError when the directory is in use by another process, can't be written, or its data can't be read.
 */
export async function startEmbeddedDatabase({
  dataDir,
  logger,
  execArgv,
}: EmbeddedOptions): Promise<EmbeddedDatabase> {
  workerFile(); // Before anything is written.
  const directory = resolve(dataDir);
  let thread: PgliteThread | undefined;
  const unlock = await lockDirectory(directory, () => {
    logger.fatal({ dataDir }, 'another process took the data directory: the embedded database stops');
    void thread?.stop();
  });
  const socketDirectory = await mkdtemp(join(tmpdir(), 'derailed-'));
  const stop = async (): Promise<void> => {
    await thread?.stop();
    await rm(socketDirectory, { recursive: true, force: true });
    await unlock();
  };
  try {
    const socketPath = join(socketDirectory, socketName);
    thread = await startPgliteThread(
      {
        dataDir: join(directory, 'postgres'),
        socketPath: Buffer.byteLength(socketPath) <= longestSocketPath ? socketPath : null,
        maxConnections,
      },
      execArgv,
    );
    void thread.failed.then((reason) => {
      logger.fatal({ reason }, 'the embedded database failed; restart to go on');
    });
    const url = urlOf(thread.address);
    const connection = { databaseUrl: url, databasePool: 1, databaseStatementTimeout: startWithin };
    const demoUsers = await prepareDemo(await createDataSource(connection).initialize());
    return { url, demoUsers, stop };
  } catch (error) {
    await stop();
    throw new OperatorError(
      `DATA_DIR: the database in ${dataDir} does not start: ${(error as Error).message}.`,
    );
  }
}

function urlOf(address: string): string {
  return isAbsolute(address)
    ? `postgresql://postgres@localhost/postgres?host=${encodeURIComponent(address.slice(0, -socketName.length - 1))}`
    : `postgresql://postgres@${address}/postgres`;
}
