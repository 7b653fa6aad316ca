import type { Rng, Snowflake } from '@derailed/shared/kernel';
import type { GuildSnapshot } from '@derailed/shared/protocol';
import type { StateChange } from './change';
import { type Handover, isHandover } from './handover';
import type { GuildLimits } from './limits';
import type { Moment } from './messages';

/** However many events come, the database is read at the latest after this many times reconcileAfter. */
const patience = 6;

/** How far (ms) the database's clock may be behind, and how long a transaction may have taken that a read did not see. */
const clockSlack = 60_000;

export function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/**
 * When a loaded guild is read again, and what came meanwhile. A read sees the database at one moment; changes that were
 * published since it began may be newer, and are folded in once more on top of it.
 */
export class Reconciliation {
  private soon: { readonly first: number; at: number } | undefined;
  private regular: number | undefined;
  private reading:
    { readonly read: number; readonly wall: number; readonly changes: StateChange[] } | undefined;
  /** Whose members the last read was asked for. */
  asked: ReadonlySet<Snowflake> = new Set();
  private lastRead = 0;
  /** Wall ms: when the reads began whose answers came. */
  private readAt = 0;
  private failures = 0;

  constructor(
    private readonly limits: Pick<GuildLimits, 'reconcileAfter' | 'reconcileEvery'>,
    private readonly rng: Pick<Rng, 'next'>,
  ) {}

  /**
   * The guild was read, or is as an owner before knew it, which may have been about to read it again. Guilds that have moved
   * together do so at different moments.
   */
  begin({ now, wall }: Moment, from: GuildSnapshot | Handover | null): void {
    this.stop();
    this.readAt = isHandover(from) ? from.readAt : wall;
    this.planRegular(now);
    if (isHandover(from) && from.unread)
      this.soon = { first: now, at: now + this.limits.reconcileAfter * (0.5 + this.rng.next()) };
  }

  /** When the last read began, wall ms. */
  get lastReadAt(): number {
    return this.readAt;
  }

  /** Whether more was published than the database has been asked about since. */
  get isOwed(): boolean {
    return this.soon !== undefined || this.reading !== undefined;
  }

  /** Nothing is to be read. */
  stop(): void {
    this.soon = undefined;
    this.regular = undefined;
    this.reading = undefined;
    this.failures = 0;
  }

  /** Something was published that may change who sees what. */
  touched(change: StateChange, now: number): void {
    this.reading?.changes.push(change);
    const first = this.soon?.first ?? now;
    const at = Math.min(now + this.limits.reconcileAfter, first + this.limits.reconcileAfter * patience);
    this.soon = { first, at };
  }

  /** Monotonic ms. */
  nextWake(): number | undefined {
    if (this.reading !== undefined) return undefined;
    return earliest(this.soon?.at, this.regular);
  }

  /** The read that is to begin now, if one is. @param wanted whose members are */
  due(
    { now, wall }: Moment,
    ...wanted: readonly Iterable<Snowflake>[]
  ): { read: number; userIds: readonly Snowflake[]; joinedSince: number } | undefined {
    const wake = this.nextWake();
    if (wake === undefined || wake > now) return undefined;
    this.soon = undefined;
    this.asked = new Set(wanted.flatMap((userIds) => [...userIds]));
    this.reading = { read: ++this.lastRead, wall, changes: [] };
    return { read: this.lastRead, userIds: [...this.asked], joinedSince: this.readAt - clockSlack };
  }

  /** What was published while this read went on; undefined: nobody waits for it any more. */
  finish(read: number, now: number): readonly StateChange[] | undefined {
    if (this.reading?.read !== read) return undefined;
    const { changes, wall } = this.reading;
    this.readAt = wall;
    this.reading = undefined;
    this.failures = 0;
    this.planRegular(now);
    return changes;
  }

  /** Tries again, later each time. */
  failed(read: number, now: number): void {
    if (this.reading?.read !== read) return;
    this.reading = undefined;
    const pause = this.limits.reconcileAfter * 2 ** Math.min(this.failures++, 6);
    this.soon = { first: now, at: now + pause * (0.5 + this.rng.next()) };
  }

  private planRegular(now: number): void {
    const { reconcileEvery } = this.limits;
    this.regular = reconcileEvery === 0 ? undefined : now + reconcileEvery * (0.5 + this.rng.next());
  }
}
