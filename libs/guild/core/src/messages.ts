import type { AudienceEvent, Event, StreamPoint } from '@derailed/audience/core';
import type { CallError, Snowflake } from '@derailed/shared/kernel';
import type { GuildSnapshot, Member } from '@derailed/shared/protocol';

/**
 * What a guild hears and says, field by field as in proto/derailed/link/v1/messages.proto (bytes are Uint8Array
 * here), so that nothing has to be mapped on its way.
 */
export interface Subscribe {
  readonly audienceId: Snowflake;
  readonly sessionId: string;
  readonly userId: Snowflake;
  readonly intents: number;
  readonly largeThreshold: number;
  readonly wantsSnapshot: boolean;
  /** How the session sees itself, invisible or not. */
  readonly presence: SessionPresence | undefined;
  /** It was subscribed at an owner that is gone: nothing is published before it is in. */
  readonly rejoins: boolean;
  /** How far its node has come at this owner, or at the one before; undefined: it follows none. */
  readonly followed: StreamPoint | undefined;
  /** Under which number its node keeps what it is told of the guild; 0: it does not say. */
  readonly view: number;
}

/** What a client said of itself. */
export interface SessionPresence {
  readonly status: string;
  /** JSON array text. */
  readonly activities: string;
  readonly client: string;
}

export interface Publish {
  readonly event: Event;
  readonly channelId: Snowflake;
  /** Not empty: the publisher itself says which permissions (decimal bits, one is enough) the event asks for. */
  readonly permissions?: string;
}

export interface PresenceChanged {
  readonly userId: Snowflake;
  readonly status: string;
  /** JSON array text. */
  readonly activities: string;
  /** JSON object text. */
  readonly clientStatus: string;
}

export interface Subscribed {
  kind: number;
  audienceId: Snowflake;
  index: number;
  sessionId: string;
  classId: number;
  snapshot: Event | undefined;
  sameData: boolean;
  term: number;
  shownUserIds: Snowflake[];
  view: number;
}

export interface SubscribeRefused {
  kind: number;
  audienceId: Snowflake;
  sessionId: string;
  unavailable: boolean;
  /** Only users make clients wait. */
  delayMs: 0;
  view: number;
}

export interface ClassTable {
  guildId: Snowflake;
  classId: number;
  channelIds: Snowflake[];
  permissions: string;
  managedChannelIds: Snowflake[];
}

export interface Reclassed {
  guildId: Snowflake;
  userId: Snowflake;
  classId: number;
}

/** One message of the guild's stream to a session-node. */
export type StreamMessage =
  | { readonly $case: 'audienceEvent'; readonly value: AudienceEvent }
  | { readonly $case: 'subscribed'; readonly value: Subscribed }
  | { readonly $case: 'subscribeRefused'; readonly value: SubscribeRefused }
  | { readonly $case: 'classTable'; readonly value: ClassTable }
  | { readonly $case: 'reclassed'; readonly value: Reclassed }
  | { readonly $case: 'audienceLost'; readonly value: { kind: number; audienceId: Snowflake } };

/** A message for some session-nodes. What is refused for one comes back by Guild.undelivered(). */
export interface Send {
  readonly kind: 'send';
  readonly nodes: readonly string[];
  readonly message: StreamMessage;
  /** Index of the first event that comes with or after this message. */
  readonly at: number;
  /** What the message answers, so that it can be answered anew. */
  readonly answers?: Subscribe;
}

/** What the shell does for the core, in order. */
export type Effect =
  /**
   * Mesh data lane, one flow per guild. Once the mesh refuses one for a node, that node gets none of the rest, and
   * all that it did not get goes to undelivered().
   */
  | Send
  | {
      readonly kind: 'answer';
      readonly call: number;
      readonly answer: { readonly sessions: number } | CallError;
    }
  /**
   * Read the snapshot; then loaded() or loadFailed().
   * @param before the stream of the owner before, which may hand over what it knows
   */
  | { readonly kind: 'load'; readonly load: number; readonly before: StreamPoint | undefined }
  /**
   * Read the snapshot, these members, and of a guild whose snapshot leaves members out who has joined since that wall time
   * (ms), as one moment saw them; then reread() or rereadFailed().
   */
  | {
      readonly kind: 'reread';
      readonly read: number;
      readonly userIds: readonly Snowflake[];
      readonly joinedSince: number;
    }
  /** The session-node is behind until it has the event of this index; once others know: known(). */
  | { readonly kind: 'behind'; readonly node: string; readonly needs: number }
  /** The database has this member, of whom no event told: its living sessions are to subscribe. */
  | { readonly kind: 'joined'; readonly userId: Snowflake }
  /** Read these members; then membersLoaded() or membersFailed(). */
  | { readonly kind: 'loadMembers'; readonly load: number; readonly userIds: readonly Snowflake[] }
  /** Nothing is left that anybody needs: forget this guild. */
  | { readonly kind: 'unload' };

/** Text as UTF-8. The shell brings the kind of array that its links like best. */
export type Encode = (text: string) => Uint8Array;

/** What one moment saw of the database. */
export interface Reread {
  /** null: there is no such guild any more. */
  readonly snapshot: GuildSnapshot | null;
  /** Those of the asked users who are members, if the snapshot leaves members out. */
  readonly members: readonly Member[];
  /** Users who have joined lately, if the snapshot leaves members out. */
  readonly joined: readonly Snowflake[];
}

/** Now, on both clocks. */
export interface Moment {
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Milliseconds since the Unix epoch, for timeouts of members. */
  readonly wall: number;
}

/**
 * dormant: nothing is known of the guild, and nobody is subscribed. loading: the snapshot is read, all else waits
 * behind it. ready. unavailable: the last read failed.
 */
export type Phase = 'dormant' | 'loading' | 'ready' | 'unavailable';
