import type { Registry } from '@derailed/platform/observability';
import { Counter, Gauge } from 'prom-client';

/** What the gauges read when they are scraped. */
export interface PresenceReadings {
  readonly guilds: () => number;
  readonly users: () => number;
}

/** Every metric of a presence-node, its labels bound. */
export class PresenceMetrics {
  readonly upserts: Counter.Internal;
  readonly clears: Counter.Internal;
  readonly changes: Counter.Internal;
  readonly undelivered: Counter.Internal;

  constructor(registry: Registry, readings: PresenceReadings) {
    const counter = (name: string, help: string): Counter.Internal =>
      new Counter({ name: `derailed_presence_${name}`, help, registers: [registry] }).labels();
    this.upserts = counter('upserts_total', 'What sessions said of themselves, counted once per guild.');
    this.clears = counter('clears_total', 'Sessions that show nothing any more, counted once per guild.');
    this.changes = counter('changes_total', 'Merged changes that were told to guilds.');
    this.undelivered = counter('undelivered_total', 'Changes that the link refused; they are told again.');
    const gauge = (name: string, help: string, read: () => number): Gauge =>
      new Gauge({
        name: `derailed_presence_${name}`,
        help,
        registers: [registry],
        collect() {
          this.set(read());
        },
      });
    gauge('guilds', 'Guilds that somebody is online in.', readings.guilds);
    gauge('users', 'Users remembered, counted once per guild.', readings.users);
  }
}
