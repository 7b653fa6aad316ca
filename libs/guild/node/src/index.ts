export { GuildNodeModule } from './guild-node.module';
export { type GuildConfig, guildSettings } from './settings';
