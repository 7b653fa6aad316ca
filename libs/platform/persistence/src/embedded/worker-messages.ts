/** What the worker is started with. */
export interface WorkerStart {
  readonly dataDir: string;
  /** A unix socket to listen on; null, or where that fails: a free loopback port. */
  readonly socketPath: string | null;
  readonly maxConnections: number;
}

export type ToWorker = { readonly type: 'stop' };

export type FromWorker =
  /** The socket path, or HOST:PORT. */
  | { readonly type: 'ready'; readonly address: string }
  /** PGlite threw: it answers no more queries. */
  | { readonly type: 'broken'; readonly reason: string };
