import { formatAddress } from '@derailed/platform/config';
import type { Assembly } from '@derailed/platform/runtime';
import { GatewayNodeModule } from './gateway-node.module';
import type { GatewayConfig } from './settings';
import { useGatewayAdapter } from './use-gateway-adapter';

/** All of the app `ws-gateway`, and a part of the composed one. Needs PersistenceModule and AuthClientModule. */
export function wsGatewayApp(config: GatewayConfig): Assembly {
  const scheme = config.tlsCert === undefined ? 'ws' : 'wss';
  return {
    modules: [GatewayNodeModule.forRoot(config)],
    prepare: useGatewayAdapter,
    doors: [{ name: 'WebSocket', at: `${scheme}://${formatAddress(config.listen)}` }],
  };
}
