export { TUNNEL_CONFIG, type TunnelConfig, tunnelSettings } from './settings';
export type { PublishCall } from './publish-stream';
export { PublishStreams } from './publish-streams';
export { tunnelApp } from './tunnel-app';
export { TunnelNodeModule } from './tunnel-node.module';
export { TunnelServer, tunnelMicroserviceOptions } from './tunnel-server';
