import type { Cluster } from '@derailed/platform/cluster';
import type { Drain } from './drain';
import { type GreetingParts, untilKeysMayMove } from './greet';
import { silence } from './silence';

/** How long etcd may take to hear that this node drains. */
const drainMs = 2000;

export interface DrainParts extends GreetingParts {
  readonly cluster: Cluster;
  readonly drain: Drain;
}

/**
 * Takes the node off the rings, as soon as its keys may leave, and waits until others have all that was its. A node whose
 * keys never move waits for nothing.
 * @param timeout DRAIN_TIMEOUT (ms), for all of it; at most half of it passes before the keys go
 */
export async function drainNode(parts: DrainParts, timeout: number): Promise<void> {
  const { mesh, cluster, clock, drain, logger } = parts;
  if (cluster.leaseTtl === undefined) return;
  const end = clock.monotonic() + timeout;
  await untilKeysMayMove(parts, Math.min(silence(cluster), timeout / 2));
  await new Promise<void>((resolve) => {
    // The lease of a node that can't say so ends by itself.
    const late = clock.after(drainMs, resolve);
    void cluster.become('draining').then(() => {
      late();
      resolve();
    });
  });
  if (cluster.view.member(mesh.self.id)?.state !== 'draining') return;
  if (!(await drain.run(clock, Math.max(0, end - clock.monotonic()))))
    logger.warn('others have not taken over all of this node within DRAIN_TIMEOUT: it leaves as it is');
}
