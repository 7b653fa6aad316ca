import type { Snowflake } from '@derailed/shared/kernel';
import type { PresenceRequest } from './presence';

/** Op 2, checked for its shape; what depends on whose token it is stays to be checked. */
export interface IdentifyRequest {
  readonly op: 2;
  /** Without the `Bot ` that may stand before it. */
  readonly token: string;
  /** Undefined when absent: fine for user accounts, 4013 for bots. */
  readonly intents: number | undefined;
  readonly shard: readonly [id: number, count: number] | undefined;
  /** Within 50..250. */
  readonly largeThreshold: number;
  /** Payload compression was asked for. */
  readonly compress: boolean;
  readonly presence: PresenceRequest | undefined;
  /** What the client says it runs on; to be believed of user accounts only. */
  readonly client: ClientKind;
}

export type ClientKind = 'web' | 'desktop' | 'mobile' | 'vr';

export interface ResumeRequest {
  readonly op: 6;
  /** Without the `Bot ` that may stand before it. */
  readonly token: string;
  readonly sessionId: string;
  /** Within uint32; a greater number has become the greatest one. */
  readonly seq: number;
}

export interface HeartbeatRequest {
  readonly op: 1;
  /** Undefined when it can't be a sequence number. */
  readonly seq: number | undefined;
}

export interface PresenceUpdateRequest {
  readonly op: 3;
  readonly presence: PresenceRequest;
}

/** Op 8. Either query or userIds is meant. */
export interface MembersRequest {
  readonly op: 8;
  readonly guildId: Snowflake;
  readonly query: string | undefined;
  /** 0: no limit. */
  readonly limit: number;
  /** At most 100, in the order given. */
  readonly userIds: readonly Snowflake[];
  readonly presences: boolean;
  /** Empty when absent or over 32 bytes. */
  readonly nonce: string;
}

/** Ops that are checked and then have no effect: 4, 31 and 43. */
export interface IgnoredRequest {
  readonly op: 4 | 31 | 43;
}

export type ClientPayload =
  | HeartbeatRequest
  | IdentifyRequest
  | PresenceUpdateRequest
  | ResumeRequest
  | MembersRequest
  | IgnoredRequest;
