/** A decimal 64-bit id. Ids are text everywhere but in the database, because JSON numbers lose digits above 2^53. */
export type Snowflake = string;

const largest = '18446744073709551615';

/** Whether the text is a canonical decimal id: 1 to 20 digits, no leading zero, at most 2^64 - 1. */
export function isSnowflake(text: unknown): text is Snowflake {
  if (typeof text !== 'string' || text.length === 0 || text.length > 20) return false;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at);
    if (digit < 48 || digit > 57) return false;
  }
  if (text.charCodeAt(0) === 48) return false;
  return text.length < 20 || text <= largest;
}

/**
 * The shard of a guild: `(guild_id >> 22) % shard_count`.
 * @see https://docs.discord.com/developers/events/gateway#sharding
 */
export function shardOf(guildId: Snowflake, shardCount: number): number {
  return Number((BigInt(guildId) >> 22n) % BigInt(shardCount));
}
