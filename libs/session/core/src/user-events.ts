import type { Draft, Event } from '@derailed/audience/core';
import { CallError, Code, isSnowflake } from '@derailed/shared/kernel';
import { canonicalName, intentsOfEvent, parseLossless } from '@derailed/shared/protocol';

const maxDepth = 64;
const accountGone = 4004;

/** What publishing this event to a user means (protocol.md 8). */
export function draftOf(event: Event): Draft | CallError {
  switch (canonicalName(event.name)) {
    case 'GUILD_CREATE':
    case 'GUILD_DELETE': {
      const guildId = idOf(event.data);
      if (guildId === undefined)
        return new CallError(Code.INVALID_ARGUMENT, 'data: id must be the id of a guild');
      return event.name === 'GUILD_CREATE'
        ? { event, joinsGuildId: guildId }
        : { event, leavesGuildId: guildId };
    }
    case 'USER_DELETE':
      return { event, closeCode: accountGone };
    default:
      return { event, intents: intentsOfEvent(event.name, false) };
  }
}

function idOf(data: Uint8Array): string | undefined {
  try {
    const value = parseLossless(new TextDecoder().decode(data), maxDepth);
    const id = typeof value === 'object' && value !== null && 'id' in value ? String(value.id) : undefined;
    return isSnowflake(id) ? id : undefined;
  } catch {
    return undefined;
  }
}
