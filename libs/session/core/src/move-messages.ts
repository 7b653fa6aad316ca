import type { Event, StreamPoint } from '@derailed/audience/core';
import type {
  NodeRef,
  ConnectionEnded,
  Identify,
  Presence,
  RequestMembers,
  Resume,
  SetPresence,
  SocketPressure,
  Tagged,
} from './messages';

/** What the move of a session takes, field by field as in proto/derailed/link/v1/messages.proto. */

export interface SessionOffer {
  sessionId: string;
  generation: number;
  traits: WireTraits | undefined;
  guildIds: string[];
}

export interface WireTraits {
  userId: string;
  bot: boolean;
  intents: number;
  sharded: boolean;
  shardId: number;
  shardCount: number;
  largeThreshold: number;
  version: number;
  resumeGatewayUrl: string;
  client: string;
}

export interface ReplayEvent {
  event: Event | undefined;
  dataOf?: number | undefined;
}

export interface ReplayEvents {
  shelf: number;
  first: number;
  events: ReplayEvent[];
}

export interface RecentEvents {
  shelf: number;
  kind: number;
  audienceId: string;
  ids: string[];
}

export interface SessionState {
  sessionId: string;
  shelf: number;
  recentIds: number;
  epoch: number;
  firstSeq: number;
  replay: number[];
  points: StreamPoint[];
  entering: EnteringGuild[];
  presence: Presence | undefined;
  shown: boolean;
  connection: SessionConnection | undefined;
  awayMs: number;
  missed: WireMissedPresence[];
  memberRequests: RequestMembers[];
  memberListTurns: MemberListTurn[];
  generation: number;
  hop: number;
}

export interface SessionConnection {
  gateway: string;
  incarnation: string;
  connection: number;
  nextSeq: number;
  replaying: boolean;
}

export interface EnteringGuild {
  guildId: string;
  outage: boolean;
}

export interface WireMissedPresence {
  guildId: string;
  userId: string;
  event: number;
}

export interface MemberListTurn {
  guildId: string;
  waitMs: number;
}

export interface ConnectionMoving {
  connection: number;
  sessionId: string;
  epoch: number;
  node: string;
  incarnation: string;
}

export interface ConnectionReleased {
  readonly connection: number;
  readonly sessionId: string;
  readonly epoch: number;
  readonly open: boolean;
  readonly pressed: boolean;
  /** The node before is gone. */
  readonly forsaken: boolean;
}

/** What a ws-gateway says of a connection that has its session. */
export type ClientMessage =
  | Tagged<'setPresence', SetPresence>
  | Tagged<'requestMembers', RequestMembers>
  | Tagged<'connectionEnded', ConnectionEnded>
  | Tagged<'socketPressure', SocketPressure>;

export interface ForwardedToSession {
  gateway: string;
  incarnation: string;
  message: ClientMessage | Tagged<'identify', Identify> | Tagged<'resume', Resume> | undefined;
}

/** Between session-nodes. */
export type MoveMessage =
  | Tagged<'sessionOffer', SessionOffer>
  | Tagged<'sessionOfferAccepted', { sessionId: string; points: StreamPoint[] }>
  | Tagged<'sessionOfferEnded', { sessionId: string }>
  | Tagged<'replayEvents', ReplayEvents>
  | Tagged<'recentEvents', RecentEvents>
  | Tagged<'sessionState', SessionState>
  | Tagged<'sessionMoved', { sessionId: string; adopted: boolean }>
  | Tagged<'sessionMoveAsked', { sessionId: string }>
  | Tagged<'sessionWanted', { sessionId: string }>
  | Tagged<'sessionUnknown', { sessionId: string }>
  | Tagged<'forwardedToSession', ForwardedToSession>;

/** What a client said through that ws-gateway, for the node that has its session. */
export function forwarded(
  message: NonNullable<ForwardedToSession['message']>,
  { id: gateway, incarnation }: NodeRef,
): Tagged<'forwardedToSession', ForwardedToSession> {
  return { $case: 'forwardedToSession', value: { gateway, incarnation, message } };
}

/** The flow of all that two session-nodes say about moves: state never overtakes the events that it refers to. */
export const moveFlow = 'move';
