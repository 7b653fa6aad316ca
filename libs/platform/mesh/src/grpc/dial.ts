import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import {
  ConnectRequest,
  ConnectResponse,
  type Hello,
  LinkService,
  type Welcome,
} from '@derailed/shared/contract';
import { keepalive } from './security';
import { largestFrame, secretKey } from './wire';

/** What a stream that this node opened tells of itself. Nothing follows `closed`. */
export interface OutgoingEvents {
  welcome(welcome: Welcome): void;
  received(seq: number): void;
  /** It takes frames again. */
  drained(): void;
  closed(why: string): void;
}

export interface OutgoingStream {
  /** False: it has enough for now; `drained` follows. */
  write(frame: Buffer): boolean;
  /** Ends it without another event. */
  close(): void;
}

/** Opens a stream to a node and says hello. */
export type Dial = (address: string, hello: Hello, events: OutgoingEvents) => OutgoingStream;

const options = {
  ...keepalive,
  // Each attempt has its own connection: when to try again is decided here, not in the library.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.max_receive_message_length': largestFrame,
};

const asEncoded = (frame: Buffer): Buffer => frame;

export function grpcDial(credentials: ChannelCredentials, secret: string | undefined): Dial {
  const metadata = new Metadata();
  if (secret !== undefined) metadata.set(secretKey, Buffer.from(secret));
  return (address, hello, events) => {
    const client = new Client(`dns:${address}`, credentials, options);
    const stream: ClientDuplexStream<Buffer, ConnectResponse> = client.makeBidiStreamRequest(
      LinkService.connect.path,
      asEncoded,
      ConnectResponse.decode,
      metadata.clone(),
    );
    let open = true;
    const close = (): boolean => {
      if (!open) return false;
      open = false;
      client.close();
      return true;
    };
    stream.on('data', ({ kind }: ConnectResponse) => {
      if (!open) return;
      if (kind?.$case === 'welcome') events.welcome(kind.value);
      else if (kind?.$case === 'received') events.received(kind.value.seq);
    });
    stream.on('drain', () => {
      if (open) events.drained();
    });
    stream.on('error', (error: ServiceError) => {
      if (close()) events.closed(error.details || error.message);
    });
    stream.on('end', () => {
      if (close()) events.closed('it ended the stream');
    });
    stream.write(
      Buffer.from(ConnectRequest.encode({ seq: 0, kind: { $case: 'hello', value: hello } }).finish()),
    );
    return {
      write: (frame) => stream.write(frame),
      close: () => {
        if (close()) stream.cancel();
      },
    };
  };
}
