import type { tunnelV1 } from '@derailed/shared/contract';
import { CallError, Code, invalidArgument } from '@derailed/shared/kernel';
import { PublishOrder, checkEvent } from '@derailed/tunnel/core';
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import { answerOf } from './call-error.filter';
import type { TunnelMetrics } from './metrics';
import type { Publisher } from './publisher';
import type { TunnelConfig } from './settings';

/** Targets of one stream that may wait for a retry at once; a publisher with more of them has to start over. */
const maxHeldTargets = 65_536;

export type PublishCall = ServerDuplexStream<tunnelV1.PublishStreamRequest, tunnelV1.PublishStreamResponse>;
export type StreamLimits = Pick<TunnelConfig, 'streamInFlight' | 'streamBytesInFlight'>;

/**
 * One PublishStream call. Reads no further while too much is without an answer, or while the publisher does not
 * take its answers; gRPC's own windows then stop the publisher.
 */
export class PublishStream {
  private readonly order = new PublishOrder();
  private inFlight = 0;
  private bytesInFlight = 0;
  private blocked = false;
  /** The stream ends like this as soon as nothing is in flight. */
  private ending: { readonly code: Code; readonly details: string } | undefined;
  private over = false;

  constructor(
    private readonly call: PublishCall,
    private readonly publisher: Publisher,
    private readonly limits: StreamLimits,
    private readonly metrics: TunnelMetrics,
    private readonly onOver: () => void,
  ) {}

  start(): void {
    this.call.on('data', (request: tunnelV1.PublishStreamRequest) => {
      this.receive(request.event);
    });
    this.call.on('drain', () => {
      this.blocked = false;
      this.steer();
    });
    this.call.on('end', () => {
      this.end(Code.OK, '');
    });
    // Nobody hears the answers any more. What is in flight goes on: it may have been delivered already.
    this.call.on('cancelled', () => {
      this.close();
    });
    this.call.on('error', () => {
      this.close();
    });
  }

  /** Takes no further event, answers those in flight and ends the stream. */
  end(code: Code, details: string): void {
    this.ending ??= { code, details };
    this.steer();
  }

  private receive(event: tunnelV1.Event | undefined): void {
    // What had been read before the stream was stopped is the publisher's to send again.
    if (this.ending) return;
    const id = event?.id ?? '';
    const bytes = event?.data.length ?? 0;
    this.inFlight++;
    this.bytesInFlight += bytes;
    this.publish(id, event).then(
      (sessions) => {
        this.answer({ eventId: id, sessions, code: Code.OK, error: '' }, bytes);
      },
      (error: unknown) => {
        const { code, details } = answerOf(error);
        this.metrics.failed(code);
        this.answer({ eventId: id, sessions: 0, code, error: details }, bytes);
      },
    );
    this.steer();
  }

  private async publish(id: string, event: tunnelV1.Event | undefined): Promise<number> {
    if (id === '') throw invalidArgument('id', 'must be set in a stream: it says which event is answered');
    const checked = checkEvent(event);
    const ticket = this.order.admit(id, checked.target);
    let sessions = 0;
    let failure: CallError | undefined;
    try {
      sessions = await this.publisher.publish(checked, 'stream');
    } catch (error) {
      const { code, details } = answerOf(error);
      failure = new CallError(code, details);
    }
    const outcome = this.order.settle(ticket, failure);
    if (outcome) throw outcome;
    return sessions;
  }

  private answer(response: tunnelV1.PublishStreamResponse, bytes: number): void {
    this.inFlight--;
    this.bytesInFlight -= bytes;
    if (!this.over && !this.call.write(response)) this.blocked = true;
    if (this.order.held > maxHeldTargets)
      this.end(Code.ABORTED, 'too many targets wait for a retry: open a new stream');
    this.steer();
  }

  /** Reads, waits or ends, whatever the figures say. */
  private steer(): void {
    if (this.over) return;
    const { streamInFlight, streamBytesInFlight } = this.limits;
    const full = this.inFlight >= streamInFlight || this.bytesInFlight >= streamBytesInFlight;
    if (this.ending || full || this.blocked) this.call.pause();
    else this.call.resume();
    if (!this.ending || this.inFlight > 0) return;
    const { code, details } = this.ending;
    this.close();
    if (code === Code.OK) this.call.end();
    else this.call.emit('error', { code: code as status, details });
  }

  private close(): void {
    if (this.over) return;
    this.over = true;
    this.onOver();
  }
}
