import 'reflect-metadata';
import { run } from '@derailed/platform/runtime';
import { PresenceNodeModule } from '@derailed/presence/node';
import { settings } from './config';

void run({
  name: 'presence-node',
  roles: ['presence-node'],
  settings,
  assemble: (config) => ({ modules: [PresenceNodeModule.forRoot(config.presence)] }),
});
