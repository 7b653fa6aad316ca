import type { WireIdentifyCounts } from './identify-counts';
import type { AudienceEvent, Event, StreamPoint } from '@derailed/audience/core';
import type { IdentifyBudget } from './identify-ledger';
import type { ConnectionMoving, ConnectionReleased, MoveMessage } from './move-messages';

/**
 * What a session-node hears and says, field by field as in proto/derailed/link/v1/messages.proto (bytes are
 * Uint8Array here), so that nothing has to be mapped on its way.
 */

/** A node and which of its starts. */
export interface NodeRef {
  readonly id: string;
  readonly incarnation: string;
}

/** What others may see of a session. */
export interface Presence {
  readonly status: string;
  /** JSON array text. */
  readonly activities: string;
  readonly client: string;
}

export interface Identify {
  readonly connection: number;
  readonly userId: string;
  readonly bot: boolean;
  readonly intents: number;
  readonly intentsAbsent: boolean;
  readonly sharded: boolean;
  readonly shardId: number;
  readonly shardCount: number;
  readonly largeThreshold: number;
  readonly presence: Presence | undefined;
  readonly version: number;
  readonly resumeGatewayUrl: string;
  readonly client: string;
}

export interface Resume {
  readonly connection: number;
  readonly userId: string;
  readonly sessionId: string;
  readonly seq: number;
}

export interface SetPresence {
  readonly sessionId: string;
  readonly epoch: number;
  readonly presence: Presence | undefined;
}

export interface RequestMembers {
  readonly sessionId: string;
  readonly epoch: number;
  readonly guildId: string;
  readonly hasQuery: boolean;
  readonly query: string;
  readonly limit: number;
  readonly userIds: string[];
  readonly presences: boolean;
  readonly nonce: string;
}

export interface ConnectionEnded {
  readonly sessionId: string;
  readonly epoch: number;
  readonly endSession: boolean;
}

export interface Drained {
  readonly sessionId: string;
  readonly epoch: number;
}

export interface SocketPressure {
  readonly sessionId: string;
  readonly epoch: number;
  readonly pressed: boolean;
}

export interface Subscribed {
  readonly kind: number;
  readonly audienceId: string;
  readonly index: number;
  readonly sessionId: string;
  readonly classId: number;
  readonly snapshot: Event | undefined;
  readonly sameData: boolean;
  /** Which of the times that its owner has begun with the audience. */
  readonly term: number;
  /** Whom the owner of a guild takes for not offline, if this node does not know it yet. */
  readonly shownUserIds: readonly string[];
  /** The number under which it was asked; 0: its owner does not say. */
  readonly view: number;
}

export interface SubscribeRefused {
  readonly kind: number;
  readonly audienceId: string;
  readonly sessionId: string;
  readonly unavailable: boolean;
  readonly delayMs: number;
  /** As in Subscribed. */
  readonly view: number;
}

export interface ClassTable {
  readonly guildId: string;
  readonly classId: number;
  readonly channelIds: readonly string[];
  readonly permissions: string;
  readonly managedChannelIds: readonly string[];
}

export interface Reclassed {
  readonly guildId: string;
  readonly userId: string;
  readonly classId: number;
}

export interface AudienceLost {
  readonly kind: number;
  readonly audienceId: string;
}

export interface Subscribe {
  kind: number;
  audienceId: string;
  sessionId: string;
  userId: string;
  intents: number;
  largeThreshold: number;
  wantsSnapshot: boolean;
  presence: Presence | undefined;
  identifying: { bot: boolean; shardId: number } | undefined;
  generation: number;
  rejoins: boolean;
  followed: StreamPoint | undefined;
  view: number;
}

/** Of audienceHeld and audienceReset. */
export interface AudienceTerm {
  kind: number;
  audienceId: string;
  term: number;
}

export interface Unsubscribe {
  kind: number;
  audienceId: string;
  sessionIds: string[];
}

export interface AudienceAck {
  kind: number;
  audienceId: string;
  index: number;
  sessions: number;
}

export interface AudienceSync {
  kind: number;
  audienceId: string;
  index: number;
  term: number;
}

export interface Publish {
  readonly kind: number;
  readonly audienceIds: readonly string[];
  readonly event: Event | undefined;
  readonly channelId: string;
}

