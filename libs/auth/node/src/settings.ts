import { address, doorTls, flag, setting } from '@derailed/platform/config';
import { z } from 'zod';

/** What an operator can say about the reference auth service. */
export const authServiceSettings = {
  listen: setting(
    'AUTH_LISTEN',
    'Where the reference auth service listens (gRPC).',
    address('127.0.0.1:4600'),
  ),
  insecure: setting(
    'AUTH_INSECURE',
    '1 serves plaintext off loopback, where password hashes and tokens can then be read on the way.',
    flag(false),
  ),
  ...doorTls('AUTH'),
  signingKey: setting(
    'AUTH_SIGNING_KEY',
    'The secret that signs tokens, 32 characters or more; the same for every instance. A new one ends all tokens.',
    z.string().min(32, 'must be 32 characters or more').optional(),
    true,
  ),
  keyFile: setting(
    'AUTH_KEY_FILE',
    'Where the signing key is kept, and made at the first start, when AUTH_SIGNING_KEY is not set.',
    z.string().min(1, 'must not be empty').default('.data/auth.key'),
  ),
};

export type AuthServiceConfig = z.infer<z.ZodObject<typeof authServiceSettings>>;
