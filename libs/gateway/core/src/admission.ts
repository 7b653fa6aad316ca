import type { Rng } from '@derailed/shared/kernel';

export interface AdmissionLimits {
  /** Identifies that are worked on at once, and as many resumes. */
  readonly atOnce: number;
  /** How long a connection waits for its turn at most, in milliseconds. */
  readonly patience: number;
}

/** What a connection wants to be let in for. */
export type Line = 'resume' | 'identify';

/** The share of the patience that everybody has; the rest is drawn, so that those who came together go apart. */
const leastPatience = 0.6;

/**
 * Lets connections in a few at a time, first come, first served; nobody identifies while somebody waits to resume. Who
 * can't be let in in time is turned away, each at a time of its own: they come back spread.
 */
export class Admission {
  private readonly inside: Record<Line, Set<number>> = { resume: new Set(), identify: new Set() };
  /** By connection, in the order of their coming: until when it waits. */
  private readonly lines: Record<Line, Map<number, number>> = { resume: new Map(), identify: new Map() };

  constructor(
    private readonly limits: AdmissionLimits,
    private readonly rng: Pick<Rng, 'next'>,
  ) {}

  /** Connections that wait for their turn. */
  get waiting(): number {
    return this.lines.resume.size + this.lines.identify.size;
  }

  /** Whether it is this connection's turn; until it leaves it keeps it. If not, it waits in line. */
  enter(connection: number, line: Line, now: number): boolean {
    if (this.inside[line].has(connection)) return true;
    if (this.lines[line].has(connection)) return false;
    if (this.hasRoom(line) && this.lines[line].size === 0) {
      this.inside[line].add(connection);
      return true;
    }
    const share = leastPatience + (1 - leastPatience) * this.rng.next();
    this.lines[line].set(connection, now + this.limits.patience * share);
    return false;
  }

  /** A connection is in, or gone. @returns those whose turn it is now */
  leave(connection: number): readonly number[] {
    for (const line of ['resume', 'identify'] as const) {
      if (this.inside[line].delete(connection)) return this.next();
      // The last one who waits to resume may have held up those who identify.
      if (this.lines[line].delete(connection)) return this.next();
    }
    return nobody;
  }

  /** Takes those out of the lines who have waited as long as they can. */
  turnAway(now: number): { readonly away: readonly number[]; readonly next: readonly number[] } {
    const away: number[] = [];
    for (const line of Object.values(this.lines)) {
      for (const [connection, until] of line) {
        if (until > now) continue;
        line.delete(connection);
        away.push(connection);
      }
    }
    return { away, next: away.length === 0 ? nobody : this.next() };
  }

  private next(): readonly number[] {
    let admitted: number[] | undefined;
    for (const line of ['resume', 'identify'] as const) {
      for (const connection of this.lines[line].keys()) {
        if (!this.hasRoom(line)) break;
        this.lines[line].delete(connection);
        this.inside[line].add(connection);
        (admitted ??= []).push(connection);
      }
    }
    return admitted ?? nobody;
  }

  private hasRoom(line: Line): boolean {
    if (line === 'identify' && this.lines.resume.size > 0) return false;
    return this.inside[line].size < this.limits.atOnce;
  }
}

const nobody: readonly number[] = [];
