import { type DynamicModule, Module } from '@nestjs/common';
import { PRESENCE_CONFIG, PresenceNode } from './presence-node';
import type { PresenceConfig } from './settings';

/** The presence-node role. Needs the platform's tokens. */
@Module({})
export class PresenceNodeModule {
  static forRoot(config: PresenceConfig): DynamicModule {
    return {
      module: PresenceNodeModule,
      providers: [{ provide: PRESENCE_CONFIG, useValue: config }, PresenceNode],
    };
  }
}
