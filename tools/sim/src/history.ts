import type { Snowflake } from '@derailed/shared/kernel';
import { type Platform, sees } from './platform';

/** An event as the monolith published it. */
export interface Published {
  readonly id: string;
  readonly target: 'guild' | 'user';
  /** Of the guild, or of the user. */
  readonly key: Snowflake;
  /** Its place among all that is published to this target. */
  readonly place: number;
  readonly name: string;
  readonly data: string;
  /** Empty: the whole guild. */
  readonly channelId: Snowflake | '';
  /** The guild's version that everything published before makes. */
  readonly version: number;
  /** Whether every session that can see it must get it, as it is: the gateway tells of some changes in its own words. */
  readonly isPlain: boolean;
  /** When it went to a tunnel first. */
  sentAt: number | undefined;
  ackedAt: number | undefined;
  /** The guild's version in the database when it was acked. */
  ackedVersion: number;
}

/** A time without a hole in which a client knew a guild: from a GUILD_CREATE to a GUILD_DELETE. */
export interface Stay {
  readonly since: number;
  until: number | undefined;
  /** Places of what was received. */
  readonly places: number[];
}

/** What a client knows of a guild. */
export interface GuildSight {
  isAvailable: boolean;
  readonly stays: Stay[];
  readonly channels: Set<Snowflake>;
  /** User to status; who is not here is offline. */
  readonly presences: Map<Snowflake, string>;
}

/** One session, as its client saw it. */
export interface Life {
  readonly client: string;
  readonly userId: Snowflake;
  readonly sessionId: string;
  readonly readyAt: number;
  seq: number;
  /** Why it is over. */
  end: string | undefined;
  readonly guilds: Map<Snowflake, GuildSight>;
  /** Places of what was published to its user. */
  readonly places: number[];
  /** Of each guild: the version that everything makes which was acked when the session began, or that was seen since. */
  readonly floor: Map<Snowflake, number>;
}

export interface Violation {
  readonly law: string;
  readonly at: number;
  readonly what: string;
}

/** So many versions of a guild between publish and ack are looked at; of more, nothing is said. */
const mostVersions = 6;
const mostViolations = 20;

/** All that was published and received, and the laws that hold for it. */
export class History {
  readonly violations: Violation[] = [];
  readonly lives: Life[] = [];
  private readonly published = new Map<string, Published[]>();
  /** Events that were published. */
  count = 0;

  constructor(
    private readonly platform: Platform,
    private readonly now: () => number,
    private readonly trace: (what: () => string) => void,
  ) {}

  broken(law: string, what: string): void {
    this.trace(() => `VIOLATION ${law}: ${what}`);
    if (this.violations.length < mostViolations) this.violations.push({ law, at: this.now(), what });
  }

  publish(event: Published): void {
    this.count++;
    const key = `${event.target} ${event.key}`;
    const events = this.published.get(key);
    if (events) events.push(event);
    else this.published.set(key, [event]);
  }

  /** How many events were published to the target. */
  places(target: Published['target'], key: Snowflake): number {
    return this.published.get(`${target} ${key}`)?.length ?? 0;
  }

  /** The version that all makes which was acked, with nothing missing before it. */
  settledVersions(): Map<Snowflake, number> {
    return new Map(this.platform.guildIds.map((id) => [id, this.settledVersion(id)]));
  }

  private settledVersion(guildId: Snowflake): number {
    let version = 0;
    for (const event of this.published.get(`guild ${guildId}`) ?? []) {
      if (event.ackedAt === undefined) break;
      ({ version } = event);
    }
    return version;
  }

  /** A session has got the event that is at this place of the guild's. */
  gotFromGuild(life: Life, guildId: Snowflake, place: number): void {
    const event = this.published.get(`guild ${guildId}`)?.[place];
    const sight = life.guilds.get(guildId);
    const who = `${life.client} (session ${life.sessionId})`;
    if (event === undefined) return this.broken('truth', `${who} got an event that was never published`);
    const stay = sight?.stays.at(-1);
    if (stay === undefined || stay.until !== undefined)
      return this.broken('order', `${who} got ${event.id} of a guild that it is not in`);
    const last = sight?.stays.findLast(({ places }) => places.length > 0)?.places.at(-1) ?? -1;
    if (place === last) this.broken('exactly once', `${who} got ${event.id} twice`);
    else if (place < last) this.broken('order', `${who} got ${event.id} after ${guildId}-${last}`);
    stay.places.push(place);
    life.floor.set(guildId, Math.max(life.floor.get(guildId) ?? 0, event.version));
    if (!this.mayHaveSeen(life.userId, event))
      this.broken('privacy', `${who} got ${event.id} (${event.name}) of a channel that it can't view`);
  }

