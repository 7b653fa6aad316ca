import { authServiceSettings } from '@derailed/auth/node';
import { gatewaySettings } from '@derailed/gateway/node';
import { guildSettings } from '@derailed/guild/node';
import { authClientSettings } from '@derailed/platform/auth-client';
import type { ConfigTree } from '@derailed/platform/config';
import { embeddedSettings, persistenceSettings } from '@derailed/platform/persistence';
import { composedSettings } from '@derailed/platform/runtime';
import { presenceSettings } from '@derailed/presence/node';
import { sessionSettings } from '@derailed/session/node';
import { tunnelSettings } from '@derailed/tunnel/node';

export const settings = {
  ...composedSettings,
  database: persistenceSettings,
  embedded: embeddedSettings,
  auth: authServiceSettings,
  authClient: authClientSettings,
  gateway: gatewaySettings,
  session: sessionSettings,
  guild: guildSettings,
  presence: presenceSettings,
  tunnel: tunnelSettings,
};

export type GatewayAppConfig = ConfigTree<typeof settings>;
