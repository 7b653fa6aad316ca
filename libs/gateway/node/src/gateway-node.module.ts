import { AuthClient } from '@derailed/platform/auth-client';
import { CLUSTER, type Cluster } from '@derailed/platform/cluster';
import { MESH, type Mesh } from '@derailed/platform/mesh';
import { type Logger, METRICS, type Registry } from '@derailed/platform/observability';
import { CLOCK, LOGGER, RNG } from '@derailed/platform/runtime';
import type { Clock, Rng } from '@derailed/shared/kernel';
import { type DynamicModule, Module } from '@nestjs/common';
import { ClientGateway } from './client.gateway';
import { GatewayNode } from './gateway-node';
import type { GatewayConfig } from './settings';
import { Shell } from './shell';
import { GatewayWsAdapter } from './ws-adapter';

/** The ws-gateway role. The app gives Nest its adapter before it starts: `prepare: useGatewayAdapter`. */
@Module({})
export class GatewayNodeModule {
  static forRoot(config: GatewayConfig): DynamicModule {
    return {
      module: GatewayNodeModule,
      providers: [
        {
          provide: GatewayNode,
          inject: [MESH, CLUSTER, AuthClient, CLOCK, RNG, METRICS, LOGGER],
          useFactory: (
            mesh: Mesh,
            cluster: Cluster,
            auth: AuthClient,
            clock: Clock,
            rng: Rng,
            metrics: Registry,
            logger: Logger,
          ) => new GatewayNode(config, { mesh, cluster, auth, clock, rng, metrics, logger }),
        },
        { provide: Shell, inject: [GatewayNode], useFactory: (node: GatewayNode) => node.shell },
        { provide: GatewayWsAdapter, inject: [GatewayNode], useFactory: (node: GatewayNode) => node.adapter },
        ClientGateway,
      ],
      exports: [GatewayNode],
    };
  }
}
