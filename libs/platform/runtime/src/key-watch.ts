import type { Role } from '@derailed/platform/cluster';
import type { Logger, Registry } from '@derailed/platform/observability';
import { Gauge } from 'prom-client';

/** Whom the keys of a role wait for, by id. */
export interface Awaited {
  /** Nodes that served some of them, and have not yielded. */
  readonly yields: readonly string[];
  /** Session-nodes that have not said what they hold. */
  readonly syncs: readonly string[];
  /** Session-nodes without whose word keys are served. */
  readonly late: readonly string[];
}

const name = 'derailed_cluster_awaited_nodes';

/** What an operator hears of keys that have moved here and wait. */
export class KeyWatch {
  private readonly gauge: Gauge;
  private last: Awaited = { yields: [], syncs: [], late: [] };

  constructor(
    private readonly role: Role,
    registry: Registry,
    private readonly logger: Pick<Logger, 'info' | 'warn'>,
  ) {
    // Roles of one process share it.
    const known = registry.getSingleMetric(name) as Gauge | undefined;
    this.gauge =
      known ??
      new Gauge({
        name,
        help: 'Nodes that keys which moved here wait for: until they yield them, until they say what they hold (sync), or not any longer (late).',
        labelNames: ['role', 'for'],
        registers: [registry],
      });
    this.show(this.last);
  }

  /** Called as often as one likes. */
  report(awaited: Awaited): void {
    const { role, last, logger } = this;
    const late = awaited.late.filter((node) => !last.late.includes(node));
    if (late.length > 0)
      logger.warn(
        { role, nodes: late },
        'keys are served without the word of session-nodes: sessions that were subscribed there end when they come',
      );
    const back = last.late.filter((node) => !awaited.late.includes(node));
    if (back.length > 0) logger.info({ role, nodes: back }, 'session-nodes that were late have come');
    this.last = awaited;
    this.show(awaited);
  }

  /** Nobody there answers over the link. */
  looks(nodes: readonly string[]): void {
    const { role, logger } = this;
    logger.warn(
      { role, nodes },
      'nodes that served keys do not answer: etcd is asked whether they have yielded',
    );
  }

  private show({ yields, syncs, late }: Awaited): void {
    const { role, gauge } = this;
    gauge.set({ role, for: 'yield' }, yields.length);
    gauge.set({ role, for: 'sync' }, syncs.length);
    gauge.set({ role, for: 'late' }, late.length);
  }
}
