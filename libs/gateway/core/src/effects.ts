import type { CloseReason, MembersRequest, PublicPresence } from '@derailed/shared/protocol';
import type { EncodingName, TransportCompression } from './query';

/** Identify and Resume as session-nodes read them, without the connection's number and the resume URL. */
export interface IdentifyOrder {
  readonly userId: string;
  readonly bot: boolean;
  readonly intents: number;
  /** The client named none: it gets all, as a user account may. */
  readonly intentsAbsent: boolean;
  readonly sharded: boolean;
  readonly shardId: number;
  readonly shardCount: number;
  readonly largeThreshold: number;
  /** Undefined: as the user's settings say. */
  readonly presence: PublicPresence | undefined;
  /** What the client runs on: web, desktop, mobile or vr. */
  readonly client: string;
  readonly version: number;
}

export interface ResumeOrder {
  readonly userId: string;
  readonly sessionId: string;
  readonly seq: number;
}

/** The session that a connection is bound to. */
export interface Binding {
  readonly sessionId: string;
  readonly epoch: number;
}

/** What the shell has to do, in this order. */
export type Effect =
  /** From here on this is how payloads are written; until it is said: JSON in text frames. */
  | { readonly kind: 'wire'; readonly encoding: EncodingName; readonly compression: Compression }
  /** Send this payload, behind all dispatches that were delivered before. */
  | { readonly kind: 'send'; readonly payload: string }
  /** Ask whose token it is; the answer, with the same attempt, goes to authenticated or authenticationFailed. */
  | { readonly kind: 'authenticate'; readonly attempt: number; readonly token: string }
  /** Send to the session-node on the ring; if that can't be, call unreachable. */
  | { readonly kind: 'identify'; readonly order: IdentifyOrder; readonly ringKey: string }
  | { readonly kind: 'resume'; readonly order: ResumeOrder; readonly ringKey: string }
  /** For the session-node of the binding; what can't be sent is dropped. */
  | { readonly kind: 'set-presence'; readonly binding: Binding; readonly presence: PublicPresence }
  | { readonly kind: 'request-members'; readonly binding: Binding; readonly request: MembersRequest }
  | { readonly kind: 'ended'; readonly binding: Binding; readonly endSession: boolean }
  /** Close the socket, behind everything sent; if the peer does not answer, cut it. */
  | { readonly kind: 'close'; readonly reason: CloseReason };

/** `payload`: long payloads are zlib documents of their own, all others stay text. */
export type Compression = TransportCompression | 'payload';

export type Effects = readonly Effect[];

export const nothing: Effects = [];
