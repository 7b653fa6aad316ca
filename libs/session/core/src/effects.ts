import type { CallError } from '@derailed/shared/kernel';
import type { Answer, Outbound } from './messages';

/** One client's wish for members of a guild, checked: the shell reads them page by page. */
export interface MemberRead {
  /** Names the read in nextMembers, stopMembers and memberChunk(). */
  readonly read: number;
  readonly guildId: string;
  /** Undefined: by user ids. */
  readonly query: string | undefined;
  /** 0: all members. Else how many at most. */
  readonly limit: number;
  readonly userIds: readonly string[];
  readonly presences: boolean;
  readonly nonce: string;
}

/** What the shell does for the core, in order. */
export type Effect =
  /** Mesh data lane. When the mesh refuses: sendRefused(). */
  | { readonly kind: 'send'; readonly to: string; readonly flow: string; readonly message: Outbound }
  /** Mesh control lane. */
  | { readonly kind: 'signal'; readonly to: string; readonly message: Outbound }
  | { readonly kind: 'answer'; readonly call: number; readonly answer: Answer | CallError }
  /** The session-node is behind in this term of the user's audience; once others know: known(). */
  | {
      readonly kind: 'behind';
      readonly userId: string;
      readonly term: number;
      readonly node: string;
      readonly needs: number;
    }
  /** Read user, settings and guild ids; then readinessRead() or readinessFailed(). */
  | { readonly kind: 'readReadiness'; readonly sessionId: string; readonly userId: string }
  /** Read the first page; then memberChunk(). */
  | { readonly kind: 'readMembers'; readonly request: MemberRead }
  | { readonly kind: 'nextMembers'; readonly read: number }
  | { readonly kind: 'stopMembers'; readonly read: number }
  /** A session lives at another node now; its client was without dispatches for so many milliseconds at most. */
  | { readonly kind: 'sessionMoved'; readonly ms: number };

/** Effects in the order in which they came up. */
export class Outbox {
  private effects: Effect[] = [];

  /** To a ws-gateway; one flow for all, so that nothing about a connection overtakes what was said of it before. */
  tell(gateway: string, message: Outbound): void {
    this.effects.push({ kind: 'send', to: gateway, flow: 'deliver', message });
  }

  send(to: string, flow: string, message: Outbound): void {
    this.effects.push({ kind: 'send', to, flow, message });
  }

  signal(to: string, message: Outbound): void {
    this.effects.push({ kind: 'signal', to, message });
  }

  answer(call: number, answer: Answer | CallError): void {
    this.effects.push({ kind: 'answer', call, answer });
  }

  ask(effect: Exclude<Effect, { kind: 'send' | 'signal' | 'answer' }>): void {
    this.effects.push(effect);
  }

  take(): readonly Effect[] {
    if (this.effects.length === 0) return none;
    const taken = this.effects;
    this.effects = [];
    return taken;
  }
}

const none: readonly Effect[] = [];
