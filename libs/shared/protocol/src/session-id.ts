import { isSnowflake, type Snowflake } from '@derailed/shared/kernel';

/** Whose session it is, and for which shard the client asked; undefined when it asked for none. */
export interface SessionPlace {
  readonly userId: Snowflake;
  readonly shardId: number | undefined;
}

/** Bytes of chance in a session id: `rng.token(SESSION_TOKEN_BYTES)` has the 22 characters that encodeSessionId takes. */
export const SESSION_TOKEN_BYTES = 16;

const form = /^([0-9a-z]{1,13})\.([0-9a-z]{0,7})\.[A-Za-z0-9_-]{22}$/;

/**
 * A session id says where its session is, so that any ws-gateway can route a resume. It is no proof of anything:
 * a resume takes the user's token.
 * @param token 22 characters of base64url
 */
export function encodeSessionId({ userId, shardId }: SessionPlace, token: string): string {
  return `${BigInt(userId).toString(36)}.${shardId === undefined ? '' : shardId.toString(36)}.${token}`;
}

/** Undefined when the text was not made by encodeSessionId. */
export function decodeSessionId(text: string): SessionPlace | undefined {
  const match = form.exec(text);
  if (!match) return undefined;
  const [, user = '', shard = ''] = match;
  const userId = fromBase36(user).toString();
  if (!isSnowflake(userId) || BigInt(userId).toString(36) !== user) return undefined;
  if (shard === '') return { userId, shardId: undefined };
  const shardId = Number.parseInt(shard, 36);
  return shardId <= 0xffff_ffff && shardId.toString(36) === shard ? { userId, shardId } : undefined;
}

/** The key on the ring of session-nodes: the user's, or one for each shard of a sharded bot. */
export function sessionRingKey({ userId, shardId }: SessionPlace): string {
  return shardId === undefined ? userId : `${userId}:${shardId}`;
}

function fromBase36(digits: string): bigint {
  let value = 0n;
  for (const digit of digits) value = value * 36n + BigInt(Number.parseInt(digit, 36));
  return value;
}
