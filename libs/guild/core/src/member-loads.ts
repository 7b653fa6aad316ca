import type { Snowflake } from '@derailed/shared/kernel';
import type { Member } from '@derailed/shared/protocol';
import type { Change } from './change';
import type { Subscribe } from './messages';

/** A Subscribe and who sent it. */
export interface Request {
  readonly node: string;
  readonly subscribe: Subscribe;
  /** Reads of members that it has waited for. */
  readonly reads: number;
}

export type MemberChange = Extract<Change, { kind: 'member' | 'memberGone' }>;

/** What waited for a member to be read. */
export interface Awaited {
  readonly requests: readonly Request[];
  /** As it was read; undefined: the user is none. */
  readonly member: Member | undefined;
  /**
   * Changes published meanwhile, in order, since the member last left; the read may have seen some of them or none.
   * Undefined: it left, and did not come back.
   */
  readonly since: readonly MemberChange[] | undefined;
}

function sinceLeft(changes: readonly MemberChange[]): readonly MemberChange[] | undefined {
  const left = changes.findLastIndex(({ kind }) => kind === 'memberGone');
  const since = changes.slice(left + 1);
  const isBack = since.some((change) => change.kind === 'member' && change.isNew);
  return left >= 0 && !isBack ? undefined : since;
}

/** That a session waits for at most: during each somebody else may come into sight. */
const mostReads = 3;

interface Waiting {
  readonly requests: Request[];
  readonly changes: MemberChange[];
}

/**
 * Subscribes that wait until their user's member is read, and those of others whom they are to be shown. One read at a time; it
 * takes all who wait, up to a limit.
 */
export class MemberLoads {
  private readonly waiting = new Map<Snowflake, Waiting>();
  /** Of those that wait, whom nobody has subscribed for. */
  private readonly wanted = new Set<Snowflake>();
  private reading = new Set<Snowflake>();

  /**
   * @param batch how many members one read takes
   * @param limit how many users may wait whose sessions subscribe
   */
  constructor(
    private readonly batch: number,
    private readonly limit: number,
  ) {}

  get size(): number {
    return this.waiting.size;
  }

  /** Whether somebody waits who was subscribed at an owner that is gone. */
  get rejoining(): boolean {
    for (const { requests } of this.waiting.values())
      for (const { subscribe } of requests) if (subscribe.rejoins) return true;
    return false;
  }

  /** Waits for one more read. False: too many wait already. */
  add({ node, subscribe, reads }: Request): boolean {
    const request = { node, subscribe, reads: reads + 1 };
    const { userId } = subscribe;
    const waiting = this.waiting.get(userId);
    if (waiting !== undefined) waiting.requests.push(request);
    else if (this.waiting.size - this.wanted.size < this.limit)
      this.waiting.set(userId, { requests: [request], changes: [] });
    else return false;
    this.wanted.delete(userId);
    return true;
  }

  /**
   * Has members read whom the session is to be shown, before who is added from now on.
   * @param unknown who they are
   * @returns whether the session has to wait for that
   */
  want({ subscribe, reads }: Request, unknown: () => readonly Snowflake[]): boolean {
    if (!subscribe.wantsSnapshot || reads >= mostReads) return false;
    const userIds = unknown();
    for (const userId of userIds) {
      if (this.waiting.has(userId)) continue;
      this.waiting.set(userId, { requests: [], changes: [] });
      this.wanted.add(userId);
    }
    return userIds.length > 0;
  }

  /** Keeps the change for after the read if its user is being read. */
  hold(change: MemberChange): void {
    if (this.reading.has(change.userId)) this.waiting.get(change.userId)?.changes.push(change);
  }

  /** The session waits no more. */
  cancel(node: string, sessionId: string): void {
    for (const { requests } of this.waiting.values()) {
      const at = requests.findIndex(
        (request) => request.node === node && request.subscribe.sessionId === sessionId,
      );
      if (at >= 0) requests.splice(at, 1);
    }
  }

  cancelNode(node: string): void {
    for (const { requests } of this.waiting.values()) {
      for (let at = requests.length - 1; at >= 0; at--)
        if (requests[at]?.node === node) requests.splice(at, 1);
    }
  }

  /** Whom to read now; undefined while a read is under way, or when nobody waits. */
  next(): readonly Snowflake[] | undefined {
    if (this.reading.size > 0 || this.waiting.size === 0) return undefined;
    for (const userId of this.waiting.keys()) {
      if (this.reading.size === this.batch) break;
      this.reading.add(userId);
    }
    return [...this.reading];
  }

  /** The read is over; what waited for it, by user. @param members that it found */
  finish(members: readonly Member[]): ReadonlyMap<Snowflake, Awaited> {
    const found = new Map(members.map((member) => [member.user.id, member]));
    const awaited = new Map<Snowflake, Awaited>();
    for (const userId of this.reading) {
      const waiting = this.waiting.get(userId);
      if (waiting !== undefined) {
        const { requests, changes } = waiting;
        awaited.set(userId, { requests, member: found.get(userId), since: sinceLeft(changes) });
      }
      this.waiting.delete(userId);
      this.wanted.delete(userId);
    }
    this.reading = new Set();
    return awaited;
  }

  /** Gives everything up. */
  clear(): Request[] {
    const requests = [...this.waiting.values()].flatMap((waiting) => waiting.requests);
    this.waiting.clear();
    this.wanted.clear();
    this.reading = new Set();
    return requests;
  }
}
