import type { ClientKind, IdentifyRequest, RawPayload, ResumeRequest } from '@derailed/shared/protocol';
import type { Line } from './admission';
import type { Binding } from './effects';

/** What the presence of a connection's user depends on. */
export interface Who {
  readonly bot: boolean;
  /** Empty after a resume: what the session had before. */
  readonly client: ClientKind | '';
}

/** Where a connection stands. Times are monotonic milliseconds. */
export type State =
  /** Waits for an Identify or Resume. invalidated: op 9 is on its way, and the client may not have it yet. */
  | { readonly kind: 'open'; readonly until: number; readonly invalidated: boolean }
  /** Waits for the auth service, or with retryAt for the time to ask it again. */
  | {
      readonly kind: 'authenticating';
      readonly request: IdentifyRequest | ResumeRequest;
      readonly attempt: number;
      readonly tries: number;
      readonly until: number;
      readonly retryAt: number | undefined;
      readonly held: RawPayload[];
    }
  /** Waits for the session-node. */
  | {
      readonly kind: 'binding';
      readonly line: Line;
      readonly who: Who;
      readonly until: number;
      readonly held: RawPayload[];
    }
  /** Was refused; op 9 goes out at a time that slows the client down. */
  | { readonly kind: 'refused'; readonly resumable: boolean; readonly at: number }
  | { readonly kind: 'bound'; readonly line: Line; readonly binding: Binding; readonly who: Who }
  /** We closed it, or the socket is gone. */
  | { readonly kind: 'closed' };

export const closed: State = { kind: 'closed' };
