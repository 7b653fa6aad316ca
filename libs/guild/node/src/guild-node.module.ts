import { type DynamicModule, Module } from '@nestjs/common';
import { GUILD_CONFIG, GuildNode } from './guild-node';
import type { GuildConfig } from './settings';

/** The guild-node role. Needs the platform's tokens and the repositories of PersistenceModule. */
@Module({})
export class GuildNodeModule {
  static forRoot(config: GuildConfig): DynamicModule {
    return { module: GuildNodeModule, providers: [{ provide: GUILD_CONFIG, useValue: config }, GuildNode] };
  }
}
