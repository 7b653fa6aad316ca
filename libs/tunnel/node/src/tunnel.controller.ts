import type { tunnelV1 } from '@derailed/shared/contract';
import { Controller, UseFilters } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall } from '@nestjs/microservices';
import { CallErrorFilter } from './call-error.filter';
import { Lookups } from './lookups';
import type { PublishCall } from './publish-stream';
import { PublishStreams } from './publish-streams';
import { UnaryPublisher } from './unary-publisher';

const service = 'derailed.tunnel.v1.Tunnel';

@Controller()
@UseFilters(CallErrorFilter)
export class TunnelController {
  constructor(
    private readonly publisher: UnaryPublisher,
    private readonly streams: PublishStreams,
    private readonly lookups: Lookups,
  ) {}

  @GrpcMethod(service, 'publish')
  publish({ event }: tunnelV1.PublishRequest): Promise<tunnelV1.PublishResponse> {
    return this.publisher.publish(event, 'unary');
  }

  @GrpcStreamCall(service, 'publishStream')
  publishStream(call: PublishCall): void {
    this.streams.accept(call);
  }

  @GrpcMethod(service, 'getGuildInfo')
  getGuildInfo({ guildId }: tunnelV1.GetGuildInfoRequest): Promise<tunnelV1.GetGuildInfoResponse> {
    return this.lookups.guildInfo(guildId);
  }

  @GrpcMethod(service, 'getUserPresence')
  getUserPresence({ userId }: tunnelV1.GetUserPresenceRequest): Promise<tunnelV1.GetUserPresenceResponse> {
    return this.lookups.userPresence(userId);
  }

  @GrpcMethod(service, 'disconnectUser')
  disconnectUser({
    userId,
    closeCode,
  }: tunnelV1.DisconnectUserRequest): Promise<tunnelV1.DisconnectUserResponse> {
    return this.lookups.disconnectUser(userId, closeCode);
  }
}
