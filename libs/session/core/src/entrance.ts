import type { StreamPoint } from '@derailed/audience/core';
import type { JoinWait } from './audience-view';

/** How a session is to enter an audience. */
export interface Entrance {
  readonly wantsSnapshot: boolean;
  /** Whether the client knows of the guild already. */
  readonly announced: boolean;
  /** The channels that the client knows from an owner that is gone. */
  readonly told?: ReadonlySet<string> | undefined;
  readonly join?: JoinWait;
  /** It was subscribed at an owner that is gone. */
  readonly rejoins?: boolean;
  /** How far this node had come there. */
  readonly followed?: StreamPoint | undefined;
  /** One of those of GuildEntries, which is told of the answer. */
  readonly paced?: boolean;
  /** The client was told that the guild is unavailable. */
  readonly outage?: boolean;
}
