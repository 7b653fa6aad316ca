import { RNG } from '@derailed/platform/runtime';
import type { Rng } from '@derailed/shared/kernel';
import { type FieldNames, type SentEvent, checkEvent } from '@derailed/tunnel/core';
import { Inject, Injectable } from '@nestjs/common';
import { answerOf } from './call-error.filter';
import { type Door, TunnelMetrics } from './metrics';
import { Publisher } from './publisher';

/** Publishes of one event per call. */
@Injectable()
export class UnaryPublisher {
  constructor(
    private readonly publisher: Publisher,
    private readonly metrics: TunnelMetrics,
    @Inject(RNG) private readonly rng: Rng,
  ) {}

  /**
   * Has queued the event when it returns: the order in which calls come in is the order of their events.
   * Gives an event without an id one, so that its owner can tell it from all others.
   * @throws CallError see Publisher and checkEvent
   */
  async publish(
    sent: SentEvent | undefined,
    door: Door,
    fields?: FieldNames,
  ): Promise<{ eventId: string; sessions: number }> {
    try {
      const checked = checkEvent(sent, fields);
      const id = checked.id === '' ? this.rng.token(16) : checked.id;
      return { eventId: id, sessions: await this.publisher.publish({ ...checked, id }, door) };
    } catch (error) {
      this.metrics.failed(answerOf(error).code);
      throw error;
    }
  }
}
