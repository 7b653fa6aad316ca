export { type GatewayConfig, gatewaySettings } from './settings';
export { ClientSide, type GatewayPlatform } from './client-side';
export type { Client, ClientWebSocket } from './client';
export type { Sink } from './outbox';
export { GatewayNode } from './gateway-node';
export { GatewayNodeModule } from './gateway-node.module';
export { useGatewayAdapter } from './use-gateway-adapter';
export { wsGatewayApp } from './ws-gateway-app';
