import { type DynamicModule, Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import type { Clock } from '@derailed/shared/kernel';
import { type Logger, METRICS, type Registry } from '@derailed/platform/observability';
import { CLOCK, LOGGER } from '@derailed/platform/runtime';
import { Breaches } from './breaches';
import { connect, createDataSource } from './data-source';
import { Database } from './database';
import { databaseMetrics } from './metrics';
import { GuildRepository } from './repositories/guild.repository';
import { MemberRepository } from './repositories/member.repository';
import { UserRepository } from './repositories/user.repository';
import type { PersistenceConfig } from './settings';

const repositories = [UserRepository, GuildRepository, MemberRepository];

/** The repositories, for every module of the app. Starting waits until the database answers. */
@Global()
@Module({})
export class PersistenceModule implements OnApplicationShutdown {
  constructor(@Inject(Database) private readonly database: Database) {}

  /** @throws OperatorError without DATABASE_URL, or when DATABASE_CA can't be read. */
  static forRoot(config: PersistenceConfig): DynamicModule {
    const dataSource = createDataSource(config);
    return {
      module: PersistenceModule,
      imports: [
        TypeOrmModule.forRootAsync({
          inject: [CLOCK, LOGGER],
          // Nest's own retry gives up and can't tell a wrong password from an absent server; connect() can.
          useFactory: () => ({ ...dataSource.options, retryAttempts: 1, manualInitialization: true }),
          dataSourceFactory: () => Promise.resolve(dataSource),
        }),
      ],
      providers: [
        {
          provide: Database,
          inject: [DataSource, CLOCK, LOGGER, METRICS],
          useFactory: async (source: DataSource, clock: Clock, logger: Logger, metrics: Registry) => {
            const gauges = databaseMetrics(metrics);
            return new Database(await connect(source, clock, logger), clock, logger, gauges);
          },
        },
        { provide: Breaches, inject: [LOGGER], useFactory: (logger: Logger) => new Breaches(logger) },
        ...repositories,
      ],
      exports: repositories,
    };
  }

  onApplicationShutdown(): void {
    this.database.stop();
  }
}
