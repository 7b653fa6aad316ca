import type { Tally } from './judge/tally';
import type { Violation } from './judge/history';

/** Lines of violations that are printed; of the rest only the number. */
const printed = 40;

export function renderTable(rows: readonly Tally[]): string {
  const cells = [
    [
      'role',
      'kills',
      'stops',
      'drains',
      'acked',
      'lost',
      'doubled',
      'out of order',
      'leaked',
      'other',
      'identified again',
      'longest gap',
    ],
    ...rows.map((row) =>
      [
        row.role,
        row.kills,
        row.stops,
        row.drains,
        row.acked,
        row.lost,
        row.doubled,
        row.outOfOrder,
        row.leaked,
        row.other,
        row.identified,
        `${(row.longestGap / 1000).toFixed(1)} s`,
      ].map(String),
    ),
  ];
  const widths =
    cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  return cells
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  '),
    )
    .join('\n');
}

/**
 * Violations in the order of their time; what happened to one event in many sessions is one line.
 * @param begun when the events began, on the clock of the violations
 */
export function renderViolations(violations: readonly Violation[], begun: number): string {
  const counts = new Map<string, number>();
  for (const { kind } of violations) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const groups = new Map<string, { readonly first: Violation; size: number }>();
  for (const violation of [...violations].sort((a, b) => a.at - b.at)) {
    const key = violation.event === undefined ? violation.what : `${violation.kind} ${violation.event}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: violation, size: 1 });
    else group.size++;
  }
  const lines = [...groups.values()]
    .slice(0, printed)
    .map(
      ({ first: { kind, at, what }, size }) =>
        `  ${((at - begun) / 1000).toFixed(2).padStart(8)} s  ${kind}: ${what}${size > 1 ? `, and so in ${size - 1} other sessions` : ''}`,
    );
  const more = groups.size - lines.length;
  return [
    `${violations.length} violations: ${[...counts].map(([kind, count]) => `${count} ${kind}`).join(', ')}`,
    ...lines,
    ...(more > 0 ? [`  and ${more} more lines like these`] : []),
  ].join('\n');
}
