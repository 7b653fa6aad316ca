import type { Incident, PublishLog, Violation } from './history';

/** A row of the table. */
export interface Tally {
  readonly role: string;
  kills: number;
  stops: number;
  drains: number;
  acked: number;
  lost: number;
  doubled: number;
  outOfOrder: number;
  leaked: number;
  /** All other violations. */
  other: number;
  /** Sessions that ended, so that their client had to identify again. */
  identified: number;
  /** Longest time from the first sending of an event to its arrival at a client whose session lived. Milliseconds. */
  longestGap: number;
}

export interface TallyInput {
  readonly roles: readonly string[];
  readonly incidents: readonly Incident[];
  readonly log: PublishLog;
  /** By event: the longest way to a client; 0: it reached nobody. */
  readonly longestWay: ArrayLike<number>;
  readonly violations: readonly Violation[];
  /** When sessions ended. */
  readonly ends: readonly number[];
}

/** What is on its way when something happens may suffer from it. */
const shadow = 1_000;

/**
 * Counts by role. What happened belongs to the role of the incident that began last before it, or within a second
 * after; what was before all of them has a row of its own, `calm`. The last row is the sum.
 */
export function tally({ roles, incidents, log, longestWay, violations, ends }: TallyInput): readonly Tally[] {
  const rows = new Map(['calm', ...roles].map((role) => [role, emptyTally(role)]));
  const sorted = [...incidents].sort((a, b) => a.at - b.at);
  const total = emptyTally('all');
  const at = (time: number): readonly Tally[] => {
    const role = sorted.findLast((incident) => incident.at <= time + shadow)?.role ?? 'calm';
    return [rows.get(role) ?? total, total];
  };
  for (const { action, role } of incidents) {
    for (const row of [rows.get(role), total]) {
      if (row === undefined) continue;
      if (action === 'kill') row.kills++;
      else if (action === 'stop') row.stops++;
      else if (action === 'drain') row.drains++;
    }
  }
  for (let event = 0; event < log.ackedAt.length; event++) {
    const acked = log.ackedAt[event] as number;
    if (acked === 0) continue;
    for (const row of at(log.sentAt[event] as number)) {
      row.acked++;
      row.longestGap = Math.max(row.longestGap, longestWay[event] ?? 0);
    }
  }
  for (const violation of violations) for (const row of at(violation.at)) count(row, violation);
  for (const end of ends) for (const row of at(end)) row.identified++;
  return [...rows.values(), total];
}

function count(row: Tally, { kind }: Violation): void {
  if (kind === 'lost') row.lost++;
  else if (kind === 'doubled') row.doubled++;
  else if (kind === 'out of order') row.outOfOrder++;
  else if (kind === 'leaked') row.leaked++;
  else row.other++;
}

function emptyTally(role: string): Tally {
  return {
    role,
    kills: 0,
    stops: 0,
    drains: 0,
    acked: 0,
    lost: 0,
    doubled: 0,
    outOfOrder: 0,
    leaked: 0,
    other: 0,
    identified: 0,
    longestGap: 0,
  };
}
