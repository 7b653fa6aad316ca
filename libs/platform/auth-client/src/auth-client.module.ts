import { type DynamicModule, Global, Module } from '@nestjs/common';
import { METRICS, type Registry } from '@derailed/platform/observability';
import { AuthClient } from './auth-client';
import { AuthorizationCalls } from './authorization-calls';
import { AUTH_METRICS, authMetrics } from './metrics';
import type { AuthClientConfig } from './settings';
import { TokenCache } from './token-cache';

/** AuthClient, for every module of the app. Needs PersistenceModule. */
@Global()
@Module({})
export class AuthClientModule {
  /** @throws OperatorError when AUTH_URL or AUTH_CA can't be used */
  static forRoot(config: AuthClientConfig): DynamicModule {
    const calls = new AuthorizationCalls(config);
    return {
      module: AuthClientModule,
      providers: [
        AuthClient,
        { provide: AuthorizationCalls, useValue: calls },
        { provide: TokenCache, useValue: new TokenCache(config.cacheTtl, config.cacheSize) },
        {
          provide: AUTH_METRICS,
          inject: [METRICS],
          useFactory: (registry: Registry) => authMetrics(registry),
        },
      ],
      exports: [AuthClient],
    };
  }
}
