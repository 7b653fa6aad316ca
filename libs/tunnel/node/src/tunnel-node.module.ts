import type { Logger } from '@derailed/platform/observability';
import { LOGGER } from '@derailed/platform/runtime';
import { type DynamicModule, Inject, Module, type OnModuleInit } from '@nestjs/common';
import { CallErrorFilter } from './call-error.filter';
import { LegacyGuildController, LegacyPublisher, LegacyUserController } from './legacy.controllers';
import { Lookups } from './lookups';
import { TunnelMetrics } from './metrics';
import { Owners } from './owners';
import { PublishStreams } from './publish-streams';
import { Publisher } from './publisher';
import { TUNNEL_CONFIG, type TunnelConfig, insecureWarning } from './settings';
import { TunnelController } from './tunnel.controller';
import { UnaryPublisher } from './unary-publisher';

/** The monolith's door. The app also has to connect `tunnelMicroserviceOptions(config)`, which listens. */
@Module({})
export class TunnelNodeModule implements OnModuleInit {
  constructor(
    @Inject(TUNNEL_CONFIG) private readonly config: TunnelConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  static forRoot(config: TunnelConfig): DynamicModule {
    return {
      module: TunnelNodeModule,
      controllers: [TunnelController, LegacyGuildController, LegacyUserController],
      providers: [
        { provide: TUNNEL_CONFIG, useValue: config },
        CallErrorFilter,
        LegacyPublisher,
        Lookups,
        Owners,
        Publisher,
        PublishStreams,
        TunnelMetrics,
        UnaryPublisher,
      ],
    };
  }

  onModuleInit(): void {
    const warning = insecureWarning(this.config);
    if (warning !== undefined) this.logger.warn(warning);
  }
}
