import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { type DynamicModule, Module } from '@nestjs/common';
import { type GrpcOptions, Transport } from '@nestjs/microservices';
import { HealthImplementation } from 'grpc-health-check';
import { formatAddress, isLoopback, readDoorTls } from '@derailed/platform/config';
import type { Assembly } from '@derailed/platform/runtime';
import { authGrpc } from '@derailed/shared/contract';
import { OperatorError } from '@derailed/shared/kernel';
import { AuthorizationController } from './authorization.controller';
import type { AuthServiceConfig } from './settings';
import { signingKey } from './signing-key';
import { TokenSigner } from './token-signer';

const service = 'derailed.grpc.auth.Authorization';

/** Ids, hashes and tokens are short; what is longer is refused before it is read. */
const maxMessageBytes = 16 * 1024;

/** The reference auth service. It is served once the app connects `authMicroserviceOptions`. */
@Module({})
export class AuthServiceModule {
  /** @throws OperatorError when there is no usable signing key */
  static forRoot(config: AuthServiceConfig): DynamicModule {
    return {
      module: AuthServiceModule,
      controllers: [AuthorizationController],
      providers: [{ provide: TokenSigner, useValue: createTokenSigner(config) }],
    };
  }
}

/**
 * Signs as the service with this configuration does: for the tokens that the embedded default prints.
 * @throws OperatorError when there is no usable signing key
 */
export function createTokenSigner(config: AuthServiceConfig): TokenSigner {
  return new TokenSigner(signingKey(config));
}

/**
 * What an app hands to connectMicroservice.
 * @throws OperatorError off loopback without TLS or AUTH_INSECURE, or when a TLS file can't be read
 */
export function authMicroserviceOptions(config: AuthServiceConfig): GrpcOptions {
  return {
    transport: Transport.GRPC,
    options: {
      url: formatAddress(config.listen),
      credentials: credentialsOf(config),
      package: 'derailed.grpc.auth',
      packageDefinition: { [service]: authGrpc.AuthorizationService },
      maxReceiveMessageLength: maxMessageBytes,
      onLoadPackageDefinition: (_definition: unknown, server: Server) => {
        new HealthImplementation({ '': 'SERVING', [service]: 'SERVING' }).addToServer(server);
      },
    },
  };
}

/** All of the app `auth`, and a part of the composed one. */
export function authApp(config: AuthServiceConfig): Assembly {
  const scheme = config.tlsCert === undefined ? 'grpc' : 'grpcs';
  return {
    modules: [AuthServiceModule.forRoot(config)],
    microservices: [authMicroserviceOptions(config)],
    doors: [{ name: 'auth', at: `${scheme}://${formatAddress(config.listen)}` }],
  };
}

function credentialsOf(config: AuthServiceConfig): ServerCredentials {
  const tls = readDoorTls('AUTH', config);
  if (tls !== undefined) {
    return ServerCredentials.createSsl(
      tls.ca ?? null,
      [{ cert_chain: tls.cert, private_key: tls.key }],
      tls.ca !== undefined,
    );
  }
  if (isLoopback(config.listen.host) || config.insecure) return ServerCredentials.createInsecure();
  throw new OperatorError(
    'AUTH_TLS_CERT and AUTH_TLS_KEY must be set when AUTH_LISTEN is reachable from elsewhere: password hashes pass here (or AUTH_INSECURE=1).',
  );
}
