import type { Snowflake } from '@derailed/shared/kernel';

/** A subscribed session, as its Subscribe described it. */
export interface Subscriber {
  readonly node: string;
  readonly sessionId: string;
  readonly userId: Snowflake;
  readonly intents: number;
}

/**
 * Who is subscribed: sessions, and the sessions of each user. A session that moves from one session-node to another is
 * subscribed at both for a while: each counts, and each is told of what concerns its user.
 */
export class Subscribers {
  private readonly sessions = new Map<string, Subscriber>();
  /** Of sessions that move: at the other nodes than the one in `sessions`. */
  private readonly doubles = new Map<string, readonly Subscriber[]>();
  /** Most users have one session. */
  private readonly byUser = new Map<Snowflake, Subscriber[]>();
  private presenceReaders = 0;

  /** @param presenceIntent the bit of the sessions that are told of presences */
  constructor(private readonly presenceIntent: number) {}

  get size(): number {
    return this.sessions.size;
  }

  /** Whether any session is told of presences. */
  get wantPresences(): boolean {
    return this.presenceReaders > 0;
  }

  get(node: string, sessionId: string): Subscriber | undefined {
    const subscriber = this.sessions.get(sessionId);
    if (subscriber?.node === node) return subscriber;
    return this.doubles.get(sessionId)?.find((double) => double.node === node);
  }

  add(subscriber: Subscriber): void {
    const { node, sessionId, userId, intents } = subscriber;
    this.remove(node, sessionId);
    const other = this.sessions.get(sessionId);
    if (other !== undefined) this.doubles.set(sessionId, [...(this.doubles.get(sessionId) ?? []), other]);
    this.sessions.set(sessionId, subscriber);
    const ofUser = this.byUser.get(userId);
    if (ofUser === undefined) this.byUser.set(userId, [subscriber]);
    else ofUser.push(subscriber);
    if ((intents & this.presenceIntent) !== 0) this.presenceReaders++;
  }

  remove(node: string, sessionId: string): Subscriber | undefined {
    const subscriber = this.get(node, sessionId);
    if (subscriber === undefined) return undefined;
    const others = (this.doubles.get(sessionId) ?? []).filter((double) => double !== subscriber);
    if (this.sessions.get(sessionId) === subscriber) {
      const next = others.pop();
      if (next === undefined) this.sessions.delete(sessionId);
      else this.sessions.set(sessionId, next);
    }
    if (others.length === 0) this.doubles.delete(sessionId);
    else this.doubles.set(sessionId, others);
    const ofUser = this.byUser.get(subscriber.userId);
    ofUser?.splice(ofUser.indexOf(subscriber), 1);
    if (ofUser?.length === 0) this.byUser.delete(subscriber.userId);
    if ((subscriber.intents & this.presenceIntent) !== 0) this.presenceReaders--;
    return subscriber;
  }

  has(userId: Snowflake): boolean {
    return this.byUser.has(userId);
  }

  /** Sessions of the user, or of everybody for `*`; one that moves is named for each of its nodes. */
  of(userId: Snowflake): Subscriber[] {
    if (userId !== '*') return [...(this.byUser.get(userId) ?? [])];
    return [...this.sessions.values(), ...[...this.doubles.values()].flat()];
  }

  userIds(): IterableIterator<Snowflake> {
    return this.byUser.keys();
  }

  hosts(node: string, userId: Snowflake): boolean {
    for (const subscriber of this.byUser.get(userId) ?? []) if (subscriber.node === node) return true;
    return false;
  }
}
