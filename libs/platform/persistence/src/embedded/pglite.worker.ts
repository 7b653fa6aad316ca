import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { OneSession } from './one-session';
import type { FromWorker, ToWorker, WorkerStart } from './worker-messages';

/** Runs PGlite and its socket server away from the main thread: a query is synchronous WASM and would stall it. */
async function serve({ dataDir, socketPath, maxConnections }: WorkerStart): Promise<void> {
  const tell = (message: FromWorker): void => parentPort?.postMessage(message);
  const database = await PGlite.create({ dataDir });
  const session = new OneSession(database, (error) => {
    tell({ type: 'broken', reason: String(error) });
  });
  // The server is typed to want all of PGlite and uses what OneSession has.
  const db = session as unknown as PGlite;
  const listen = async (where: { path: string } | { host: string; port: number }) => {
    const server = new PGLiteSocketServer({ db, ...where, maxConnections });
    await server.start();
    return server;
  };
  const server =
    (socketPath !== null && (await listen({ path: socketPath }).catch(() => undefined))) ||
    (await listen({ host: '127.0.0.1', port: 0 }));

  parentPort?.on('message', (message: ToWorker) => {
    if (message.type !== 'stop') return;
    void (async () => {
      await server.stop();
      await database.close();
      parentPort?.close();
    })();
  });
  tell({ type: 'ready', address: server.getServerConn() });
}

serve(workerData as WorkerStart).catch((error: unknown) => {
  // Becomes the 'error' event of the worker.
  throw error;
});
