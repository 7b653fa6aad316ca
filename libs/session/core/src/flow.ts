import { Kind } from '@derailed/audience/core';

/** The ordering key of an audience, in both directions. */
export function flowOf(kind: number, id: string): string {
  return kind === Kind.user ? `u:${id}` : `g:${id}`;
}
