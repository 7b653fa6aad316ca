import { type CallError, type Snowflake, invalidArgument, isSnowflake } from '@derailed/shared/kernel';
import { ALL_PERMISSIONS, canonicalName } from '@derailed/shared/protocol';
import { channelOf } from './channel';
import { type ParsedData, idField, isObject, parseData } from './data';
import { utf8Length } from './utf8';

/** What limits an event has. Sizes are bytes in UTF-8. */
export const limits = { idBytes: 64, dataBytes: 1_048_576, users: 1000 } as const;

/** An event as the monolith sent it (derailed.tunnel.v1.Event): nothing about it is known to be true. */
export interface SentEvent {
  readonly id: string;
  readonly target: SentTarget | undefined;
  readonly name: string;
  readonly data: string;
  readonly volatile: boolean;
}

/** derailed.tunnel.v1.Target */
export interface SentTarget {
  readonly kind:
    | {
        readonly $case: 'guild';
        readonly value: {
          readonly guildId: string;
          readonly channelId: string;
          readonly permissions?: string | undefined;
        };
      }
    | { readonly $case: 'users'; readonly value: { readonly userIds: readonly string[] } }
    | undefined;
}

/**
 * Who is meant. An empty channel is the whole guild; permissions that are not empty are decimal bits, one of which a
 * member must have; users are distinct.
 */
export type Target =
  | {
      readonly kind: 'guild';
      readonly guildId: Snowflake;
      readonly channelId: Snowflake | '';
      readonly permissions: string;
    }
  | { readonly kind: 'users'; readonly userIds: readonly Snowflake[] };

/** An event that keeps the contract. */
export interface CheckedEvent {
  readonly id: string;
  readonly target: Target;
  readonly name: string;
  /** The monolith's own text, byte for byte. */
  readonly data: string;
  /** How many bytes `data` takes in UTF-8. */
  readonly bytes: number;
  readonly volatile: boolean;
}

/** The events that the gateway itself reads (protocol.md, sections 4 and 8). */
const understood = {
  guild: new Set([
    'GUILD_UPDATE',
    'GUILD_DELETE',
    ...['CHANNEL', 'THREAD', 'GUILD_ROLE'].flatMap((what) => [
      `${what}_CREATE`,
      `${what}_UPDATE`,
      `${what}_DELETE`,
    ]),
    'GUILD_MEMBER_ADD',
    'GUILD_MEMBER_UPDATE',
    'GUILD_MEMBER_REMOVE',
    'THREAD_MEMBERS_UPDATE',
    'VOICE_STATE_UPDATE',
  ]),
  users: new Set(['GUILD_CREATE', 'GUILD_DELETE', 'USER_UPDATE', 'USER_DELETE']),
} as const satisfies Record<Target['kind'], ReadonlySet<string>>;

/** What the caller's own contract calls the fields, for errors. */
export interface FieldNames {
  readonly name: string;
  readonly userIds: string;
}

const tunnelFields: FieldNames = { name: 'name', userIds: 'user_ids' };

/**
 * Checks an event against its contract (proto/derailed/tunnel/v1/tunnel.proto) and finds the channel it belongs to.
 * @throws CallError INVALID_ARGUMENT that begins with the name of the field that is wrong
 */
export function checkEvent(event: SentEvent | undefined, fields = tunnelFields): CheckedEvent {
  if (event === undefined) throw invalidArgument('event', 'must be set');
  const { id, name, volatile } = event;
  if (utf8Length(id) > limits.idBytes)
    throw invalidArgument('id', `must have at most ${limits.idBytes} bytes`);
  const named = checkTarget(event.target, fields);
  if (!/^[A-Z0-9_]{1,64}$/.test(name))
    throw invalidArgument(fields.name, 'must be 1 to 64 of A-Z, 0-9 and _');
  const bytes = utf8Length(event.data);
  if (bytes > limits.dataBytes) throw invalidArgument('data', `must have at most ${limits.dataBytes} bytes`);
  const data = parseData(event.data);
  if (understood[named.kind].has(canonicalName(name))) {
    if (!isObject(data.value)) throw invalidArgument('data', `must be a JSON object for ${name}`);
    if (named.kind === 'guild' && named.permissions !== '')
      throw invalidArgument('permissions', `${name} changes the guild, and is for all whom that concerns`);
  }
  const target =
    named.kind === 'guild' ? { ...named, channelId: channelOf(name, data, named.channelId) } : named;
  if (target.kind === 'users') checkGuildOfUsers(name, data);
  return { id, target, name, data: event.data, bytes, volatile };
}

function checkTarget(target: SentTarget | undefined, fields: FieldNames): Target {
  const kind = target?.kind;
  if (kind?.$case === 'guild') {
    const { guildId, channelId, permissions } = kind.value;
    if (!isSnowflake(guildId)) throw notAnId('guild_id');
    if (channelId !== '' && !isSnowflake(channelId)) throw notAnId('channel_id');
    return { kind: 'guild', guildId, channelId, permissions: checkPermissions(permissions) };
  }
  if (kind?.$case === 'users') {
    const userIds = [...new Set(kind.value.userIds)];
    if (userIds.length === 0 || userIds.length > limits.users) {
      throw invalidArgument(fields.userIds, `must be 1 to ${limits.users} users`);
    }
    if (!userIds.every(isSnowflake)) throw notAnId(fields.userIds);
    return { kind: 'users', userIds };
  }
  throw invalidArgument('target', 'must be a guild or users');
}

/** Bits that do not exist are nobody's, not even the owner's: an event for them would be lost without a word. */
function checkPermissions(permissions: string | undefined): string {
  if (permissions === undefined) return '';
  if (!/^[0-9]{1,20}$/.test(permissions))
    throw invalidArgument('permissions', 'must be bits as decimal text');
  const bits = BigInt(permissions);
  if (bits === 0n || (bits & ~ALL_PERMISSIONS) !== 0n)
    throw invalidArgument('permissions', 'must be one or more of the permissions that there are');
  return bits.toString();
}

/** GUILD_CREATE and GUILD_DELETE tell a user's sessions which guild to subscribe to or to leave. */
function checkGuildOfUsers(name: string, data: ParsedData): void {
  if ((name === 'GUILD_CREATE' || name === 'GUILD_DELETE') && idField(data, 'id') === '') {
    throw invalidArgument('data.id', `${name} must name its guild`);
  }
}

function notAnId(field: string): CallError {
  return invalidArgument(field, 'must be a snowflake: 1 to 20 decimal digits');
}
