import type { AudienceView, JoinWait } from './audience-view';
import type { Session } from './session';

/** What became of a Subscribe. */
export interface SubscriptionListener {
  entered(view: AudienceView, session: Session): void;
  /** The owner says no: no member, no such guild, or, after delayMs, a limit of Identify. */
  rejected(view: AudienceView, session: Session, delayMs: number, now: number): void;
  /** Every session that a join waited for has its answer. */
  joinSettled(join: JoinWait, now: number): void;
  /** A paced entrance has its answer, or none can be had now. */
  answered(session: Session, now: number): void;
  /** A GUILD_CREATE of so many bytes is about to be sent. @returns whether to ask for the socket's drain */
  weighs(session: Session, bytes: number): boolean;
  /** The owner has published what never came here. */
  missing(view: AudienceView): void;
  /** A session that is on its way here can't be subscribed as it was there. */
  stuck(session: Session, now: number): void;
}
