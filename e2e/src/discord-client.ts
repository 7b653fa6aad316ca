import { REST } from '@discordjs/rest';
import { type SessionInfo, WebSocketManager, WebSocketShardEvents } from '@discordjs/ws';

/** A dispatch as the library hands it on. */
export interface Dispatch {
  readonly s: number;
  readonly t: string;
  readonly d: Record<string, unknown>;
}

interface Waiter {
  readonly enough: (received: readonly Dispatch[]) => boolean;
  readonly resolve: () => void;
}

/** An unmodified @discordjs/ws, pointed at a gateway, that remembers all it received. */
export class DiscordClient {
  readonly received: Dispatch[] = [];
  readonly closes: number[] = [];
  resumes = 0;
  private readonly waiters = new Set<Waiter>();
  private session: SessionInfo | null = null;

  private constructor(private readonly manager: WebSocketManager) {}

  /** Connects and waits for READY. @param http HOST:PORT of the gateway, which serves /gateway/bot too */
  static async connect(http: string, token: string, intents: number): Promise<DiscordClient> {
    const holder: { client?: DiscordClient } = {};
    const manager: WebSocketManager = new WebSocketManager({
      token,
      intents,
      rest: new REST({ version: '10', api: `http://${http}/api` }).setToken(token),
      // The library's own store is one global map, and its throttler waits five seconds between identifies.
      retrieveSessionInfo: () => holder.client?.session ?? null,
      updateSessionInfo: (_shard, session) => {
        if (holder.client) holder.client.session = session;
      },
      buildIdentifyThrottler: () => ({ waitForIdentify: () => Promise.resolve() }),
    });
    const client = (holder.client = new DiscordClient(manager));
    manager.on(WebSocketShardEvents.Dispatch, (payload) => {
      client.received.push(payload as unknown as Dispatch);
      for (const waiter of client.waiters) {
        if (!waiter.enough(client.received)) continue;
        client.waiters.delete(waiter);
        waiter.resolve();
      }
    });
    manager.on(WebSocketShardEvents.Resumed, () => void client.resumes++);
    manager.on(WebSocketShardEvents.Closed, (code) => void client.closes.push(code));
    // A connection that is cut on purpose is an error to the library, which then resumes.
    manager.on(WebSocketShardEvents.Error, () => undefined);
    manager.on(WebSocketShardEvents.SocketError, () => undefined);
    await manager.connect();
    return client;
  }

  /** Resolves once all that was received so far is enough. */
  until(enough: (received: readonly Dispatch[]) => boolean): Promise<void> {
    if (enough(this.received)) return Promise.resolve();
    return new Promise((resolve) => this.waiters.add({ enough, resolve }));
  }

  /** Resolves with the first dispatch of that name, after it has come. */
  async first(name: string): Promise<Dispatch> {
    await this.until((received) => received.some(({ t }) => t === name));
    return this.named(name)[0] as Dispatch;
  }

  named(name: string): Dispatch[] {
    return this.received.filter(({ t }) => t === name);
  }

  async send(payload: { op: number; d: unknown }): Promise<void> {
    await this.manager.send(0, payload as never);
  }

  async close(): Promise<void> {
    await this.manager.destroy();
  }
}
