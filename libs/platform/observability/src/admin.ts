import { createHash, timingSafeEqual } from 'node:crypto';
import { type Address, address, doorTls, isLoopback, optionalText, setting } from '@derailed/platform/config';
import {
  Controller,
  type DynamicModule,
  Get,
  Header,
  Headers,
  HttpException,
  Inject,
  Module,
} from '@nestjs/common';
import type { Registry } from 'prom-client';
import { METRICS } from './metrics';
import { READINESS, type Readiness } from './readiness';

export const adminSettings = {
  listen: setting(
    'ADMIN_LISTEN',
    'Where /healthz, /readyz and /metrics are served (HTTP).',
    address('127.0.0.1:19000'),
  ),
  token: setting(
    'ADMIN_TOKEN',
    'Bearer token for /metrics. Off loopback /metrics is served only when it is set.',
    optionalText(),
    true,
  ),
  ...doorTls('ADMIN'),
};

/** What the admin door needs to know of its configuration. */
export interface AdminAccess {
  readonly listen: Address;
  readonly token?: string | undefined;
}

const ADMIN = Symbol('ADMIN');

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

@Controller()
class AdminController {
  private readonly expected: Buffer | undefined;
  private readonly open: boolean;

  constructor(
    @Inject(METRICS) private readonly metrics: Registry,
    @Inject(READINESS) private readonly readiness: Readiness,
    @Inject(ADMIN) access: AdminAccess,
  ) {
    this.expected = access.token === undefined ? undefined : digest(`Bearer ${access.token}`);
    this.open = isLoopback(access.listen.host);
  }

  /** The process lives: its event loop answered. */
  @Get('healthz')
  health(): { status: string } {
    return { status: 'ok' };
  }

  @Get('readyz')
  ready(): { status: string } {
    if (!this.readiness.ready)
      throw new HttpException({ status: 'not ready', reasons: this.readiness.why() }, 503);
    return { status: 'ready' };
  }

  @Get('metrics')
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  async scrape(@Headers('authorization') authorization: string | undefined): Promise<string> {
    if (this.expected === undefined && !this.open) {
      throw new HttpException('Set ADMIN_TOKEN to serve metrics off loopback.', 403);
    }
    if (this.expected !== undefined && !timingSafeEqual(digest(authorization ?? ''), this.expected)) {
      throw new HttpException('ADMIN_TOKEN does not match.', 401);
    }
    return this.metrics.metrics();
  }
}

/** The admin door's routes. Needs METRICS and READINESS from a global module. */
@Module({})
export class AdminModule {
  static forRoot(access: AdminAccess): DynamicModule {
    return {
      module: AdminModule,
      controllers: [AdminController],
      providers: [{ provide: ADMIN, useValue: access }],
    };
  }
}
