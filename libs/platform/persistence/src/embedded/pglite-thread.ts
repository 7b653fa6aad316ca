import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { OperatorError } from '@derailed/shared/kernel';
import type { FromWorker, ToWorker, WorkerStart } from './worker-messages';

/** Milliseconds that the thread gets to close the database before it is ended. Its data is safe either way. */
const closeWithin = 5000;

export interface PgliteThread {
  /** The socket path, or HOST:PORT. */
  readonly address: string;
  /** Resolves when the thread has ended by itself: nothing answers any more. */
  readonly failed: Promise<string>;
  stop(): Promise<void>;
}

/** Starts PGlite in a thread of its own and resolves once it listens. `execArgv` are Node's flags for the thread. */
export async function startPgliteThread(start: WorkerStart, execArgv?: string[]): Promise<PgliteThread> {
  const worker = new Worker(workerFile(), { workerData: start, ...(execArgv && { execArgv }) });
  let stopping = false;
  const failed = new Promise<string>((resolve) => {
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'broken') resolve(message.reason);
    });
    worker.on('error', (error) => {
      resolve(String(error));
    });
    worker.on('exit', (code) => {
      if (!stopping) resolve(`its thread ended with ${code}`);
    });
  });
  const address = await Promise.race([
    new Promise<string>((resolve) => {
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'ready') resolve(message.address);
      });
    }),
    failed.then((reason) => {
      throw new Error(reason);
    }),
  ]);
  return {
    address,
    failed,
    stop: async () => {
      stopping = true;
      const ended = new Promise<void>((resolve) => {
        worker.once('exit', () => {
          resolve();
        });
      });
      worker.postMessage({ type: 'stop' } satisfies ToWorker);
      const timer = setTimeout(() => void worker.terminate(), closeWithin);
      await ended;
      clearTimeout(timer);
    },
  };
}

/**
 * The thread's file: beside the bundle as JavaScript; in the source tree, where whoever runs this can load TypeScript.
 * @throws OperatorError for the single binary, which the embedded database is no part of
 */
export function workerFile(): string {
  const file = ['js', 'ts'].map((type) => join(__dirname, `pglite.worker.${type}`)).find(existsSync);
  if (file !== undefined) return file;
  throw new OperatorError(
    `DATABASE_URL is not set, and this program is without the embedded database: it is pglite.worker.js and node_modules of dist/apps/gateway, to be copied to ${__dirname}.`,
  );
}
