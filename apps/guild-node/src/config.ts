import { guildSettings } from '@derailed/guild/node';
import { persistenceSettings } from '@derailed/platform/persistence';
import { roleSettings } from '@derailed/platform/runtime';

export const settings = { ...roleSettings, database: persistenceSettings, guild: guildSettings };
