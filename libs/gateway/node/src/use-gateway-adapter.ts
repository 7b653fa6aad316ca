import type { INestApplication } from '@nestjs/common';
import { GatewayWsAdapter } from './ws-adapter';

/** Gives Nest the adapter of its GatewayNodeModule. Before `app.init()`: the gateways are bound there. */
export function useGatewayAdapter(app: INestApplication): void {
  app.useWebSocketAdapter(app.get(GatewayWsAdapter, { strict: false }));
}
