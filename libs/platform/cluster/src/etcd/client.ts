import { type ChannelCredentials, Client, type ClientDuplexStream, Metadata, status } from '@grpc/grpc-js';
import { etcdApi } from '@derailed/shared/contract';
import type { Cancel, Clock } from '@derailed/shared/kernel';

export interface EtcdOptions {
  /** HOST:PORT each. */
  readonly endpoints: readonly string[];
  readonly credentials: ChannelCredentials;
  readonly user?: { readonly name: string; readonly password: string } | undefined;
  readonly clock: Clock;
  /** How long a call may take, and a watch may take to begin, in milliseconds. */
  readonly timeoutMs: number;
}

export interface WatchEvents {
  /** The watch is there. */
  created(): void;
  /** @param revision all events up to it have been told */
  events(events: readonly etcdApi.Event[], revision: number): void;
  /** What was asked for is no longer known. Nothing follows. */
  compacted(): void;
  /** Nothing follows. */
  failed(why: string): void;
}

/** etcd takes a ping every 5 s at most for an attack; a dead connection is found out within 9 s. */
const channelOptions = {
  'grpc.keepalive_time_ms': 6000,
  'grpc.keepalive_timeout_ms': 3000,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
};

interface Method<Q, A> {
  readonly path: string;
  readonly requestSerialize: (request: Q) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => A;
}

interface GrpcError extends Error {
  readonly code?: number;
  readonly details?: string;
}

/** What membership asks of etcd. Rejections are worth another try. */
export type MemberStore = Pick<
  EtcdClient,
  'range' | 'txn' | 'grant' | 'revoke' | 'keepAlive' | 'watch' | 'close'
>;

/** What membership needs of an etcd cluster. One endpoint at a time: the next one after a failure. */
export class EtcdClient {
  private readonly channels = new Map<string, Client>();
  private turn = 0;
  private token: string | undefined;
  private renewals: Renewals | undefined;
  private readonly watches = new Set<() => void>();

  constructor(private readonly options: EtcdOptions) {}

  range(key: string, rangeEnd: string): Promise<etcdApi.RangeResponse> {
    return this.call(etcdApi.KVService.range, { key: Buffer.from(key), rangeEnd: Buffer.from(rangeEnd) });
  }

  txn(request: etcdApi.TxnRequest): Promise<etcdApi.TxnResponse> {
    return this.call(etcdApi.KVService.txn, request);
  }

  grant(lease: number, ttlSeconds: number): Promise<etcdApi.LeaseGrantResponse> {
    return this.call(etcdApi.LeaseService.leaseGrant, { ID: lease, TTL: ttlSeconds });
  }

  async revoke(lease: number): Promise<void> {
    await this.call(etcdApi.LeaseService.leaseRevoke, { ID: lease });
  }

  /** The lease's time to live in seconds from now on; 0: there is no such lease. */
  async keepAlive(lease: number): Promise<number> {
    const at = this.turn;
    await this.authenticate();
    this.renewals ??= this.openRenewals();
    return this.renewals.send(lease).catch((error: unknown) => {
      this.renewals = undefined;
      this.failedAt(at, error);
      throw error;
    });
  }

  /** Every change of keys from `key` to `rangeEnd`, from the revision on. Returns what ends it. */
  watch(key: string, rangeEnd: string, from: number, events: WatchEvents): Cancel {
    let stop: Cancel | undefined;
    let open = true;
    const at = this.turn;
    const end = (tell: () => void): void => {
      if (!open) return;
      open = false;
      this.watches.delete(cancel);
      stop?.();
      tell();
    };
    const cancel = (): void => end(() => undefined);
    this.watches.add(cancel);
    const fail = (error: unknown): void =>
      end(() => {
        this.failedAt(at, error);
        events.failed(textOf(error));
      });
    this.authenticate().then(() => {
      if (open) stop = this.openWatch(key, rangeEnd, from, { ...events, fail, end });
    }, fail);
    return cancel;
  }

  close(): void {
    for (const cancel of [...this.watches]) cancel();
    this.renewals?.close();
    this.renewals = undefined;
    for (const channel of this.channels.values()) channel.close();
    this.channels.clear();
  }

