import { type Dial, grpcDial } from './dial';
import { Door, type Visitors } from './door';
import type { GrpcLinkParts } from './grpc-link';
import { linkCredentials } from './security';

/** What carries the streams between nodes: gRPC, unless a simulator puts its own network there. */
export interface Transport {
  readonly dial: Dial;
  /** Where streams of other nodes come in. */
  door(visitors: Visitors): TransportDoor;
}

export interface TransportDoor {
  /** @throws OperatorError */
  listen(): Promise<unknown>;
  close(): void;
}

/** @throws OperatorError for settings that do not go together */
export function grpcTransport({ config, clock, logger, metrics }: GrpcLinkParts): Transport {
  const credentials = linkCredentials(config);
  return {
    dial: grpcDial(credentials.dial, config.secret),
    door: (visitors) => new Door({ config, credentials, clock, logger, metrics, visitors }),
  };
}
