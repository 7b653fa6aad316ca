import { type Address, formatAddress, readDoorTls } from '@derailed/platform/config';
import { OperatorError } from '@derailed/shared/kernel';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { type CustomStrategy, type GrpcOptions, ServerGrpc } from '@nestjs/microservices';
import { HealthImplementation } from 'grpc-health-check';
import { bearerToken } from './bearer-token';
import { definitions, describedServices, packages, serviceNames } from './services';
import { type TunnelConfig, checkTunnelDoor } from './settings';

/** Above the largest event by enough for its envelope, so that a too large one is answered by us, with its field. */
const maxMessageBytes = 4 * 1024 * 1024;

/** How long calls may take to end at shutdown, in milliseconds. */
const shutdownGrace = 2000;

/**
 * Nest's gRPC transport with what it leaves out: interceptors, the port that was really taken, health, reflection,
 * and a shutdown that waits for answers but not for ever.
 */
export class TunnelServer extends ServerGrpc {
  private readonly health = new HealthImplementation();
  private server: Server | undefined;
  private port = 0;

  constructor(private readonly config: TunnelConfig) {
    super({
      package: packages,
      packageDefinition: definitions,
      url: formatAddress(config.listen),
      onLoadPackageDefinition: (_definition: unknown, server: Server) => {
        this.addHealthAndReflection(server);
      },
    } satisfies GrpcOptions['options']);
  }

  /** Where the tunnel listens; known once it does. */
  get address(): Address {
    return { host: this.config.listen.host, port: this.port };
  }

  /** @throws OperatorError when the port can't be had or a TLS file can't be read */
  override async createClient(): Promise<Server> {
    const { token } = this.config;
    const server = new Server({
      'grpc.max_receive_message_length': maxMessageBytes,
      interceptors: token === undefined ? [] : [bearerToken(token)],
    });
    const credentials = credentialsOf(this.config);
    this.port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(this.url, credentials, (error, port) => {
        if (error) reject(new OperatorError(`TUNNEL_LISTEN ${this.url} can't be had: ${error.message}.`));
        else resolve(port);
      });
    });
    this.server = server;
    return server;
  }

  override async close(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    this.report('NOT_SERVING');
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        server.forceShutdown();
        resolve();
      }, shutdownGrace);
      server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  private addHealthAndReflection(server: Server): void {
    this.health.addToServer(server);
    this.report('SERVING');
    new ReflectionService(describedServices(), { services: [...serviceNames] }).addToServer(server);
  }

  private report(status: 'SERVING' | 'NOT_SERVING'): void {
    for (const service of ['', ...serviceNames]) this.health.setStatus(service, status);
  }
}

/**
 * What an app hands to `connectMicroservice`. `strategy.address` says where the tunnel listens once
 * `startAllMicroservices` is done, which matters for port 0.
 * @throws OperatorError naming the variable to set, e.g. TUNNEL_TOKEN off loopback
 */
export function tunnelMicroserviceOptions(
  config: TunnelConfig,
): CustomStrategy & { readonly strategy: TunnelServer } {
  checkTunnelDoor(config);
  return { strategy: new TunnelServer(config) };
}

function credentialsOf(config: TunnelConfig): ServerCredentials {
  const tls = readDoorTls('TUNNEL', config);
  if (tls === undefined) return ServerCredentials.createInsecure();
  const pair = { cert_chain: tls.cert, private_key: tls.key };
  return ServerCredentials.createSsl(tls.ca ?? null, [pair], tls.ca !== undefined);
}
