import type { Rng } from '@derailed/shared/kernel';
import type { World } from '../plan/world';
import type { PublishLog, Violation } from '../judge/history';
import { machineTime } from '../time';
import { Publisher } from './publisher';

export interface PumpOptions {
  readonly world: World;
  /** HOST:PORT of each tunnel; there is a publisher for each, which begins with it. */
  readonly doors: readonly string[];
  /** Events in all, and how many a second. */
  readonly events: number;
  readonly rate: number;
  /** Ids are remembered: another run needs others. */
  readonly idPrefix: string;
  readonly rng: Rng;
}

const tick = 5;
const padding = 'The engine weaves algebraic patterns just as the loom weaves flowers and leaves. ';

/** Publishes events at an even pace to guilds and channels that the Rng draws, and writes down what becomes of them. */
export class Pump {
  readonly log: PublishLog;
  readonly refusals: Violation[] = [];
  private readonly publishers: readonly Publisher[];
  private readonly guild: Uint16Array;
  private readonly closed: Uint8Array;
  private readonly sentAt: Float64Array;
  private readonly ackedAt: Float64Array;
  private next = 0;

  constructor(private readonly options: PumpOptions) {
    const { events, doors, rng, world } = options;
    this.guild = Uint16Array.from({ length: events }, () => Math.floor(rng.next() * world.guilds.length));
    this.closed = Uint8Array.from({ length: events }, () => (rng.next() < 0.3 ? 1 : 0));
    this.sentAt = new Float64Array(events);
    this.ackedAt = new Float64Array(events);
    this.log = { guild: this.guild, closed: this.closed, sentAt: this.sentAt, ackedAt: this.ackedAt };
    this.publishers = doors.map(
      (_, first) =>
        new Publisher({
          doors,
          first,
          rng,
          onAck: (event) => (this.ackedAt[event] = machineTime()),
          onRefused: (event, why) => {
            const what = `event ${event} was refused: ${why}`;
            this.refusals.push({ kind: 'unacked', at: machineTime(), event, what });
          },
        }),
    );
  }

  /** Events without an ack. */
  get waiting(): number {
    return this.publishers.reduce((sum, publisher) => sum + publisher.size, 0);
  }

  get published(): number {
    return this.next;
  }

  /** Ends when the last event is sent. */
  run(): Promise<void> {
    const { events, rate } = this.options;
    const start = machineTime();
    return new Promise((resolve) => {
      const timer = setInterval(() => {
        const due = Math.min(events, Math.floor(((machineTime() - start) / 1000) * rate));
        while (this.next < due) this.publish(this.next++);
        if (this.next < events) return;
        clearInterval(timer);
        resolve();
      }, tick);
    });
  }

  close(): void {
    for (const publisher of this.publishers) publisher.close();
  }

  private publish(number: number): void {
    const { world, idPrefix } = this.options;
    const guildNumber = this.guild[number] as number;
    const guild = world.guilds[guildNumber];
    const publisher = this.publishers[guildNumber % this.publishers.length];
    if (guild === undefined || publisher === undefined) return;
    const channelId = this.closed[number] === 1 ? guild.closedChannel : guild.openChannel;
    const at = machineTime();
    this.sentAt[number] = at;
    publisher.publish({
      number,
      guild: guildNumber,
      id: `${idPrefix}-${number}`,
      guildId: guild.id,
      channelId,
      data: `{"id":"${500_000_000_000_000_000n + BigInt(number)}","channel_id":"${channelId}","guild_id":"${guild.id}","n":${number},"at":${at},"content":"${padding}"}`,
    });
  }
}
