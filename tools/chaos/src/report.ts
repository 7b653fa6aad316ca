import type { Tally } from './judge/tally';
import type { Violation } from './judge/history';

/** Lines of violations that are printed; of the rest only the number. */
const printed = 40;

/** A table in Markdown, a row per role. */
export function renderTable(rows: readonly Tally[]): string {
  const [head = [], ...lines] = [
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
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const row = (cells: readonly string[]): string =>
    line(
      cells.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      ),
    );
  const rule = line(
    widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)),
  );
  return [row(head), rule, ...lines.map(row)].join('\n');
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
