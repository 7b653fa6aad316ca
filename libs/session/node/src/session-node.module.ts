import { type DynamicModule, Module } from '@nestjs/common';
import { MemberReader } from './member-reader';
import { SessionMetrics } from './metrics';
import { Reads } from './reads';
import { SessionShell } from './session-shell';
import type { SessionConfig } from './settings';
import { SESSION_CONFIG } from './tokens';

/**
 * The role session-node. The app provides, globally: MESH, CLUSTER, CLOCK, RNG, LOGGER, METRICS, UserRepository and
 * MemberRepository.
 */
@Module({})
export class SessionNodeModule {
  static forRoot(config: SessionConfig): DynamicModule {
    return {
      module: SessionNodeModule,
      providers: [
        { provide: SESSION_CONFIG, useValue: config },
        MemberReader,
        Reads,
        SessionMetrics,
        SessionShell,
      ],
    };
  }
}
