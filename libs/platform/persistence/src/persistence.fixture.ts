import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Global, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { DataSource } from 'typeorm';
import { type Logger, METRICS } from '@derailed/platform/observability';
import { CLOCK, LOGGER } from '@derailed/platform/runtime';
import type { Clock } from '@derailed/shared/kernel';
import { startPostgres } from '@derailed/testing';
import { Database } from './database';
import { prepareDemoDatabase } from './demo-database';
import { startEmbeddedDatabase } from './embedded/embedded-database';
import { PersistenceModule } from './persistence.module';
import { GuildRepository } from './repositories/guild.repository';
import { MemberRepository } from './repositories/member.repository';
import { UserRepository } from './repositories/user.repository';
import type { PersistenceConfig } from './settings';

/** Lets the database's thread load TypeScript: jest's own loader stays in its thread. */
export const execArgv = ['-r', join(__dirname, '../../../../tools/ts.cjs')];

export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, task) => {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export function recordingLogger(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const logger = pino(
    { base: null },
    { write: (text: string) => void lines.push(JSON.parse(text) as LogLine) },
  );
  return { logger, lines };
}

export const defaults: PersistenceConfig = { databasePool: 8, databaseStatementTimeout: 5000 };

/** The module as an app has it, on the database at `url`. */
export async function startPersistence(url: string, config: Partial<PersistenceConfig> = {}) {
  const { logger, lines } = recordingLogger();
  const metrics = new Registry();
  const provided = [
    { provide: CLOCK, useValue: realClock },
    { provide: LOGGER, useValue: logger },
    { provide: METRICS, useValue: metrics },
  ];
  @Global()
  @Module({ providers: provided, exports: provided })
  class Platform {}
  const module = await Test.createTestingModule({
    imports: [Platform, PersistenceModule.forRoot({ ...defaults, databaseUrl: url, ...config })],
  }).compile();
  await module.init();
  return {
    users: module.get(UserRepository),
    guilds: module.get(GuildRepository),
    members: module.get(MemberRepository),
    database: module.get(Database, { strict: false }),
    dataSource: module.get(DataSource),
    lines,
    up: async () => (await metrics.getSingleMetric('derailed_database_up')?.get())?.values[0]?.value,
    statements: async () =>
      (await metrics.getSingleMetric('derailed_database_statements_total')?.get())?.values[0]?.value ?? 0,
    stop: () => module.close(),
  };
}

export type RunningPersistence = Awaited<ReturnType<typeof startPersistence>>;

export interface RunningDatabase {
  readonly url: string;
  stop(): Promise<void>;
}

async function startPglite(): Promise<RunningDatabase> {
  const dataDir = await mkdtemp(join(tmpdir(), 'derailed-data-'));
  const { url, stop } = await startEmbeddedDatabase({ dataDir, logger: recordingLogger().logger, execArgv });
  return {
    url,
    stop: async () => {
      await stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function startMigratedPostgres(): Promise<RunningDatabase> {
  const postgres = await startPostgres();
  const { logger } = recordingLogger();
  await prepareDemoDatabase({ ...defaults, databaseUrl: postgres.url }, realClock, logger);
  return postgres;
}

/** The demo data on each kind of database that there is. */
export const databases = { PGlite: startPglite, PostgreSQL: startMigratedPostgres };
