import { gatewaySettings } from '@derailed/gateway/node';
import { authClientSettings } from '@derailed/platform/auth-client';
import { persistenceSettings } from '@derailed/platform/persistence';
import { roleSettings } from '@derailed/platform/runtime';

export const settings = {
  ...roleSettings,
  database: persistenceSettings,
  authClient: authClientSettings,
  gateway: gatewaySettings,
};
