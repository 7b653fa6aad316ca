import { type ChannelCredentials, Metadata, credentials } from '@grpc/grpc-js';
import { legacyGrpc, tunnelV1 } from '@derailed/shared/contract';

type Target = { guildId: string; channelId?: string; permissions?: string } | { userIds: string[] };

interface PublisherOptions {
  readonly token?: string;
  /** Plaintext when absent. */
  readonly trust?: ChannelCredentials;
}

/** A monolith in a few lines: both of the tunnel's services, answered by promises. */
export class Publisher {
  private readonly metadata = new Metadata();
  private readonly tunnel: InstanceType<typeof tunnelV1.TunnelClient>;
  private readonly guilds: InstanceType<typeof legacyGrpc.GuildClient>;

  constructor(address: string, { token, trust = credentials.createInsecure() }: PublisherOptions = {}) {
    this.tunnel = new tunnelV1.TunnelClient(address, trust);
    this.guilds = new legacyGrpc.GuildClient(address, trust);
    if (token !== undefined) this.metadata.set('authorization', `Bearer ${token}`);
  }

  /** Resolves when the tunnel is reached, at the first time or again; rejects when it is not for half a minute. */
  connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.tunnel.waitForReady(Date.now() + 30_000, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Answers how many sessions got it. */
  publish(target: Target, name: string, data: unknown, id = ''): Promise<number> {
    const kind: NonNullable<tunnelV1.Target['kind']> =
      'guildId' in target
        ? { $case: 'guild', value: { channelId: '', ...target } }
        : { $case: 'users', value: { userIds: target.userIds } };
    const event = { id, target: { kind }, name, data: JSON.stringify(data), volatile: false };
    return new Promise((resolve, reject) => {
      this.tunnel.publish({ event }, this.metadata, (error, answer) =>
        error ? reject(error) : resolve(answer.sessions),
      );
    });
  }

  /** Answers how many sessions that ended. @param closeCode 0: the default */
  disconnect(userId: string, closeCode: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.tunnel.disconnectUser({ userId, closeCode }, this.metadata, (error, answer) =>
        error ? reject(error) : resolve(answer.sessions),
      );
    });
  }

  /** Through the platform's old contract. */
  publishOld(guildId: string, event: string, data: unknown): Promise<string> {
    return new Promise((resolve, reject) => {
      this.guilds.publish(
        { guildId, message: { event, data: JSON.stringify(data) } },
        this.metadata,
        (error, answer) => (error ? reject(error) : resolve(answer.message)),
      );
    });
  }

  close(): void {
    this.tunnel.close();
    this.guilds.close();
  }
}
