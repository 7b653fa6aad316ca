import type { Snowflake } from '@derailed/shared/kernel';
import { defaultApiVersion } from '../limits';
import type { User } from '../model';
import { ownUserJson } from './objects';

export interface Ready {
  /** The client's version of the protocol; 10 when absent. */
  readonly version?: number;
  readonly user: User;
  /** Of this shard. */
  readonly guildIds: readonly Snowflake[];
  readonly sessionId: string;
  /** Absolute ws or wss URL without a query. */
  readonly resumeGatewayUrl: string;
  /** [0, 1] when the client asked for none. */
  readonly shard: readonly [id: number, count: number];
  /** The user's row of settings. */
  readonly settings?: { readonly status: string } | null;
  /** For user accounts: their order of guilds. Left out when absent. */
  readonly guildPositions?: readonly Snowflake[] | undefined;
}

/** The data of READY. */
export function readyPayload(ready: Ready): string {
  const rest = JSON.stringify({
    v: ready.version ?? defaultApiVersion,
    guilds: ready.guildIds.map((id) => ({ id, unavailable: true })),
    session_id: ready.sessionId,
    session_type: 'normal',
    resume_gateway_url: ready.resumeGatewayUrl,
    shard: ready.shard,
    application: { id: ready.user.id, flags: 0 },
    // Eris throws without it.
    private_channels: [],
    relationships: [],
    presences: [],
    settings: ready.settings ?? null,
    guild_positions: ready.guildPositions,
    _trace: [],
  });
  return `{"user":${ownUserJson(ready.user)},${rest.slice(1)}`;
}

/** The data of RESUMED: an object, because null ends discord.py and hikari. */
export function resumedPayload(): string {
  return '{"_trace":[]}';
}

/** The data of RATE_LIMITED: an op 8 was not answered. @param retryAfter seconds */
export function rateLimitedJson(
  opcode: number,
  retryAfter: number,
  guildId: Snowflake,
  nonce: string,
): string {
  const meta = nonce === '' ? { guild_id: guildId } : { guild_id: guildId, nonce };
  return JSON.stringify({ opcode, retry_after: retryAfter, meta });
}
