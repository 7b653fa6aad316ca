import { randomBytes } from 'node:crypto';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Clock, Snowflake } from '@derailed/shared/kernel';
import type { User } from '@derailed/shared/protocol';
import type { Logger } from '@derailed/platform/observability';
import { type Credentials, DatabaseUnavailable, UserRepository } from '@derailed/platform/persistence';
import { CLOCK, LOGGER } from '@derailed/platform/runtime';
import { AuthorizationCalls } from './authorization-calls';
import { AUTH_METRICS, type AuthMetrics, type Outcome } from './metrics';
import { parseToken } from './token';
import { TokenCache } from './token-cache';

export type Authentication =
  | { readonly ok: true; readonly user: User }
  /** `invalid`: close 4004. `unavailable`: auth service or database away, the same token may be good later. */
  | { readonly ok: false; readonly reason: 'invalid' | 'unavailable' };

/** Who is behind a token. Tokens and hashes are never logged. */
@Injectable()
export class AuthClient implements OnApplicationShutdown {
  /** For users who do not exist: their check takes the same way and the same time as any other. */
  private readonly nobodysHash = randomBytes(45).toString('base64');
  private up = true;

  constructor(
    @Inject(UserRepository) private readonly users: Pick<UserRepository, 'credentials'>,
    @Inject(AuthorizationCalls) private readonly calls: AuthorizationCalls,
    @Inject(TokenCache) private readonly cache: TokenCache,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(AUTH_METRICS) private readonly metrics: AuthMetrics,
  ) {}

  /** Never rejects. Takes a token with or without `Bot ` before it. */
  async authenticate(token: string): Promise<Authentication> {
    const parsed = parseToken(token);
    if (parsed === undefined) return this.refuse('invalid');
    const askedAt = this.clock.monotonic();
    const known = this.cache.get(parsed.token, askedAt);
    if (known !== undefined) return this.admit(known, 'cached');

    let credentials: Credentials | null;
    try {
      credentials = await this.users.credentials(parsed.userId);
    } catch (error) {
      // The database module has said that it is away; anything else is worth a line.
      if (!(error instanceof DatabaseUnavailable))
        this.logger.error({ error }, 'credentials could not be read');
      return this.refuse('unavailable');
    }
    let valid: boolean;
    try {
      valid = await this.calls.validate(
        parsed.userId,
        credentials?.passwordHash ?? this.nobodysHash,
        parsed.token,
      );
    } catch (error) {
      this.report(false, error);
      return this.refuse('unavailable');
    }
    this.report(true);
    if (!valid || credentials === null || credentials.suspended) return this.refuse('invalid');
    this.cache.put(parsed.token, credentials.user, askedAt);
    return this.admit(credentials.user, 'valid');
  }

  /** A new token for a user, from the auth service. Rejects when that does not answer. */
  createToken(userId: Snowflake, passwordHash: string): Promise<string> {
    return this.calls.create(userId, passwordHash);
  }

  onApplicationShutdown(): void {
    this.calls.close();
  }

  private admit(user: User, outcome: Outcome): Authentication {
    this.metrics.checks[outcome].inc();
    return { ok: true, user };
  }

  private refuse(reason: 'invalid' | 'unavailable'): Authentication {
    this.metrics.checks[reason].inc();
    return { ok: false, reason };
  }

  private report(up: boolean, error?: unknown): void {
    if (this.up === up) return;
    this.up = up;
    this.metrics.up.set(up ? 1 : 0);
    if (up) this.logger.info('auth service back');
    else this.logger.warn({ reason: (error as Error).message }, 'auth service away; sessions that run go on');
  }
}
