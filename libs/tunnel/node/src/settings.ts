import {
  address,
  count,
  doorTls,
  duration,
  flag,
  formatAddress,
  isLoopback,
  optionalText,
  setting,
  size,
} from '@derailed/platform/config';
import { OperatorError } from '@derailed/shared/kernel';
import type { z } from 'zod';

/** What an operator can say about the tunnel. */
export const tunnelSettings = {
  listen: setting(
    'TUNNEL_LISTEN',
    'Where the monolith reaches the tunnel (gRPC).',
    address('127.0.0.1:17000'),
  ),
  token: setting(
    'TUNNEL_TOKEN',
    'What callers show as `authorization: Bearer TOKEN`; required off loopback.',
    optionalText(),
    true,
  ),
  insecure: setting('TUNNEL_INSECURE', '1 admits callers off loopback without token and TLS.', flag(false)),
  ...doorTls('TUNNEL'),
  publishTimeout: setting(
    'PUBLISH_TIMEOUT',
    'How long a publish may take before it is answered with DEADLINE_EXCEEDED.',
    duration('30s', { min: '100ms' }),
  ),
  publishesInFlight: setting(
    'PUBLISHES_IN_FLIGHT',
    'Publishes of all callers without an answer; more are refused with RESOURCE_EXHAUSTED.',
    count(16_384, { min: 1 }),
  ),
  publishBytesInFlight: setting(
    'PUBLISH_BYTES_IN_FLIGHT',
    'Their data in bytes; more are refused with RESOURCE_EXHAUSTED.',
    size('256M', { min: 1_048_576 }),
  ),
  streamInFlight: setting(
    'STREAM_IN_FLIGHT',
    'Events of one stream without an answer; the tunnel stops reading the stream there.',
    count(1024, { min: 1 }),
  ),
  streamBytesInFlight: setting(
    'STREAM_BYTES_IN_FLIGHT',
    'Their data in bytes; the tunnel stops reading the stream there.',
    size('16M', { min: 1 }),
  ),
};

export type TunnelConfig = z.infer<z.ZodObject<typeof tunnelSettings>>;

/** Injection token of the TunnelConfig. */
export const TUNNEL_CONFIG = Symbol('TUNNEL_CONFIG');

/**
 * Checks what the settings demand of each other.
 * @throws OperatorError naming the variable to set
 */
export function checkTunnelDoor(config: TunnelConfig): void {
  const { listen, token, insecure, tlsCert } = config;
  if (insecure || isLoopback(listen.host)) return;
  const reason = `because TUNNEL_LISTEN ${formatAddress(listen)} is reachable from other machines`;
  if (token === undefined)
    throw new OperatorError(`TUNNEL_TOKEN must be set, ${reason} (or TUNNEL_INSECURE=1).`);
  if (tlsCert === undefined) {
    throw new OperatorError(
      `TUNNEL_TLS_CERT and TUNNEL_TLS_KEY must be set, ${reason} (or TUNNEL_INSECURE=1).`,
    );
  }
}

/** The sentence to log at start when the door is open to more than it should be. */
export function insecureWarning({ insecure, listen, token, tlsCert }: TunnelConfig): string | undefined {
  if (!insecure || isLoopback(listen.host) || (token !== undefined && tlsCert !== undefined))
    return undefined;
  const open = [
    ...(token === undefined ? ['without a token'] : []),
    ...(tlsCert === undefined ? ['in plaintext'] : []),
  ];
  return `TUNNEL_INSECURE=1: whoever reaches ${formatAddress(listen)} may publish, ${open.join(' and ')}.`;
}
