import { createServer } from 'node:net';

/**
 * Below where systems take the ports of outgoing connections from, and where apps look when they are told port 0, so
 * that none of those gets in between.
 */
const range = { first: 10_000, last: 15_000 } as const;

/** Suites that run side by side draw from ranges of their own. */
const ranges = 4;

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const width = (range.last - range.first) / ranges;
  const first = range.first + (Number(process.env['JEST_WORKER_ID'] ?? 0) % ranges) * width;
  for (;;) {
    const port = first + Math.floor(Math.random() * width);
    if (await isFree(port)) return port;
  }
}

/** So many, no two the same. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
