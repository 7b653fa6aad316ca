import { formatAddress } from '@derailed/platform/config';
import type { Logger, Registry } from '@derailed/platform/observability';
import type { Clock, Rng } from '@derailed/shared/kernel';
import type { MeshConfig } from './config';
import { GrpcLink } from './grpc/grpc-link';
import type { Transport } from './grpc/transport';
import { LoopbackLink } from './local/loopback';
import type { NodeRef } from './mesh';
import { MeshMetrics } from './metrics';
import { NodeMesh } from './node-mesh';
import { type Scheduler, systemScheduler } from './scheduler';

export interface MeshOptions {
  readonly config: MeshConfig;
  /** Whether there are other nodes (CLUSTER is set). If not, nothing listens and nothing is dialled. */
  readonly others: boolean;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly metrics: Registry;
  readonly scheduler?: Scheduler;
  /** What carries the streams to other nodes; gRPC by default. */
  readonly transport?: Transport;
}

/**
 * The mesh of this process, a new incarnation of the node that others dial as LINK_ADVERTISE. Register handlers,
 * then `listen()`. A LINK_LISTEN of port 0 must have become a real one before, unless LINK_ADVERTISE says another.
 * @throws OperatorError for settings that do not go together
 */
export function createMesh({
  config,
  others,
  clock,
  rng,
  logger,
  metrics,
  scheduler = systemScheduler,
  transport,
}: MeshOptions): NodeMesh {
  const self: NodeRef = { id: config.advertise ?? formatAddress(config.listen), incarnation: rng.token(12) };
  const counters = new MeshMetrics(metrics);
  const loopback = new LoopbackLink(self, clock, scheduler, config.localQueue);
  counters.watchLocal(() => loopback.waiting);
  const remote = others
    ? new GrpcLink({ self, config, clock, rng, scheduler, logger, metrics: counters, transport })
    : undefined;
  return new NodeMesh({ self, loopback, remote, clock, logger, metrics: counters, calls: config.calls });
}
