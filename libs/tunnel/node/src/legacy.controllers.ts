import type { legacyGrpc } from '@derailed/shared/contract';
import { invalidArgument } from '@derailed/shared/kernel';
import type { SentTarget } from '@derailed/tunnel/core';
import { Controller, Injectable, UseFilters } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { CallErrorFilter } from './call-error.filter';
import { Lookups } from './lookups';
import { UnaryPublisher } from './unary-publisher';

/** What the platform's existing services answer when an event was delivered. */
const success = { message: 'Success' };

const legacyFields = { name: 'event', userIds: 'user_id' };

/** Publishes of the platform's existing services: without ids, so one that is retried can double. */
@Injectable()
export class LegacyPublisher {
  constructor(private readonly publisher: UnaryPublisher) {}

  async publish(kind: SentTarget['kind'], message: legacyGrpc.Message | undefined): Promise<typeof success> {
    if (message === undefined) throw invalidArgument('message', 'must be set');
    await this.publisher.publish(
      { id: '', target: { kind }, name: message.event, data: message.data, volatile: false },
      'legacy',
      legacyFields,
    );
    return success;
  }
}

/** derailed.grpc.Guild */
@Controller()
@UseFilters(CallErrorFilter)
export class LegacyGuildController {
  constructor(
    private readonly publisher: LegacyPublisher,
    private readonly lookups: Lookups,
  ) {}

  @GrpcMethod('derailed.grpc.Guild', 'publish')
  publish({ guildId, message }: legacyGrpc.Publ): Promise<legacyGrpc.Publr> {
    return this.publisher.publish({ $case: 'guild', value: { guildId, channelId: '' } }, message);
  }

  @GrpcMethod('derailed.grpc.Guild', 'getGuildInfo')
  getGuildInfo({ guildId }: legacyGrpc.GetGuildInfo): Promise<legacyGrpc.RepliedGuildInfo> {
    return this.lookups.guildInfo(guildId);
  }
}

/** derailed.grpc.User */
@Controller()
@UseFilters(CallErrorFilter)
export class LegacyUserController {
  constructor(private readonly publisher: LegacyPublisher) {}

  @GrpcMethod('derailed.grpc.User', 'publish')
  publish({ userId, message }: legacyGrpc.UPubl): Promise<legacyGrpc.UPublr> {
    return this.publisher.publish({ $case: 'users', value: { userIds: [userId] } }, message);
  }
}
