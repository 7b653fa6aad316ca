import { isSnowflake, type Snowflake } from '@derailed/shared/kernel';

/** What a JSON object is before anybody has looked at it. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

/** A number without a fraction: `0.0` counts, as clients that send doubles write it. */
export function wholeNumber(value: unknown): number | undefined {
  if (typeof value === 'bigint') value = Number(value);
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** Ids come as text, as numbers (discord.py) or as bigints (ETF). */
export function snowflake(value: unknown): Snowflake | undefined {
  const text = typeof value === 'bigint' || wholeNumber(value) !== undefined ? String(value) : value;
  return isSnowflake(text) ? text : undefined;
}
