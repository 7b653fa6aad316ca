import type { Address } from '@derailed/platform/config';
import type { AuthClient } from '@derailed/platform/auth-client';
import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import { ClientSide, type GatewayPlatform } from './client-side';
import { Door } from './door';
import { HttpRoutes } from './http-routes';
import { IdentifyBudgets } from './identify-budgets';
import type { GatewayConfig } from './settings';
import type { Shell } from './shell';
import type { GatewayWsAdapter } from './ws-adapter';

/** The ws-gateway of this process, put together; listens from the application's start to its end. */
export class GatewayNode implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly side: ClientSide;
  private readonly door: Door;

  constructor(config: GatewayConfig, platform: GatewayPlatform & { readonly auth: AuthClient }) {
    const { auth, mesh, cluster, logger } = platform;
    const publicUrl = (): string => this.door.publicUrl;
    this.side = new ClientSide(config, platform, publicUrl);
    const routes = new HttpRoutes(auth, new IdentifyBudgets(mesh, cluster), publicUrl, logger);
    this.door = new Door(config, this.side, routes);
  }

  get shell(): Shell {
    return this.side.shell;
  }

  get adapter(): GatewayWsAdapter {
    return this.side.adapter;
  }

  /** Where clients connect; the real port once it listens. */
  get address(): Address {
    return this.door.address;
  }

  /** What READY and GET /gateway name. */
  get publicUrl(): string {
    return this.door.publicUrl;
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.door.listen();
    this.side.start();
  }

  async onModuleDestroy(): Promise<void> {
    this.door.shut();
    await this.side.depart();
  }
}