  private openWatch(
    key: string,
    rangeEnd: string,
    from: number,
    events: WatchEvents & { fail(error: unknown): void; end(tell: () => void): void },
  ): Cancel {
    const stream = this.stream(etcdApi.WatchService.watch, this.metadata(true));
    const { clock, timeoutMs } = this.options;
    const late = clock.after(timeoutMs, () => events.fail(new Error('the watch did not begin in time')));
    stream.on('error', events.fail);
    stream.on('end', () => events.fail(new Error('etcd ended the watch')));
    stream.on('data', (answer: etcdApi.WatchResponse) => {
      if (answer.compactRevision > 0) return events.end(() => events.compacted());
      if (answer.canceled) return events.fail(new Error(answer.cancelReason || 'etcd cancelled the watch'));
      if (answer.created) {
        late();
        events.created();
      }
      // What `created` says is only where the store is, not what was told.
      else events.events(answer.events, answer.header?.revision ?? 0);
    });
    stream.write({
      requestUnion: {
        $case: 'createRequest',
        value: {
          key: Buffer.from(key),
          rangeEnd: Buffer.from(rangeEnd),
          startRevision: from,
          progressNotify: true,
        },
      },
    });
    return () => {
      late();
      stream.cancel();
    };
  }

  private openRenewals(): Renewals {
    const stream = this.stream(etcdApi.LeaseService.leaseKeepAlive, this.metadata(true));
    return new Renewals(stream, this.options);
  }

  private async call<Q, A>(method: Method<Q, A>, request: Q): Promise<A> {
    const at = this.turn;
    try {
      await this.authenticate();
      return await this.unary(method, request);
    } catch (error) {
      this.failedAt(at, error);
      throw new Error(textOf(error), { cause: error });
    }
  }

  private unary<Q, A>({ path, requestSerialize, responseDeserialize }: Method<Q, A>, request: Q): Promise<A> {
    const { timeoutMs } = this.options;
    return new Promise((resolve, reject) => {
      const metadata = this.metadata(false);
      const deadline = Date.now() + timeoutMs;
      this.channel().makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        { deadline },
        (error, answer) =>
          error || answer === undefined ? reject(error ?? new Error('no answer')) : resolve(answer),
      );
    });
  }

  private stream<Q, A>(
    { path, requestSerialize, responseDeserialize }: Method<Q, A>,
    metadata: Metadata,
  ): ClientDuplexStream<Q, A> {
    return this.channel().makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  }

  private async authenticate(): Promise<void> {
    const { user } = this.options;
    if (user === undefined || this.token !== undefined) return;
    const answer = await this.unary(etcdApi.AuthService.authenticate, user);
    this.token = answer.token;
  }

  /** @param wantsLeader a server that has lost the majority says so, instead of falling silent */
  private metadata(wantsLeader: boolean): Metadata {
    const metadata = new Metadata();
    if (this.token !== undefined) metadata.set('token', this.token);
    if (wantsLeader) metadata.set('hasleader', 'true');
    return metadata;
  }

  private channel(): Client {
    const endpoint = this.endpoint();
    let channel = this.channels.get(endpoint);
    if (!channel) {
      channel = new Client(`dns:${endpoint}`, this.options.credentials, channelOptions);
      this.channels.set(endpoint, channel);
    }
    return channel;
  }

  private endpoint(): string {
    const { endpoints } = this.options;
    return endpoints[this.turn % endpoints.length] ?? '';
  }

  /** @param at the turn in which it was tried: of several failures of one endpoint the first moves on */
  private failedAt(at: number, error: unknown): void {
    const { code, details = '' } = error as GrpcError;
    if (code === status.UNAUTHENTICATED || details.includes('invalid auth token')) this.token = undefined;
    else if (at === this.turn) {
      this.channels.get(this.endpoint())?.close();
      this.channels.delete(this.endpoint());
      this.turn++;
    }
  }
}

/** Renewals on one stream; answers come in the order of the questions. */
class Renewals {
  private readonly waiting: { resolve(ttl: number): void; reject(error: unknown): void; late: Cancel }[] = [];
  private ended: unknown;

  constructor(
    private readonly stream: ClientDuplexStream<
      etcdApi.LeaseKeepAliveRequest,
      etcdApi.LeaseKeepAliveResponse
    >,
    private readonly options: EtcdOptions,
  ) {
    stream.on('data', ({ TTL }: etcdApi.LeaseKeepAliveResponse) => {
      const first = this.waiting.shift();
      first?.late();
      first?.resolve(TTL);
    });
    stream.on('error', (error: unknown) => this.fail(error));
    stream.on('end', () => this.fail(new Error('etcd ended the renewals')));
  }

  send(lease: number): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.ended !== undefined) return reject(this.ended as Error);
      const { clock, timeoutMs } = this.options;
      const late = clock.after(timeoutMs, () => this.fail(new Error('etcd did not answer in time')));
      this.waiting.push({ resolve, reject, late });
      this.stream.write({ ID: lease });
    });
  }

  close(): void {
    this.fail(new Error('the client is closed'));
  }

  private fail(error: unknown): void {
    this.ended ??= error;
    this.stream.cancel();
    for (const { reject, late } of this.waiting.splice(0)) {
      late();
      reject(error);
    }
  }
}

/** The sentence in an error of grpc-js. */
export function textOf(error: unknown): string {
  const { details, message } = error as GrpcError;
  return details || message;
}
