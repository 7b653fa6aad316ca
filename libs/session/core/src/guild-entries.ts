import { Kind } from '@derailed/audience/core';
import { Intent } from '@derailed/shared/protocol';
import type { Entrance } from './entrance';
import { partBytes } from './replay';
import type { Session } from './session';
import type { Subscriptions } from './subscriptions';

/** How far a session has come with the guilds that READY named. */
export interface GuildEntry {
  readonly queue: string[];
  /** Those that its client was told are unavailable. */
  readonly outages: ReadonlySet<string>;
  /** Asked for and not answered. */
  abreast: number;
  /** Of GUILD_CREATEs, since the socket drained last. */
  bytes: number;
  /** The socket has to drain before the next guilds are asked for. */
  draining: boolean;
  /** The queue is being worked on: an answer that comes at once must not begin that again. */
  busy: boolean;
}

const mostAbreast = 16;

/**
 * Lets a session into its guilds a few at a time, and no faster than its socket drains: the first GUILD_CREATEs of a
 * user with many big guilds are more than may wait in a socket.
 */
export class GuildEntries {
  constructor(private readonly subscriptions: Subscriptions) {}

  /**
   * @param guildIds that the client knows of; all of them are in session.guilds from here on, so that leaving one counts
   * @param outages those of them that it was told are unavailable
   */
  begin(
    session: Session,
    guildIds: readonly string[],
    now: number,
    outages: ReadonlySet<string> = none,
  ): void {
    if (guildIds.length === 0) return;
    for (const guildId of guildIds) session.guilds.add(guildId);
    const queue = [...guildIds].reverse();
    session.entry = { queue, outages, abreast: 0, bytes: 0, draining: false, busy: false };
    this.proceed(session, now);
  }

  /** One of the guilds that were asked for has answered, or can't be had now. */
  answered(session: Session, now: number): void {
    if (session.entry === undefined) return;
    session.entry.abreast--;
    this.proceed(session, now);
  }

  /** A GUILD_CREATE is about to be sent. @returns whether its ws-gateway is to say when the socket has drained */
  weighs({ entry }: Session, bytes: number): boolean {
    if (entry === undefined) return bytes > partBytes;
    entry.bytes += bytes;
    entry.draining ||= entry.bytes > partBytes;
    return entry.draining;
  }

  /** The socket has drained what it was sent, or it is another one. */
  drained(session: Session, now: number): void {
    if (session.entry === undefined) return;
    session.entry.bytes = 0;
    session.entry.draining = false;
    this.proceed(session, now);
  }

  private proceed(session: Session, now: number): void {
    const { entry } = session;
    if (entry === undefined || entry.busy || session.state !== 'live') return;
    entry.busy = true;
    while (entry.abreast < mostAbreast && !entry.draining) {
      const guildId = entry.queue.pop();
      if (guildId === undefined) break;
      // It may have been left meanwhile.
      if (!session.guilds.has(guildId)) continue;
      entry.abreast++;
      const outage = entry.outages.has(guildId);
      if (!this.subscriptions.enter(session, Kind.guild, guildId, entrance(session, outage), now))
        entry.abreast--;
    }
    entry.busy = false;
    if (entry.queue.length === 0 && entry.abreast === 0) session.entry = undefined;
  }
}

const none: ReadonlySet<string> = new Set();

function entrance(session: Session, outage: boolean): Entrance {
  return { wantsSnapshot: session.has(Intent.GUILDS), announced: true, paced: true, outage };
}
