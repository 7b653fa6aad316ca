export { type GatewayConfig, gatewaySettings } from './settings';
export { GatewayNode } from './gateway-node';
export { GatewayNodeModule } from './gateway-node.module';
export { useGatewayAdapter } from './use-gateway-adapter';
export { wsGatewayApp } from './ws-gateway-app';
