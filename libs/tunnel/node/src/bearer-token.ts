import { createHash, timingSafeEqual } from 'node:crypto';
import { type Metadata, type ServerInterceptor, ServerInterceptingCall, status } from '@grpc/grpc-js';

const health = '/grpc.health.v1.Health/';

/**
 * Admits calls with `authorization: Bearer TOKEN`; all others are answered with UNAUTHENTICATED before anything of
 * theirs is read. Health checks are free: orchestrators can't send metadata, and the answer tells nothing.
 *
 * An interceptor of gRPC and not a guard of Nest, which would run after the request was read.
 */
export function bearerToken(token: string): ServerInterceptor {
  const expected = digest(`Bearer ${token}`);
  const admits = (metadata: Metadata): boolean => {
    const [shown] = metadata.get('authorization');
    // Digests are of one length, as the comparison demands, and don't tell the token's.
    return shown !== undefined && timingSafeEqual(digest(shown), expected);
  };
  return (method, call) => {
    if (method.path.startsWith(health)) return new ServerInterceptingCall(call);
    return new ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, pass) => {
            if (admits(metadata)) pass(metadata);
            else
              call.sendStatus({
                code: status.UNAUTHENTICATED,
                details: 'authorization: must be `Bearer TOKEN`',
              });
          },
        });
      },
    });
  };
}

function digest(text: string | Buffer): Buffer {
  return createHash('sha256').update(text).digest();
}
