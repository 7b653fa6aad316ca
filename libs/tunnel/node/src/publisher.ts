import type { Message } from '@derailed/platform/mesh';
import { CLOCK } from '@derailed/platform/runtime';
import { type AudienceKind, type Event } from '@derailed/shared/contract';
import { CallError, type Clock, Code, type Snowflake } from '@derailed/shared/kernel';
import { type CheckedEvent, isWorthARetry } from '@derailed/tunnel/core';
import { Inject, Injectable } from '@nestjs/common';
import type { Outcome } from './lanes';
import { type Door, TunnelMetrics } from './metrics';
import { Owners } from './owners';
import { TUNNEL_CONFIG, type TunnelConfig } from './settings';

const guildKind: AudienceKind.AUDIENCE_KIND_GUILD = 1;
const userKind: AudienceKind.AUDIENCE_KIND_USER = 2;

const nothing = Buffer.alloc(0);

/** Hands events to the owners of their targets. Bounded over all callers by count and by bytes. */
@Injectable()
export class Publisher {
  private publishes = 0;
  private bytes = 0;

  constructor(
    private readonly owners: Owners,
    private readonly metrics: TunnelMetrics,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(TUNNEL_CONFIG) private readonly config: TunnelConfig,
  ) {}

  /**
   * Has queued the event for its owners when it returns, so the order of calls is the order of events.
   * @returns how many sessions have the event, once all that are meant do
   * @throws CallError RESOURCE_EXHAUSTED when too many are in flight; UNAVAILABLE without an owner; what an owner
   * answered, and of several failures one that is worth a retry
   */
  async publish(event: CheckedEvent, door: Door): Promise<number> {
    if (this.publishes >= this.config.publishesInFlight || this.bytes >= this.config.publishBytesInFlight) {
      throw new CallError(Code.RESOURCE_EXHAUSTED, 'too many publishes are in flight');
    }
    this.publishes++;
    this.bytes += event.bytes;
    this.metrics.began(door, event.target.kind);
    const start = this.clock.monotonic();
    try {
      const sessions = await this.handOver(event);
      this.metrics.delivered(this.clock.monotonic() - start);
      return sessions;
    } finally {
      this.publishes--;
      this.bytes -= event.bytes;
      this.metrics.ended();
    }
  }

  private async handOver({ id, name, data, volatile, target }: CheckedEvent): Promise<number> {
    const bytes = Buffer.from(data, 'utf8');
    const event: Event = { id, name, data: bytes, own: nothing, volatile, publishedAt: this.clock.now() };
    if (target.kind === 'guild') {
      const { guildId, channelId, permissions } = target;
      const who =
        permissions === ''
          ? { audienceIds: [guildId] }
          : { audienceIds: [], permitted: { guildId, permissions } };
      const value = { kind: guildKind, ...who, event, channelId };
      return (await this.owners.callGuild(guildId, { $case: 'publish', value }, 'published')).sessions;
    }
    const message = (audienceIds: Snowflake[]): Message => ({
      $case: 'publish',
      value: { kind: userKind, audienceIds, event, channelId: '' },
    });
    // All are over before the answer is: a failure must not be answered while the event is still on its way.
    return sumOf(await this.owners.callUsers(target.userIds, message, 'published'));
  }
}

function sumOf(outcomes: readonly Outcome<{ readonly sessions: number }>[]): number {
  const failures = outcomes
    .filter((outcome) => outcome.status === 'rejected')
    .map(({ reason }) => reason as unknown);
  if (failures.length > 0)
    throw failures.find((each) => each instanceof CallError && isWorthARetry(each.code)) ?? failures[0];
  return outcomes.reduce(
    (sum, outcome) => sum + (outcome.status === 'fulfilled' ? outcome.value.sessions : 0),
    0,
  );
}
