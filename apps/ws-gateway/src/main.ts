import 'reflect-metadata';
import { wsGatewayApp } from '@derailed/gateway/node';
import { AuthClientModule } from '@derailed/platform/auth-client';
import { PersistenceModule } from '@derailed/platform/persistence';
import { combine, run } from '@derailed/platform/runtime';
import { settings } from './config';

void run({
  name: 'ws-gateway',
  roles: ['ws-gateway'],
  settings,
  assemble: ({ database, authClient, gateway }) =>
    combine([
      { modules: [PersistenceModule.forRoot(database), AuthClientModule.forRoot(authClient)] },
      wsGatewayApp(gateway),
    ]),
});
