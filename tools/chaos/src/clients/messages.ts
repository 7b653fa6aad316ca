import type { SessionHistory } from '../judge/history';
import type { ClientTraits } from './chaos-client';

/** What a process of clients is told. */
export type Order =
  | {
      readonly kind: 'start';
      readonly doors: readonly string[];
      readonly guilds: ReadonlyMap<string, number>;
      readonly clients: readonly ClientTraits[];
      readonly seed: number;
      /** How many events there will be. */
      readonly events: number;
      /** Clients come in over this time. */
      readonly overMs: number;
    }
  | { readonly kind: 'count' }
  | { readonly kind: 'finish' };

export interface Count {
  readonly live: number;
  /** Guilds that their sessions are in, together. */
  readonly guilds: number;
  /** Events that their sessions have, together. */
  readonly events: number;
  readonly banned: readonly string[];
}

/** What it says. */
export type Report =
  | { readonly kind: 'count'; readonly count: Count }
  | { readonly kind: 'history'; readonly session: SessionHistory }
  | { readonly kind: 'finished'; readonly longestWay: Float32Array };
