import {
  type CloseReason,
  type IdentifyRequest,
  type User,
  PRIVILEGED_INTENTS,
  VALID_INTENTS,
  grantedIntents,
  publicPresence,
} from '@derailed/shared/protocol';
import type { IdentifyOrder } from './effects';
import type { Who } from './state';

/** @param request undefined for a resume, which does not say what the client runs on */
export function whoIs(user: User, request: IdentifyRequest | undefined): Who {
  return { bot: user.bot, client: user.bot ? 'web' : (request?.client ?? '') };
}

/**
 * What an Identify asks of a session-node, now that it is known whose token it was; or why it is refused.
 * @param wallNow milliseconds since the Unix epoch
 */
export function identifyOrder(
  request: IdentifyRequest,
  user: User,
  version: number,
  wallNow: number,
): IdentifyOrder | CloseReason {
  const intents = request.intents ?? (user.bot ? undefined : VALID_INTENTS);
  if (intents === undefined) return 'invalid_intents';
  if (user.bot && (intents & PRIVILEGED_INTENTS & ~grantedIntents(user.flags)) !== 0)
    return 'disallowed_intents';
  const { client } = whoIs(user, request);
  // A user account that says nothing is shown as its settings say, which the session-node reads.
  const presence =
    request.presence ?? (user.bot ? ({ status: 'online', activities: [] } as const) : undefined);
  return {
    userId: user.id,
    bot: user.bot,
    intents,
    intentsAbsent: request.intents === undefined,
    sharded: request.shard !== undefined,
    shardId: request.shard?.[0] ?? 0,
    shardCount: request.shard?.[1] ?? 1,
    largeThreshold: request.largeThreshold,
    presence: presence && publicPresence(presence, user.bot, client, wallNow),
    client,
    version,
  };
}
