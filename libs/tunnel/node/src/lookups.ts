import type { GuildInfoReply, UserPresenceReply } from '@derailed/shared/contract';
import { type Snowflake, invalidArgument, isSnowflake } from '@derailed/shared/kernel';
import { closeRows } from '@derailed/shared/protocol';
import { Injectable } from '@nestjs/common';
import { Owners } from './owners';

/** Close code for the sockets of a user that is disconnected without naming one: "not authenticated". */
const defaultCloseCode = closeRows.not_authenticated.code;
/** The codes that clients know what to do with. */
const closeCodes: ReadonlySet<number> = new Set(Object.values(closeRows).map(({ code }) => code));

/**
 * What the monolith asks beside publishing.
 * All throw CallError: INVALID_ARGUMENT with the field, UNAVAILABLE, DEADLINE_EXCEEDED.
 */
@Injectable()
export class Lookups {
  constructor(private readonly owners: Owners) {}

  async guildInfo(guildId: string): Promise<GuildInfoReply> {
    const value = { guildId: idOf('guild_id', guildId) };
    return this.owners.callGuild(guildId, { $case: 'guildInfo', value }, 'guildInfoReply');
  }

  async userPresence(userId: string): Promise<UserPresenceReply> {
    const value = { userId: idOf('user_id', userId) };
    return this.owners.callUser(userId, { $case: 'userPresence', value }, 'userPresenceReply');
  }

  /** Comes after whatever was published to the user before. */
  async disconnectUser(userId: string, code: number): Promise<{ sessions: number }> {
    const value = { userId: idOf('user_id', userId), closeCode: code === 0 ? defaultCloseCode : code };
    if (!closeCodes.has(value.closeCode))
      throw invalidArgument('close_code', `must be 0 or one of ${[...closeCodes].join(', ')}`);
    return this.owners.callUser(userId, { $case: 'disconnectUser', value }, 'disconnectUserReply');
  }
}

function idOf(field: string, id: string): Snowflake {
  if (!isSnowflake(id)) throw invalidArgument(field, 'must be a snowflake: 1 to 20 decimal digits');
  return id;
}
