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

/** What is counted of a user, field by field derailed.link.v1.IdentifyCount. Times in milliseconds from now on. */
export interface IdentifyCount {
  userId: string;
  used: number;
  /** Until the day is over. */
  dayMs: number;
  /** Keys whose turn is still to come. */
  turns: { key: number; waitMs: number }[];
}

interface Account {
  dayEndsAt: number;
  /** Counted by owners of the user before, as far as this node knows. */
  inherited: number;
  /** Counted here since. */
  own: number;
  /** By key: when the next Identify may come. */
  readonly freeAt: SparseMap<number, number>;
}

const day = 86_400_000;
/** How long a client waits that has used up a limit which no short wait gives back. */
export const exhaustedPause = 5_000;

/**
 * Identifies of bots, each counted once for the whole cluster by the owner of its user. A day begins with the first
 * Identify. People are not counted: they may open several clients at once, and only their sessions are bounded. A node keeps
 * what it knows when the user goes to another owner, and says it to whoever that is: said twice it counts once.
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
    const account = this.accounts.get(userId) ?? this.open(userId, now + day);
    const key = shardId % concurrency;
    const wait = (account.freeAt.get(key) ?? now) - now;
    if (wait > 0) return Math.ceil(wait);
    if (account.inherited + account.own >= perDay) return exhaustedPause;
    account.own++;
    if (interval > 0) account.freeAt.set(key, now + interval);
    return 0;
  }

  budget(userId: string, now: number): IdentifyBudget {
    const { concurrency, perDay } = this.limits;
    const account = this.accounts.get(userId);
    const used = account === undefined ? 0 : account.inherited + account.own;
    return {
      total: perDay,
      remaining: Math.max(0, perDay - used),
      resetAfterMs: account === undefined ? 0 : Math.max(0, Math.ceil(account.dayEndsAt - now)),
      maxConcurrency: concurrency,
    };
  }

  /** Whose Identifies this node has counted, or heard of. */
  userIds(): IterableIterator<string> {
    return this.accounts.keys();
  }

  /** What another node that owns the user is to know. From here on this node counts no more. */
  handOver(userId: string, now: number): IdentifyCount | undefined {
    const account = this.accounts.get(userId);
    if (account === undefined) return undefined;
    account.inherited += account.own;
    account.own = 0;
    const turns = [...account.freeAt.entries()].flatMap(([key, at]) =>
      at > now ? { key, waitMs: Math.ceil(at - now) } : [],
    );
    const dayMs = Math.max(0, Math.ceil(account.dayEndsAt - now));
    return { userId, used: account.inherited, dayMs, turns };
  }

  /** What an owner before has counted. */
  inherit({ userId, used, dayMs, turns }: Readonly<IdentifyCount>, now: number): void {
    const { interval, concurrency } = this.limits;
    if (dayMs <= 0) return;
    const dayEndsAt = now + Math.min(dayMs, day);
    const account = this.accounts.get(userId) ?? this.open(userId, dayEndsAt);
    account.inherited = Math.max(account.inherited, used);
    if (dayEndsAt < account.dayEndsAt) this.endAt(userId, account, dayEndsAt);
    for (const { key, waitMs } of turns) {
      if (key >= concurrency) continue;
      const freeAt = now + Math.min(waitMs, interval);
      account.freeAt.set(key, Math.max(account.freeAt.get(key) ?? 0, freeAt));
    }
  }

  private open(userId: string, dayEndsAt: number): Account {
    const account: Account = { dayEndsAt, inherited: 0, own: 0, freeAt: new SparseMap() };
    this.accounts.set(userId, account);
    this.endAt(userId, account, dayEndsAt);
    return account;
  }

  private endAt(userId: string, account: Account, at: number): void {
    account.dayEndsAt = at;
    this.agenda.add(at, () => {
      if (this.accounts.get(userId) === account && account.dayEndsAt === at) this.accounts.delete(userId);
    });
  }
}
