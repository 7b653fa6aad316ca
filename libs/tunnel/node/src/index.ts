export { TUNNEL_CONFIG, type TunnelConfig, tunnelSettings } from './settings';
export { tunnelApp } from './tunnel-app';
export { TunnelNodeModule } from './tunnel-node.module';
export { TunnelServer, tunnelMicroserviceOptions } from './tunnel-server';