export interface Tagged<C extends string, V> {
  readonly $case: C;
  readonly value: V;
}

/** What peers say to a session-node, calls aside. */
export type Inbound =
  | Tagged<'identify', Identify>
  | Tagged<'resume', Resume>
  | Tagged<'setPresence', SetPresence>
  | Tagged<'requestMembers', RequestMembers>
  | Tagged<'connectionEnded', ConnectionEnded>
  | Tagged<'drained', Drained>
  | Tagged<'socketPressure', SocketPressure>
  | Tagged<'audienceEvent', Readonly<AudienceEvent>>
  | Tagged<'subscribed', Subscribed>
  | Tagged<'subscribeRefused', SubscribeRefused>
  | Tagged<'classTable', ClassTable>
  | Tagged<'reclassed', Reclassed>
  | Tagged<'audienceLost', AudienceLost>
  | Tagged<'audienceReset', Readonly<AudienceTerm>>
  | Tagged<'audienceHeld', Readonly<AudienceTerm>>
  | Tagged<'subscribe', Readonly<Subscribe>>
  | Tagged<
      'unsubscribe',
      { readonly kind: number; readonly audienceId: string; readonly sessionIds: readonly string[] }
    >
  | Tagged<'audienceAck', Readonly<AudienceAck>>
  | Tagged<'audienceSync', Readonly<AudienceSync>>
  | Tagged<'connectionReleased', ConnectionReleased>
  | Tagged<'identifyCounts', WireIdentifyCounts>
  | MoveMessage;

/** Of those, what a bound connection's client wants. */
export type FromClient = Extract<
  Inbound,
  { $case: 'setPresence' | 'requestMembers' | 'connectionEnded' | 'drained' | 'socketPressure' }
>;

/** Of those, what an audience's owner says beside its events. */
export type FromOwner = Extract<
  Inbound,
  { $case: 'subscribed' | 'subscribeRefused' | 'classTable' | 'reclassed' | 'audienceLost' | 'audienceReset' }
>;

/** What a session-node says to its peers, answers to calls aside. */
export type Outbound =
  | Tagged<'bound', { connection: number; sessionId: string; epoch: number; seq: number }>
  | Tagged<'refused', { connection: number; closeCode: number; resumable: boolean; delayMs: number }>
  | Tagged<'deliver', { event: Event; connections: number[]; seqs: number[]; wantsDrain: boolean }>
  | Tagged<'closeConnection', { connection: number; epoch: number; closeCode: number }>
  | Tagged<'connectionMoving', ConnectionMoving>
  | Tagged<'subscribe', Subscribe>
  | Tagged<'unsubscribe', Unsubscribe>
  | Tagged<'audienceAck', AudienceAck>
  | Tagged<'audienceSync', AudienceSync>
  | Tagged<'audienceEvent', AudienceEvent>
  | Tagged<
      'subscribed',
      {
        kind: number;
        audienceId: string;
        index: number;
        sessionId: string;
        classId: number;
        snapshot: undefined;
        sameData: boolean;
        term: number;
        shownUserIds: string[];
        view: number;
      }
    >
  | Tagged<'subscribeRefused', SubscribeRefused>
  | Tagged<'audienceLost', { kind: number; audienceId: string }>
  | Tagged<'audienceReset', AudienceTerm>
  | Tagged<'audienceHeld', AudienceTerm>
  | Tagged<'presencesShown', { guildId: string; userIds: string[] }>
  | Tagged<
      'presenceUpsert',
      { guildIds: string[]; userId: string; sessionId: string; presence: Presence | undefined; hop: number }
    >
  | Tagged<'identifyCounts', WireIdentifyCounts>
  | Tagged<'presenceClear' | 'presenceMoved', { guildIds: string[]; userId: string; sessionId: string }>
  | MoveMessage;

/** Answers to calls. */
export type Answer =
  | Tagged<'published', { sessions: number }>
  | Tagged<'userPresenceReply', { status: string; activities: string; sessions: number }>
  | Tagged<'disconnectUserReply', { sessions: number }>
  | Tagged<'identifyBudgetReply', IdentifyBudget & { shards: number }>;
