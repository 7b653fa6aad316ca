import { type tunnelV1 as TunnelTypes, tunnelV1 } from '@derailed/shared/contract';
import { type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import type { Message } from './message';
import { type Publisher, failure } from './publisher';

type Stream = ClientDuplexStream<TunnelTypes.PublishStreamRequest, TunnelTypes.PublishStreamResponse>;

function event(id: string, guildId: string, { name, data }: Message): TunnelTypes.Event {
  return {
    id,
    target: { kind: { $case: 'guild', value: { guildId, channelId: '' } } },
    name,
    data,
    volatile: false,
  };
}

export function connectTunnel(at: string): tunnelV1.TunnelClient {
  return new tunnelV1.TunnelClient(at, credentials.createInsecure());
}

/** Publishes to one guild through one PublishStream. @param reaches sessions that each event must have reached */
export function streamTo(at: string, guildId: string, reaches: number): Publisher {
  const client = connectTunnel(at);
  const stream: Stream = client.publishStream();
  const waiting = new Map<string, () => void>();
  const { failed, fail } = failure();
  let last = 0;
  stream.on('data', ({ eventId, code, error, sessions }: TunnelTypes.PublishStreamResponse) => {
    const done = waiting.get(eventId);
    waiting.delete(eventId);
    if (code !== 0) fail(new Error(`an event was refused with code ${code}: ${error}`));
    else if (sessions !== reaches)
      fail(new Error(`an event reached ${sessions} sessions instead of ${reaches}`));
    else done?.();
  });
  stream.on('error', fail);
  return {
    publish: (message, done) => {
      const id = `bench-${process.pid}-${++last}`;
      waiting.set(id, done);
      stream.write({ event: event(id, guildId, message) });
    },
    failed,
    close: () => {
      stream.cancel();
      client.close();
    },
  };
}

/** Publishes to users, by one unary Publish, and answers the sessions that it reached. */
export function publishToUsers(
  client: tunnelV1.TunnelClient,
  userIds: readonly string[],
  { name, data }: Message,
): Promise<number> {
  const target = { kind: { $case: 'users' as const, value: { userIds: [...userIds] } } };
  return new Promise((resolve, reject) => {
    client.publish({ event: { id: '', target, name, data, volatile: false } }, (error, answer) => {
      if (error) reject(error);
      else resolve(answer.sessions);
    });
  });
}

/** One unary Publish; answers the milliseconds until its ack. */
export function publishOnce(
  client: tunnelV1.TunnelClient,
  guildId: string,
  message: Message,
): Promise<number> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    client.publish({ event: event('', guildId, message) }, (error) => {
      if (error) reject(error);
      else resolve(performance.now() - start);
    });
  });
}
