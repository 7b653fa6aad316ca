import type { Snowflake } from '@derailed/shared/kernel';

/** A subscribed session, as its Subscribe described it. */
export interface Subscriber {
  readonly node: string;
  readonly sessionId: string;
  readonly userId: Snowflake;
  readonly intents: number;
}

/** Who is subscribed: sessions, and the sessions of each user. */
export class Subscribers {
  private readonly sessions = new Map<string, Subscriber>();
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

  get(sessionId: string): Subscriber | undefined {
    return this.sessions.get(sessionId);
  }

  add(subscriber: Subscriber): void {
    this.remove(subscriber.sessionId);
    this.sessions.set(subscriber.sessionId, subscriber);
    const ofUser = this.byUser.get(subscriber.userId);
    if (ofUser === undefined) this.byUser.set(subscriber.userId, [subscriber]);
    else ofUser.push(subscriber);
    if ((subscriber.intents & this.presenceIntent) !== 0) this.presenceReaders++;
  }

  remove(sessionId: string): Subscriber | undefined {
    const subscriber = this.sessions.get(sessionId);
    if (subscriber === undefined) return undefined;
    this.sessions.delete(sessionId);
    const ofUser = this.byUser.get(subscriber.userId);
    ofUser?.splice(ofUser.indexOf(subscriber), 1);
    if (ofUser?.length === 0) this.byUser.delete(subscriber.userId);
    if ((subscriber.intents & this.presenceIntent) !== 0) this.presenceReaders--;
    return subscriber;
  }

  has(userId: Snowflake): boolean {
    return this.byUser.has(userId);
  }

  /** Sessions of the user, or of everybody for `*`. */
  of(userId: Snowflake): Subscriber[] {
    return [...(userId === '*' ? this.sessions.values() : (this.byUser.get(userId) ?? []))];
  }

  userIds(): IterableIterator<Snowflake> {
    return this.byUser.keys();
  }

  hosts(node: string, userId: Snowflake): boolean {
    for (const subscriber of this.byUser.get(userId) ?? []) if (subscriber.node === node) return true;
    return false;
  }
}