  gotFromUser(life: Life, place: number): void {
    const last = life.places.at(-1) ?? -1;
    const who = `${life.client} (session ${life.sessionId})`;
    if (place === last) this.broken('exactly once', `${who} got ${life.userId}-${place} twice`);
    else if (place < last)
      this.broken('order', `${who} got ${life.userId}-${place} after ${life.userId}-${last}`);
    life.places.push(place);
  }

  /** A client was told of a channel. */
  toldOfChannel(life: Life, guildId: Snowflake, channelId: Snowflake): void {
    // What has no answer yet may come again, at an owner who folds it in anew, however much of it the session has had.
    const open = this.published.get(`guild ${guildId}`)?.find(({ ackedAt }) => ackedAt === undefined);
    const first = Math.min(life.floor.get(guildId) ?? 0, open?.version ?? Infinity);
    if (!this.everSees(guildId, life.userId, channelId, first, this.platform.version(guildId)))
      this.broken('privacy', `${life.client} was told of channel ${channelId}, which it can't view`);
  }

  /** What every living session must have got by now. @param end all is quiet since then */
  checkLosses(): void {
    for (const life of this.lives) {
      for (const [guildId, sight] of life.guilds) {
        const events = this.published.get(`guild ${guildId}`) ?? [];
        for (const stay of sight.stays) this.checkStay(life, stay, events);
      }
      if (life.end !== undefined) continue;
      const got = new Set(life.places);
      for (const event of this.published.get(`user ${life.userId}`) ?? []) {
        const due = event.ackedAt !== undefined && event.sentAt! > life.readyAt;
        if (due && !got.has(event.place)) this.lost(life, event);
      }
    }
  }

  checkAcks(): void {
    for (const events of this.published.values()) {
      const waiting = events.filter(({ ackedAt }) => ackedAt === undefined);
      if (waiting.length > 0)
        this.broken('convergence', `${waiting.length} events from ${waiting[0]!.id} on were never acked`);
    }
  }

  private checkStay(life: Life, stay: Stay, events: readonly Published[]): void {
    const got = new Set(stay.places);
    const first = stay.places[0] ?? Number.POSITIVE_INFINITY;
    const open = stay.until === undefined && life.end === undefined;
    const last = open ? Number.POSITIVE_INFINITY : (stay.places.at(-1) ?? -1);
    for (const event of events) {
      if (!event.isPlain || event.ackedAt === undefined || got.has(event.place)) continue;
      const isWithin = event.place < last && (event.place > first || event.sentAt! > stay.since);
      if (isWithin && this.mustHaveSeen(life.userId, event)) this.lost(life, event);
    }
  }

  private lost(life: Life, event: Published): void {
    this.broken(
      'no loss',
      `${life.client} (session ${life.sessionId}) never got ${event.id}, acked at ${event.ackedAt?.toFixed(1)}`,
    );
  }

  private mayHaveSeen(userId: Snowflake, event: Published): boolean {
    const last = event.ackedAt === undefined ? this.platform.version(event.key) : event.ackedVersion;
    return this.everSees(event.key, userId, event.channelId, event.version, last);
  }

  /**
   * Whether the user sees the channel in some mixture of these versions: a snapshot may be ahead of events that still
   * come, each of which then sets one thing back to what it was at that event.
   */
  private everSees(
    guildId: Snowflake,
    userId: Snowflake,
    channelId: Snowflake | '',
    first: number,
    last: number,
  ): boolean {
    if (last - first >= mostVersions) return true;
    return this.mixtures(guildId, userId, channelId, first, last).includes(true);
  }

  private mustHaveSeen(userId: Snowflake, event: Published): boolean {
    if (event.ackedVersion - event.version >= mostVersions) return false;
    const { key, channelId, version, ackedVersion } = event;
    return !this.mixtures(key, userId, channelId, version, ackedVersion).includes(false);
  }

  private mixtures(
    guildId: Snowflake,
    userId: Snowflake,
    channelId: Snowflake | '',
    first: number,
    last: number,
  ): boolean[] {
    const rows = Array.from({ length: last - first + 1 }, (_, at) => this.platform.at(guildId, first + at));
    return rows.flatMap((members) =>
      rows.flatMap((channels) => rows.map((roles) => sees(members, channels, roles, userId, channelId))),
    );
  }
}
