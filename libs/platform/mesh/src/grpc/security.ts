import { createHash, timingSafeEqual } from 'node:crypto';
import { ChannelCredentials, type Metadata, ServerCredentials } from '@grpc/grpc-js';
import { formatAddress, isLoopback, readDoorTls, readPem } from '@derailed/platform/config';
import { OperatorError } from '@derailed/shared/kernel';
import type { MeshConfig } from '../config';
import { secretKey } from './wire';

/** Finds a dead peer in 6 s, whichever side it is on. */
export const keepalive = {
  'grpc.keepalive_time_ms': 3000,
  'grpc.keepalive_timeout_ms': 3000,
  'grpc.keepalive_permit_without_calls': 1,
};

export interface LinkCredentials {
  readonly door: ServerCredentials;
  readonly dial: ChannelCredentials;
}

/** @throws OperatorError for a door off loopback without a secret, half a TLS pair or a file that can't be read */
export function linkCredentials(config: MeshConfig): LinkCredentials {
  if (config.secret === undefined && !isLoopback(config.listen.host)) {
    throw new OperatorError(
      `CLUSTER_SECRET is required because LINK_LISTEN, ${formatAddress(config.listen)}, is off loopback.`,
    );
  }
  const tls = readDoorTls('LINK', config);
  const ca = config.ca === undefined ? tls?.ca : readPem('LINK_CA', config.ca);
  return {
    door: tls
      ? ServerCredentials.createSsl(
          tls.ca ?? null,
          [{ cert_chain: tls.cert, private_key: tls.key }],
          tls.ca !== undefined,
        )
      : ServerCredentials.createInsecure(),
    dial:
      tls || ca
        ? ChannelCredentials.createSsl(ca ?? null, tls?.key ?? null, tls?.cert ?? null)
        : ChannelCredentials.createInsecure(),
  };
}

/** Whether a caller shows the secret. Takes the same time whatever it shows. */
export function secretCheck(secret: string | undefined): (metadata: Metadata) => boolean {
  if (secret === undefined) return () => true;
  const digest = (content: string | Buffer): Buffer => createHash('sha256').update(content).digest();
  const expected = digest(secret);
  return (metadata) => timingSafeEqual(digest(metadata.get(secretKey)[0] ?? ''), expected);
}
