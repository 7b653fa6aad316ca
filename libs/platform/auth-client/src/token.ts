import { type Snowflake, isSnowflake } from '@derailed/shared/kernel';

/** Longest token that is looked at, in characters. */
const longest = 1024;

export interface ParsedToken {
  /** As the auth service knows it, without `Bot `. */
  readonly token: string;
  readonly userId: Snowflake;
}

/**
 * Reads whom a token claims to be for: its first dot-separated part is the base64url of the user id. Undefined when
 * it can't be a token. Some libraries send `Bot TOKEN`, others the bare token.
 */
export function parseToken(text: string): ParsedToken | undefined {
  if (text.length > longest) return undefined;
  const token = text.startsWith('Bot ') ? text.slice(4) : text;
  const userId = Buffer.from(token.split('.', 1)[0]!, 'base64url').toString('latin1');
  return isSnowflake(userId) ? { token, userId } : undefined;
}
