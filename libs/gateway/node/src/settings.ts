import { address, count, doorTls, duration, setting, size } from '@derailed/platform/config';
import { z } from 'zod';
import { parseRange } from './addresses';

/** A WebSocket URL as clients want it: they append `?v=10...` to it themselves. */
function publicUrl() {
  return z
    .string()
    .optional()
    .refine((text) => text === undefined || isPublicUrl(text), {
      message: 'must be a ws:// or wss:// URL without a query',
    });
}

function isPublicUrl(text: string): boolean {
  return /^wss?:\/\//.test(text) && URL.canParse(text) && !/[?#]/.test(text);
}

function ranges() {
  return z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((range) => range.trim())
        .filter((range) => range !== ''),
    )
    .refine((list) => list.every((range) => parseRange(range) !== undefined), {
      message: 'must be addresses or ranges such as 10.0.0.0/8, separated by commas',
    });
}

/** What a ws-gateway can be told. */
export const gatewaySettings = {
  listen: setting(
    'GATEWAY_LISTEN',
    'Where clients connect (WebSocket and HTTP).',
    address('127.0.0.1:15000'),
  ),
  publicUrl: setting(
    'GATEWAY_PUBLIC_URL',
    'What READY and GET /gateway tell clients to connect to. Absent: the address listened on.',
    publicUrl(),
  ),
  ...doorTls('GATEWAY'),
  heartbeatInterval: setting(
    'HEARTBEAT_INTERVAL',
    'How often clients have to send a heartbeat.',
    duration('41250ms', { min: '2s', max: '55s' }),
  ),
  outboundPressure: setting(
    'OUTBOUND_PRESSURE',
    'Bytes that may wait in a socket before its session holds back typing, presences and other volatile events.',
    size('64K', { min: 65_536 }),
  ),
  outboundLimit: setting(
    'OUTBOUND_LIMIT',
    'Bytes that may wait in a socket for a slow client; past it, the connection closes with 4000 and its session keeps buffering.',
    size('1M', { min: 65_536 }),
  ),
  compressionContextMb: setting(
    'COMPRESSION_CONTEXT_MB',
    'MiB of memory for compressors. A connection with zlib-stream or zstd-stream gets one of its own while this lasts (96 KiB, 64 KiB); after that it shares compressed blocks, or gets zstd that is not compressed.',
    count(256, { min: 0, max: 1_048_576 }),
  ),
  identifyTimeout: setting(
    'IDENTIFY_TIMEOUT',
    'How long a connection may wait before it identifies or resumes.',
    duration('30s', { min: '1s' }),
  ),
  identifyDeadline: setting(
    'IDENTIFY_DEADLINE',
    'How long an identify or resume may take, the auth service and session-node included; past it: close 4000.',
    duration('14s', { min: '1s', max: '14s' }),
  ),
  payloadWindow: setting(
    'PAYLOAD_WINDOW',
    'How long the window is in which a connection may send 120 payloads; the first payload after one opens the next. Clients budget for 60s.',
    duration('60s', { min: '1s', max: '60s' }),
  ),
  identifyAtOnce: setting(
    'IDENTIFY_AT_ONCE',
    'How many identifies a ws-gateway works on at once, and as many resumes. The rest waits in line, resumes first; who waits for most of IDENTIFY_DEADLINE is turned away: an identify with op 9 (false), a resume with 4000.',
    count(64, { min: 1, max: 1_048_576 }),
  ),
  maxConnections: setting(
    'MAX_CONNECTIONS',
    'Connections that one ws-gateway holds; one more is refused with HTTP 503.',
    count(100_000, { min: 1, max: 10_000_000 }),
  ),
  maxConnectionsPerIp: setting(
    'MAX_CONNECTIONS_PER_IP',
    'Connections that one IPv4 address, or one IPv6 /64, may have open; one more is refused with HTTP 429. Behind a load balancer set GATEWAY_TRUSTED_PROXIES, or all clients count as one.',
    count(10_000, { min: 1 }),
  ),
  trustedProxies: setting(
    'GATEWAY_TRUSTED_PROXIES',
    'Addresses and ranges such as 10.0.0.0/8, separated by commas, whose X-Forwarded-For is believed. Empty: nobody is.',
    ranges(),
  ),
  handshakeTimeout: setting(
    'HANDSHAKE_TIMEOUT',
    'How long a caller may take for TLS, and for the head of its HTTP request.',
    duration('10s', { min: '100ms' }),
  ),
  closeTimeout: setting(
    'CLOSE_TIMEOUT',
    'How long a client may take to answer a close before its socket is cut.',
    duration('5s', { min: '100ms' }),
  ),
  reconnectDelay: setting(
    'RECONNECT_DELAY',
    'At shutdown: how long clients that were asked to reconnect (op 7) have before they are closed with 4000.',
    duration('2s', { max: '1m' }),
  ),
};

export type GatewayConfig = z.infer<z.ZodObject<typeof gatewaySettings>>;
