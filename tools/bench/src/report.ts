/** A bound that was promised, and what came out. */
export interface Bound {
  /** As the beginning of a sentence: "fan-out at saturation beside plain". */
  readonly what: string;
  readonly measured: number;
  readonly unit: string;
  readonly atLeast?: number;
  readonly below?: number;
}

/** The sentence of a bound that does not hold. */
export function breach({ what, measured, unit, atLeast, below }: Bound): string | undefined {
  const said = `${what} is ${short(measured)} ${unit}`;
  if (atLeast !== undefined && !(measured >= atLeast)) return `${said}; it must be at least ${atLeast}.`;
  if (below !== undefined && !(measured < below)) return `${said}; it must be below ${below}.`;
  return undefined;
}

/** Three significant digits, or whole numbers with spaces between thousands. */
export function short(value: number): string {
  if (Math.abs(value) >= 1000)
    return Math.round(value)
      .toString()
      .replace(/\B(?=(\d{3})+$)/g, ' ');
  return Number(value.toPrecision(3)).toString();
}

/** Columns wide enough for what is in them; all but the first on the right. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? short(cell) : cell)));
  const widths =
    cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  const align = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return cells.map((row) => `  ${row.map(align).join('   ')}`.trimEnd()).join('\n');
}

export function median(values: readonly number[]): number {
  return percentile(Float64Array.from(values).sort(), 0.5);
}

/** @param sorted ascending @param share from 0 to 1 */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? NaN;
  const above = sorted[Math.ceil(at)] ?? NaN;
  return below + (above - below) * (at - Math.floor(at));
}
