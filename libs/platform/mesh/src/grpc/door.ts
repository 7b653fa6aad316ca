import { Metadata, Server, type ServerDuplexStream, status } from '@grpc/grpc-js';
import {
  ConnectRequest,
  type ConnectResponse,
  type Hello,
  LinkService,
  type Welcome,
} from '@derailed/shared/contract';
import { formatAddress } from '@derailed/platform/config';
import { type Clock, OperatorError } from '@derailed/shared/kernel';
import type { Logger } from '@derailed/platform/observability';
import type { MeshConfig } from '../config';
import type { MeshMetrics } from '../metrics';
import { type LinkCredentials, keepalive, secretCheck } from './security';
import { compatible, contractVersion, largestFrame, longestName } from './wire';

/** A stream that another node opened. */
export interface IncomingStream {
  welcome(welcome: Welcome): void;
  received(seq: number): void;
  /** Ends it. Nothing more comes from it. */
  end(): void;
  /** Ends it with one sentence for the other side. */
  refuse(code: status, why: string): void;
}

/** What the door tells of the streams that come in. */
export interface Visitors {
  /** Undefined: the stream was ended. Otherwise frames and the end go there. */
  hello(hello: Hello, stream: IncomingStream): Visitor | undefined;
}

export interface Visitor {
  frame(frame: ConnectRequest): void;
  closed(): void;
}

export interface DoorParts {
  readonly config: MeshConfig;
  readonly credentials: LinkCredentials;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly metrics: MeshMetrics;
  readonly visitors: Visitors;
}

/** How long a stream may take to say hello. */
const helloMs = 3000;

/** The gRPC server that other nodes dial. Checks who comes, and what a frame may be; knows nothing of epochs. */
export class Door {
  private readonly server = new Server({
    ...keepalive,
    'grpc.max_receive_message_length': largestFrame,
    'grpc.max_concurrent_streams': 16,
  });
  private readonly admits: (metadata: Metadata) => boolean;

  constructor(private readonly parts: DoorParts) {
    this.admits = secretCheck(parts.config.secret);
    const { bytesIn } = parts.metrics;
    const requestDeserialize = (bytes: Buffer): ConnectRequest => {
      bytesIn.inc(bytes.length);
      return ConnectRequest.decode(bytes);
    };
    this.server.addService(
      { connect: { ...LinkService.connect, requestDeserialize } },
      { connect: (call: ServerDuplexStream<ConnectRequest, ConnectResponse>) => this.enter(call) },
    );
  }

  /** The port. @throws OperatorError */
  listen(): Promise<number> {
    const { config, credentials } = this.parts;
    const where = formatAddress(config.listen);
    return new Promise((resolve, reject) => {
      this.server.bindAsync(where, credentials.door, (error, port) => {
        if (!error) return resolve(port);
        const code = /\bE[A-Z]{4,}\b/.exec(error.message)?.[0];
        const why = code === 'EADDRINUSE' ? 'is in use' : `can't be listened on (${code ?? error.message})`;
        reject(new OperatorError(`LINK_LISTEN: ${where} ${why}.`));
      });
    });
  }

  close(): void {
    this.server.forceShutdown();
  }

  private enter(call: ServerDuplexStream<ConnectRequest, ConnectResponse>): void {
    const stream = new ServerStream(call);
    let visitor: Visitor | undefined;
    const hurry = this.parts.clock.after(helloMs, () =>
      this.turnAway(stream, status.DEADLINE_EXCEEDED, 'no hello came in time'),
    );
    call.on('data', (frame: ConnectRequest) => {
      if (!stream.open) return;
      if (visitor) return visitor.frame(frame);
      hurry();
      visitor = this.greet(frame, stream);
    });
    const closed = (): void => {
      hurry();
      stream.open = false;
      visitor?.closed();
      visitor = undefined;
    };
    call.on('error', closed);
    call.on('cancelled', closed);
    call.on('end', () => {
      stream.end();
      closed();
    });
    if (!this.admits(call.metadata)) {
      hurry();
      this.turnAway(stream, status.UNAUTHENTICATED, 'CLUSTER_SECRET does not match');
    }
  }

  private greet({ kind }: ConnectRequest, stream: ServerStream): Visitor | undefined {
    if (kind?.$case !== 'hello')
      return this.turnAway(stream, status.INVALID_ARGUMENT, 'hello: must come first');
    const hello = kind.value;
    for (const field of ['nodeId', 'incarnation'] as const) {
      if (hello[field] === '' || hello[field].length > longestName) {
        return this.turnAway(
          stream,
          status.INVALID_ARGUMENT,
          `${field}: must have 1 to ${longestName} characters`,
        );
      }
    }
    if (!compatible(hello.contractVersion)) {
      const why = `${hello.nodeId} speaks contract version ${hello.contractVersion}, which version ${contractVersion} does not get on with`;
      return this.turnAway(stream, status.FAILED_PRECONDITION, why);
    }
    return this.parts.visitors.hello(hello, stream);
  }

  private turnAway(stream: ServerStream, code: status, why: string): undefined {
    this.parts.metrics.streamsRefused.inc();
    this.parts.logger.warn({ code: status[code] }, `an incoming link was refused: ${why}`);
    stream.refuse(code, why);
  }
}

class ServerStream implements IncomingStream {
  open = true;

  constructor(private readonly call: ServerDuplexStream<ConnectRequest, ConnectResponse>) {}

  welcome(value: Welcome): void {
    if (this.open) this.call.write({ kind: { $case: 'welcome', value } });
  }

  received(seq: number): void {
    if (this.open) this.call.write({ kind: { $case: 'received', value: { seq } } });
  }

  end(): void {
    if (!this.open) return;
    this.open = false;
    this.call.end();
  }

  refuse(code: status, details: string): void {
    if (!this.open) return;
    this.open = false;
    this.call.emit('error', { code, details, metadata: new Metadata() });
  }
}
