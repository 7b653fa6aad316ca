import type { Clock } from '@derailed/shared/kernel';
import type { Clients } from './clients';
import type { Shell } from './shell';

const paceMs = 20;
const perStep = 250;

/**
 * Sends everybody away when the node stops: asks to reconnect, waits, closes what is left; a few at a time, so
 * that the other nodes are not stormed.
 */
export class Departure {
  constructor(
    private readonly clients: Clients,
    private readonly shell: Shell,
    private readonly clock: Clock,
    /** Milliseconds between op 7 and close. */
    private readonly delay: number,
  ) {}

  async run(): Promise<void> {
    if (this.clients.size === 0) return;
    await this.each((client) => client.connection.askToReconnect());
    await this.until(this.delay);
    await this.each((client) => client.connection.close('draining'));
  }

  /** Resolves when nobody is connected any more, or after `ms`. */
  async until(ms: number): Promise<void> {
    const end = this.clock.monotonic() + ms;
    while (this.clients.size > 0 && this.clock.monotonic() < end) await this.pause();
  }

  private async each(
    what: (client: Parameters<Shell['run']>[0]) => Parameters<Shell['run']>[1],
  ): Promise<void> {
    let step = 0;
    for (const client of [...this.clients]) {
      this.shell.run(client, what(client));
      if (++step % perStep === 0) await this.pause();
    }
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      this.clock.after(paceMs, resolve);
    });
  }
}
