import type { Registry } from '@derailed/platform/observability';
import { Counter, Gauge, Histogram } from 'prom-client';

/** What the gauges read when they are scraped. */
export interface GuildReadings {
  readonly guilds: () => number;
  readonly loaded: () => number;
  readonly subscribers: () => number;
  readonly readsWaiting: () => number;
  readonly presencesAwaited: () => number;
}

const readOutcomes = ['read', 'absent', 'unavailable', 'failed'] as const;

/** How a read of the database ended. */
export type ReadOutcome = (typeof readOutcomes)[number];

/** Every metric of a guild-node, its labels bound. */
export class GuildMetrics {
  readonly events: Counter.Internal;
  readonly presences: Counter.Internal;
  readonly refused: Counter.Internal;
  readonly undelivered: Counter.Internal;
  readonly joins: Counter.Internal;
  readonly joinsFailed: Counter.Internal;
  /** Questions for guilds to their owners before, by whether that one handed it over. */
  readonly handovers: Readonly<Record<'handedOver' | 'missing', Counter.Internal>>;
  /** Seconds from the arrival of a publish to its answer. */
  readonly publishSeconds: Histogram.Internal<never>;
  readonly snapshots: Readonly<Record<ReadOutcome, Counter.Internal>>;
  readonly members: Readonly<Record<ReadOutcome, Counter.Internal>>;

  constructor(registry: Registry, readings: GuildReadings) {
    const counter = (name: string, help: string): Counter.Internal =>
      new Counter({ name: `derailed_guild_${name}`, help, registers: [registry] }).labels();
    this.events = counter('events_total', 'Events published to guilds here.');
    this.presences = counter('presences_total', 'Changes of presence that came from presence-nodes.');
    this.refused = counter('events_refused_total', 'Publishes that were answered with an error.');
    this.undelivered = counter('undelivered_total', 'Messages that the link to a session-node refused.');
    this.joins = counter('joins_total', 'Users told to subscribe because they joined a guild.');
    this.joinsFailed = counter(
      'joins_failed_total',
      'Times that the session-node of a user who joined a guild could not be told; it is tried again.',
    );
    this.publishSeconds = new Histogram({
      name: 'derailed_guild_publish_seconds',
      help: 'From the arrival of a publish to its answer: every session-node has it or was revoked.',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers: [registry],
    }).labels();
    const handovers = new Counter({
      name: 'derailed_guild_handovers_total',
      help: 'Guilds that moved here: handed_over by the owner before, or missing there and read from the database.',
      labelNames: ['outcome'],
      registers: [registry],
    });
    this.handovers = {
      handedOver: handovers.labels({ outcome: 'handed_over' }),
      missing: handovers.labels({ outcome: 'missing' }),
    };
    const reads = new Counter({
      name: 'derailed_guild_reads_total',
      help: 'Reads of the database, by what was read and how it ended.',
      labelNames: ['what', 'outcome'],
      registers: [registry],
    });
    const outcomes = (what: string): Record<ReadOutcome, Counter.Internal> =>
      Object.fromEntries(readOutcomes.map((outcome) => [outcome, reads.labels({ what, outcome })])) as Record<
        ReadOutcome,
        Counter.Internal
      >;
    this.snapshots = outcomes('snapshot');
    this.members = outcomes('members');
    const gauge = (name: string, help: string, read: () => number): Gauge =>
      new Gauge({
        name: `derailed_guild_${name}`,
        help,
        registers: [registry],
        collect() {
          this.set(read());
        },
      });
    gauge('guilds', 'Guilds that something is remembered of.', readings.guilds);
    gauge('loaded', 'Guilds whose data is here.', readings.loaded);
    gauge('subscribers', 'Sessions subscribed to guilds here.', readings.subscribers);
    gauge('reads_waiting', 'Reads that wait for their turn at the database.', readings.readsWaiting);
    gauge(
      'presences_awaited',
      'Guilds whose presences their presence-node was asked for and has not told.',
      readings.presencesAwaited,
    );
  }
}
