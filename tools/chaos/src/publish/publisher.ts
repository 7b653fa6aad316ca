import { type tunnelV1 as TunnelTypes, tunnelV1 } from '@derailed/shared/contract';
import type { Rng } from '@derailed/shared/kernel';
import { type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { GuildQueue } from './guild-queue';

type Stream = ClientDuplexStream<TunnelTypes.PublishStreamRequest, TunnelTypes.PublishStreamResponse>;

export interface Outgoing {
  /** Number of the event, and of its guild. */
  readonly number: number;
  readonly guild: number;
  readonly id: string;
  readonly guildId: string;
  readonly channelId: string;
  /** JSON text. */
  readonly data: string;
}

export interface PublisherOptions {
  /** HOST:PORT of each tunnel. */
  readonly doors: readonly string[];
  /** Begins with this one. */
  readonly first: number;
  readonly rng: Rng;
  readonly onAck: (event: number) => void;
  /** Refused for good. */
  readonly onRefused: (event: number, why: string) => void;
}

/** Events of one guild without an answer. With all guilds of a publisher it stays below STREAM_IN_FLIGHT. */
const window = 8;
const firstPause = 50;
const longestPause = 1_000;
/** A tunnel that answers no ping within a second of the next five is left. */
const channel = {
  'grpc.keepalive_time_ms': 4_000,
  'grpc.keepalive_timeout_ms': 1_000,
  'grpc.keepalive_permit_without_calls': 1,
  // A channel of its own, with its own connection and its own pauses.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
};

/**
 * Publishes as a monolith does: one PublishStream to one of the tunnels, the order of each guild kept, everything sent
 * again with its id until it is acked, through the next tunnel when this one is gone.
 */
export class Publisher {
  private readonly queues = new Map<number, GuildQueue>();
  private readonly events = new Map<number, Outgoing>();
  private readonly numbers = new Map<string, number>();
  private readonly failures = new Map<number, number>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private door: number;
  private client: tunnelV1.TunnelClient | undefined;
  private stream: Stream | undefined;
  private tries = 0;
  private closed = false;

  constructor(private readonly options: PublisherOptions) {
    this.door = options.first;
    this.open();
  }

  /** Events without an ack. */
  get size(): number {
    return this.events.size;
  }

  publish(event: Outgoing): void {
    this.events.set(event.number, event);
    this.numbers.set(event.id, event.number);
    let queue = this.queues.get(event.guild);
    if (queue === undefined) {
      queue = new GuildQueue(window);
      this.queues.set(event.guild, queue);
    }
    queue.add(event.number);
    this.send(queue);
  }

  close(): void {
    this.closed = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.drop();
  }

  private open(): void {
    const { doors } = this.options;
    const client = new tunnelV1.TunnelClient(
      doors[this.door % doors.length] as string,
      credentials.createInsecure(),
      channel,
    );
    const stream: Stream = client.publishStream();
    this.client = client;
    this.stream = stream;
    stream.on('data', (answer: TunnelTypes.PublishStreamResponse) => {
      if (stream !== this.stream) return;
      this.tries = 0;
      this.answered(answer);
    });
    const lost = (): void => {
      if (stream === this.stream) this.lost();
    };
    stream.on('error', lost);
    stream.on('end', lost);
    for (const queue of this.queues.values()) {
      queue.recover();
      this.send(queue);
    }
  }

  private lost(): void {
    this.drop();
    for (const queue of this.queues.values()) queue.streamLost();
    this.door++;
    this.after(this.pause(this.tries++), () => this.open());
  }

  private drop(): void {
    const { stream, client } = this;
    this.stream = undefined;
    stream?.cancel();
    client?.close();
  }

  private answered({ eventId, code, error }: TunnelTypes.PublishStreamResponse): void {
    const number = this.numbers.get(eventId);
    const event = number === undefined ? undefined : this.events.get(number);
    const queue = event && this.queues.get(event.guild);
    if (event === undefined || queue === undefined) return;
    const outcome = queue.answered(event.number, code);
    if (outcome !== 'again') {
      this.events.delete(event.number);
      this.numbers.delete(event.id);
      if (outcome === 'acked') {
        this.failures.delete(event.guild);
        this.options.onAck(event.number);
      } else this.options.onRefused(event.number, `code ${code}: ${error}`);
    }
    if (queue.hasStalled) {
      const failures = this.failures.get(event.guild) ?? 0;
      this.failures.set(event.guild, failures + 1);
      this.after(this.pause(failures), () => {
        queue.recover();
        this.send(queue);
      });
    } else this.send(queue);
  }

  private send(queue: GuildQueue): void {
    const { stream } = this;
    if (stream === undefined) return;
    for (const number of queue.next()) {
      const { id, guildId, channelId, data } = this.events.get(number) as Outgoing;
      const target = { kind: { $case: 'guild' as const, value: { guildId, channelId } } };
      stream.write({ event: { id, target, name: 'MESSAGE_CREATE', data, volatile: false } });
    }
  }

  private pause(failures: number): number {
    return Math.min(longestPause, firstPause * 2 ** failures) * (0.5 + this.options.rng.next() / 2);
  }

  private after(ms: number, task: () => void): void {
    if (this.closed) return;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      task();
    }, ms);
    this.timers.add(timer);
  }
}
