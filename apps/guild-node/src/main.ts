import 'reflect-metadata';
import { GuildNodeModule } from '@derailed/guild/node';
import { PersistenceModule } from '@derailed/platform/persistence';
import { run } from '@derailed/platform/runtime';
import { settings } from './config';

void run({
  name: 'guild-node',
  roles: ['guild-node'],
  settings,
  assemble: (config) => ({
    modules: [PersistenceModule.forRoot(config.database), GuildNodeModule.forRoot(config.guild)],
  }),
});
