import { type Snowflake, invalidArgument, isSnowflake } from '@derailed/shared/kernel';
import { parseLossless } from '@derailed/shared/protocol';

/** An event's data: the text that goes on to clients, and its value for the one look that the tunnel takes at it. */
export interface ParsedData {
  readonly text: string;
  readonly value: unknown;
}

/** @throws CallError INVALID_ARGUMENT when the text is not JSON */
export function parseData(text: string): ParsedData {
  try {
    return { text, value: JSON.parse(text) as unknown };
  } catch {
    throw invalidArgument('data', 'must be JSON');
  }
}

/**
 * A top-level id of the data, whether it was written as text or as a number; empty when it is absent or null.
 * @throws CallError INVALID_ARGUMENT when it is something else than an id
 */
export function idField({ text, value }: ParsedData, field: string): Snowflake | '' {
  const raw = property(value, field);
  if (raw === undefined || raw === null) return '';
  // JSON.parse has lost the last digits of a number this large, so the text is read once more, with care.
  const exact =
    typeof raw === 'number' && raw > Number.MAX_SAFE_INTEGER
      ? property(parseLossless(text, Infinity), field)
      : raw;
  const id = typeof exact === 'number' ? String(exact) : exact;
  if (!isSnowflake(id)) throw invalidArgument(`data.${field}`, 'must be a snowflake: 1 to 20 decimal digits');
  return id;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function property(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
