import { SparseMap } from '@derailed/shared/kernel';
import type { Agenda } from './agenda';

/** How often clients may identify. Times in milliseconds. */
export interface IdentifyLimits {
  /** Between two Identifies of a bot with the same key, `shard_id % concurrency`. 0: no turns are taken. */
  readonly interval: number;
  /** max_concurrency: how many keys there are. */
  readonly concurrency: number;
  /** Identifies of a bot over all its shards. */
  readonly perDay: number;
  /** Sessions of one user that live at once, detached ones included. */
  readonly sessions: number;
}

export interface IdentifyBudget {
  readonly total: number;
  readonly remaining: number;
  readonly resetAfterMs: number;
  readonly maxConcurrency: number;
}

interface Account {
  readonly dayEndsAt: number;
  used: number;
  /** By key: when the next Identify may come. */
  readonly freeAt: SparseMap<number, number>;
}

const day = 86_400_000;
/** How long a client waits that has used up a limit which no short wait gives back. */
export const exhaustedPause = 5_000;

/**
 * Identifies of bots, each counted once for the whole cluster by the owner of its user. A day begins with the first
 * Identify. People are not counted: they may open several clients at once, and only their sessions are bounded.
 */
export class IdentifyLedger {
  private readonly accounts = new Map<string, Account>();

  constructor(
    private readonly limits: IdentifyLimits,
    private readonly agenda: Pick<Agenda, 'add'>,
  ) {}

  /** Counts an Identify. @returns 0, or the whole milliseconds after which its client is told that it was refused */
  take(userId: string, shardId: number, now: number): number {
    const { interval, concurrency, perDay } = this.limits;
    const account = this.accounts.get(userId) ?? this.open(userId, now);
    const key = shardId % concurrency;
    const wait = (account.freeAt.get(key) ?? now) - now;
    if (wait > 0) return Math.ceil(wait);
    if (account.used >= perDay) return exhaustedPause;
    account.used++;
    if (interval > 0) account.freeAt.set(key, now + interval);
    return 0;
  }

  budget(userId: string, now: number): IdentifyBudget {
    const { concurrency, perDay } = this.limits;
    const account = this.accounts.get(userId);
    return {
      total: perDay,
      remaining: perDay - (account?.used ?? 0),
      resetAfterMs: account === undefined ? 0 : Math.max(0, Math.ceil(account.dayEndsAt - now)),
      maxConcurrency: concurrency,
    };
  }

  private open(userId: string, now: number): Account {
    const account: Account = { dayEndsAt: now + day, used: 0, freeAt: new SparseMap() };
    this.accounts.set(userId, account);
    this.agenda.add(account.dayEndsAt, () => this.accounts.delete(userId));
    return account;
  }
}
