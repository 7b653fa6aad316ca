import type { Logger } from '@derailed/platform/observability';

/** How many different breaches are remembered, and so logged, at most. */
const remembered = 10_000;

/** Says once of each row that breaks the contract (docs/reference/tables.md) that it was left out. */
export class Breaches {
  private readonly seen = new Set<string>();

  constructor(private readonly logger: Logger) {}

  /** `what` is a sentence without ids; `ids` names the row. */
  report(what: string, ids: Readonly<Record<string, string>>): void {
    const key = `${what} ${Object.values(ids).join(' ')}`;
    if (this.seen.has(key) || this.seen.size >= remembered) return;
    this.seen.add(key);
    this.logger.warn(ids, what);
  }
}
