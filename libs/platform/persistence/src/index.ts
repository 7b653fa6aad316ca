export { prepareDemoDatabase } from './demo-database';
export type { DemoUser } from './embedded/demo-data';
export {
  type EmbeddedDatabase,
  type EmbeddedOptions,
  startEmbeddedDatabase,
} from './embedded/embedded-database';
export { PersistenceModule } from './persistence.module';
export { renderTablesPage } from './reference';
export { migrate } from './migrate';
export { GuildRepository } from './repositories/guild.repository';
export { MemberRepository } from './repositories/member.repository';
export { type Credentials, type Readiness, UserRepository } from './repositories/user.repository';
export {
  type EmbeddedConfig,
  type PersistenceConfig,
  embeddedSettings,
  persistenceSettings,
} from './settings';
export { DatabaseUnavailable } from './unavailable';
