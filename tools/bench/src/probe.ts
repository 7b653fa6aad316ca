import type { tunnelV1 as TunnelTypes } from '@derailed/shared/contract';
import { message } from './message';
import { failure } from './publisher';
import type { SeededGuild } from './seed';
import { connectTunnel } from './tunnel';

interface Sent {
  readonly guildId: string;
  readonly at: number;
}

/** Publishes to many guilds at a steady rate, through one PublishStream, and looks at some of them closely. */
export class Probe {
  private readonly client;
  private readonly stream;
  private readonly waiting = new Map<string, Sent>();
  private readonly counts = new Map<string, number>();
  /** Of guilds that are looked at: the longest time (ms) from a publish to its ack. */
  private readonly longest = new Map<string, number>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly failed: Promise<never>;
  private idle: (() => void) | undefined;
  private last = 0;

  /** @param at HOST:PORT of a tunnel */
  constructor(
    at: string,
    private readonly guilds: readonly SeededGuild[],
  ) {
    const { failed, fail } = failure();
    this.failed = failed;
    this.client = connectTunnel(at);
    this.stream = this.client.publishStream();
    this.stream.on('error', fail);
    this.stream.on('data', ({ eventId, code, error }: TunnelTypes.PublishStreamResponse) => {
      if (code === 0) this.acked(eventId);
      else fail(new Error(`an event was refused with code ${code}: ${error}`));
    });
  }

  get published(): number {
    return this.last;
  }

  publishedTo(guildId: string): number {
    return this.counts.get(guildId) ?? 0;
  }

  /** To one guild after the other, until end(). */
  toAll(perSecond: number): void {
    let next = 0;
    this.every(1000 / perSecond, () => this.publish(this.guilds[next++ % this.guilds.length]!));
  }

  /** An event to each of these guilds every so many milliseconds. @returns ends it; answers the longest time of each */
  closely(guilds: readonly SeededGuild[], everyMs: number): () => Promise<readonly number[]> {
    for (const { id } of guilds) this.longest.set(id, 0);
    let next = 0;
    const end = this.every(everyMs / guilds.length, () => this.publish(guilds[next++ % guilds.length]!));
    return async () => {
      end();
      await this.allAcked();
      const found = guilds.map(({ id }) => this.longest.get(id)!);
      this.longest.clear();
      return found;
    };
  }

  /** Publishes nothing more; resolves when all is acked. @throws Error when an event was refused */
  async end(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await this.allAcked();
  }

  close(): void {
    for (const timer of this.timers) clearInterval(timer);
    this.stream.cancel();
    this.client.close();
  }

  /** All that has been published up to now. */
  private async allAcked(): Promise<void> {
    const open = new Set(this.waiting.keys());
    const done = new Promise<void>((resolve) => {
      this.idle = () => {
        for (const id of open) if (this.waiting.has(id)) return;
        this.idle = undefined;
        resolve();
      };
      this.idle();
    });
    await Promise.race([done, this.failed]);
  }

  private acked(eventId: string): void {
    const sent = this.waiting.get(eventId);
    this.waiting.delete(eventId);
    const longest = sent && this.longest.get(sent.guildId);
    if (longest !== undefined)
      this.longest.set(sent!.guildId, Math.max(longest, performance.now() - sent!.at));
    this.idle?.();
  }

  /** What is due is done, also when this process was late. */
  private every(ms: number, act: () => void): () => void {
    const start = performance.now();
    let done = 0;
    const timer = setInterval(
      () => {
        for (; done * ms <= performance.now() - start; done++) act();
      },
      Math.max(1, ms),
    );
    this.timers.add(timer);
    return () => {
      clearInterval(timer);
      this.timers.delete(timer);
    };
  }

  private publish({ id: guildId, channelId }: SeededGuild): void {
    const id = `move-${process.pid}-${++this.last}`;
    this.counts.set(guildId, this.publishedTo(guildId) + 1);
    this.waiting.set(id, { guildId, at: performance.now() });
    this.stream.write({
      event: {
        id,
        target: { kind: { $case: 'guild', value: { guildId, channelId: '' } } },
        ...message(guildId, channelId),
        volatile: false,
      },
    });
  }
}
