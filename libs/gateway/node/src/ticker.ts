import type { Cancel, Clock } from '@derailed/shared/kernel';
import type { Clients } from './clients';
import type { Shell } from './shell';

/** All deadlines of connections are seconds long; so much later they may come. */
const everyMs = 250;

/** Looks after the deadlines of all connections with one timer. */
export class Ticker {
  private cancel: Cancel | undefined;

  constructor(
    private readonly clients: Clients,
    private readonly shell: Shell,
    private readonly clock: Clock,
  ) {}

  start(): void {
    this.cancel = this.clock.after(everyMs, () => {
      this.sweep();
      this.start();
    });
  }

  stop(): void {
    this.cancel?.();
  }

  private sweep(): void {
    const now = this.shell.now();
    for (const client of this.clients) {
      if (client.connection.nextWake() <= now.mono) this.shell.run(client, client.connection.tick(now));
    }
    this.shell.turnAway();
  }
}
