import { Kind } from '@derailed/audience/core';
import type { Dispatches } from './dispatches';
import type { Session } from './session';
import type { Views } from './views';

/**
 * Which sessions hold back volatile events: those without a client, those that replay, and those whose socket does not
 * drain. What they missed of presences they are sent when they are quiet no more.
 */
export class QuietSessions {
  constructor(
    private readonly views: Views,
    private readonly dispatches: Dispatches,
  ) {}

  /** A ws-gateway says how the session's socket does. */
  pressure(session: Session, pressed: boolean): void {
    session.pressed = pressed;
    this.update(session);
  }

  /** The session's state, or what holds it up, may have changed. */
  update(session: Session): void {
    const quiet = session.state !== 'live' || session.pressed;
    if (quiet === session.quiet || session.state === 'starting' || session.state === 'ended') return;
    session.quiet = quiet;
    for (const guildId of session.guilds) this.views.get(Kind.guild, guildId)?.table.quietChanged(session);
    this.views.get(Kind.user, session.userId)?.table.quietChanged(session);
    if (!quiet) this.catchUp(session);
  }

  private catchUp(session: Session): void {
    const { missed } = session;
    session.missed = undefined;
    for (const presence of missed?.all() ?? []) this.dispatches.one(session, presence);
  }
}
