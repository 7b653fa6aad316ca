import { Code } from '@derailed/shared/kernel';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { TunnelMetrics } from './metrics';
import { type PublishCall, PublishStream } from './publish-stream';
import { Publisher } from './publisher';
import { TUNNEL_CONFIG, type TunnelConfig } from './settings';

/** The open PublishStream calls. */
@Injectable()
export class PublishStreams implements BeforeApplicationShutdown {
  private readonly open = new Set<PublishStream>();

  constructor(
    private readonly publisher: Publisher,
    private readonly metrics: TunnelMetrics,
    @Inject(TUNNEL_CONFIG) private readonly config: TunnelConfig,
  ) {}

  accept(call: PublishCall): void {
    const stream = new PublishStream(call, this.publisher, this.config, this.metrics, () => {
      this.open.delete(stream);
      this.metrics.streams.set(this.open.size);
    });
    this.open.add(stream);
    this.metrics.streams.set(this.open.size);
    stream.start();
  }

  /** Sends publishers elsewhere while there is still time to answer what they sent. */
  beforeApplicationShutdown(): void {
    for (const stream of this.open) stream.end(Code.UNAVAILABLE, 'the tunnel is shutting down');
  }
}
