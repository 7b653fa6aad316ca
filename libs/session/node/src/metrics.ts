import { type Logger, METRICS } from '@derailed/platform/observability';
import { KeyWatch, LOGGER } from '@derailed/platform/runtime';
import type { Counts, Figures } from '@derailed/session/core';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What the metrics read when they are scraped; nothing is counted twice. */
export interface Watched {
  readonly figures: Figures;
  readonly counts: Readonly<Counts>;
}

const totals: readonly (readonly [name: string, of: keyof Counts, help: string])[] = [
  ['dispatches', 'dispatches', 'Dispatches that got a sequence number.'],
  ['identifies', 'identifies', 'Sessions made.'],
  ['identifies_refused', 'identifiesRefused', 'Identifies over a limit, answered with op 9.'],
  ['resumes', 'resumes', 'Resumes accepted.'],
  ['resumes_refused', 'resumesRefused', 'Resumes answered with op 9 or 4007.'],
  ['repeated_events', 'repeats', 'Events recognised by their id and not delivered again.'],
  ['moved_out', 'movedOut', 'Sessions that went to another node.'],
  ['moved_in', 'movedIn', 'Sessions that came from another node.'],
  ['moves_failed', 'movesFailed', 'Moves that came to nothing; the session stayed and is tried again.'],
  ['moved_bytes', 'movedBytes', 'Bytes of events that went to other nodes with sessions, each event once.'],
  ['lost', 'sessionsLost', 'Sessions that ended because of a limit or a loss.'],
];

/** Every figure of the session-node. */
@Injectable()
export class SessionMetrics {
  readonly databaseFailures: Counter.Internal;
  readonly refusedSends: Counter.Internal;
  /** Keys of users that have moved here and wait. */
  readonly keys: KeyWatch;
  readonly moveSeconds: Histogram;

  constructor(
    @Inject(METRICS) private readonly registry: Registry,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.keys = new KeyWatch('session-node', registry, logger);
    this.databaseFailures = this.counter('database_failures', 'Reads of the database that failed.').labels();
    this.refusedSends = this.counter(
      'refused_sends',
      'Messages that a full or absent link did not take.',
    ).labels();
    this.moveSeconds = new Histogram({
      name: 'derailed_session_move_seconds',
      help: 'How long a session that moved stood still: from its last dispatch here to word that it lives elsewhere.',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [registry],
    });
  }

  /** Called once, when the node starts. */
  watch(node: Watched): void {
    this.gauge('sessions', 'Sessions here, detached ones included.', () => node.figures.sessions);
    this.gauge(
      'detached',
      'Sessions here that wait for their client to resume.',
      () => node.figures.detached,
    );
    this.gauge('users', 'Users owned by this node.', () => node.figures.users);
    this.gauge(
      'audiences',
      'Guilds and users that sessions here are subscribed to.',
      () => node.figures.audiences,
    );
    this.gauge(
      'replay_bytes',
      'Bytes in replay buffers; shared ones counted once.',
      () => node.figures.replayBytes,
    );
    this.gauge(
      'member_requests_waiting',
      'Op 8 requests that wait for their turn.',
      () => node.figures.memberQueue,
    );
    this.gauge(
      'leaving',
      'Sessions that are to go to another node, or on their way.',
      () => node.figures.leaving,
    );
    this.gauge('arriving', 'Sessions on their way here from another node.', () => node.figures.arriving);
    for (const [name, of, help] of totals) {
      const counter = this.counter(name, help, () => {
        counter.reset();
        counter.inc(node.counts[of]);
      });
    }
  }

  private counter(name: string, help: string, collect?: () => void): Counter {
    const registers = [this.registry];
    return new Counter({
      name: `derailed_session_${name}_total`,
      help,
      registers,
      ...(collect && { collect }),
    });
  }

  private gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name: `derailed_session_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.set(value());
      },
    });
  }
}
