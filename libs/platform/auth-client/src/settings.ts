import { count, duration, optionalText, setting } from '@derailed/platform/config';
import { z } from 'zod';

/** How a node reaches the auth service (derailed.grpc.auth.Authorization). */
export const authClientSettings = {
  url: setting(
    'AUTH_URL',
    'The auth service: HOST:PORT, or https://HOST:PORT for TLS. Default 127.0.0.1:4600.',
    z.string().min(1, 'must not be empty').optional(),
  ),
  ca: setting(
    'AUTH_CA',
    'Path to PEM certificates of authorities; when set, calls are TLS and the auth service must show a certificate of theirs.',
    optionalText(),
  ),
  deadline: setting(
    'AUTH_DEADLINE',
    'How long a token may take to be checked, retries included.',
    duration('2s', { min: '50ms', max: '1m' }),
  ),
  cacheTtl: setting(
    'AUTH_CACHE_TTL',
    'How long a token that was found valid is believed without asking again, and so how long it may outlive a changed password; 0 asks each time.',
    duration('10s', { max: '5m' }),
  ),
  cacheSize: setting(
    'AUTH_CACHE_SIZE',
    'How many valid tokens (their hashes) are remembered; beyond that the oldest is forgotten.',
    count(10_000, { max: 10_000_000 }),
  ),
};

export type AuthClientConfig = z.infer<z.ZodObject<typeof authClientSettings>>;
