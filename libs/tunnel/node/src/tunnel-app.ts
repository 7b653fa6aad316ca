import { formatAddress } from '@derailed/platform/config';
import type { Assembly } from '@derailed/platform/runtime';
import type { TunnelConfig } from './settings';
import { TunnelNodeModule } from './tunnel-node.module';
import { tunnelMicroserviceOptions } from './tunnel-server';

/** All of the app `tunnel`, and a part of the composed one. @throws OperatorError when the door may not open so */
export function tunnelApp(config: TunnelConfig): Assembly {
  const scheme = config.tlsCert === undefined ? 'grpc' : 'grpcs';
  return {
    modules: [TunnelNodeModule.forRoot(config)],
    microservices: [tunnelMicroserviceOptions(config)],
    doors: [{ name: 'tunnel', at: `${scheme}://${formatAddress(config.listen)}` }],
  };
}
