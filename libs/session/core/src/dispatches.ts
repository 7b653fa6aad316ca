import type { Event } from '@derailed/audience/core';
import { Intent, guildDeleteJson } from '@derailed/shared/protocol';
import type { Kit } from './kit';
import { type Held, hold } from './replay-buffer';
import type { Session } from './session';

/** Dispatches to one session alone. */
export class Dispatches {
  constructor(private readonly kit: Pick<Kit, 'outlets' | 'encode' | 'counts'>) {}

  /** An event that the gateway makes itself; it has no id. */
  event(name: string, json: string): Event {
    return { id: '', name, data: this.kit.encode(json), own: empty, volatile: false };
  }

  one(session: Session, dispatch: Held, wantsDrain = false): void {
    session.take(dispatch);
    this.kit.counts.dispatches++;
    this.kit.outlets.flush(dispatch.event, wantsDrain);
  }

  make(session: Session, name: string, json: string, wantsDrain = false): void {
    this.one(session, hold(this.event(name, json)), wantsDrain);
  }

  /**
   * The client is out of the guild, or, with `unavailable`, can't have it now.
   * @param flow the stream that says so, and its index there
   */
  guildDelete(session: Session, guildId: string, unavailable: boolean, flow = '', index = 0): void {
    if (!session.has(Intent.GUILDS)) return;
    const event = this.event('GUILD_DELETE', guildDeleteJson(guildId, unavailable));
    this.one(session, hold(event, false, flow, index));
  }
}

const empty = new Uint8Array(0);
