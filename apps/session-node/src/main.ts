import 'reflect-metadata';
import { PersistenceModule } from '@derailed/platform/persistence';
import { run } from '@derailed/platform/runtime';
import { SessionNodeModule } from '@derailed/session/node';
import { settings } from './config';

void run({
  name: 'session-node',
  roles: ['session-node'],
  settings,
  assemble: (config) => ({
    modules: [PersistenceModule.forRoot(config.database), SessionNodeModule.forRoot(config.session)],
  }),
});
