import { canonicalName } from './intents';
import { Permission } from './permissions';

const channelBound: ReadonlySet<string> = new Set([
  'MESSAGE_CREATE',
  'MESSAGE_UPDATE',
  'MESSAGE_DELETE',
  'MESSAGE_DELETE_BULK',
  'MESSAGE_REACTION_ADD',
  'MESSAGE_REACTION_REMOVE',
  'MESSAGE_REACTION_REMOVE_ALL',
  'MESSAGE_REACTION_REMOVE_EMOJI',
  'MESSAGE_POLL_VOTE_ADD',
  'MESSAGE_POLL_VOTE_REMOVE',
  'TYPING_START',
  'CHANNEL_PINS_UPDATE',
  'THREAD_CREATE',
  'THREAD_UPDATE',
  'THREAD_DELETE',
  'THREAD_LIST_SYNC',
  'THREAD_MEMBER_UPDATE',
  'THREAD_MEMBERS_UPDATE',
]);

const volatileNames: ReadonlySet<string> = new Set(['TYPING_START', 'PRESENCE_UPDATE']);

/** Whether an event of this name may be left out for a client that does not keep up, whatever its publisher says. */
export function isVolatile(name: string): boolean {
  return volatileNames.has(canonicalName(name));
}

/** Whether the event belongs to a channel by its name: published to a guild without one, it is refused. */
export function isChannelBound(name: string): boolean {
  return channelBound.has(canonicalName(name));
}

const ownId: readonly string[] = ['id'];
const pinsIn: readonly string[] = ['channel_id'];
const threadIn: readonly string[] = ['channel_id', 'id'];

/**
 * The top-level fields of the data that may name the event's channel, the best first. A thread event has the
 * thread's own id where Discord's has no `channel_id`.
 */
export function channelFields(name: string): readonly string[] {
  const canonical = canonicalName(name);
  // CHANNEL_INFO is of several channels.
  if (canonical === 'CHANNEL_PINS_UPDATE' || canonical === 'CHANNEL_INFO') return pinsIn;
  if (canonical.startsWith('CHANNEL_')) return ownId;
  return canonical.startsWith('THREAD_') || canonical.startsWith('VOICE_CHANNEL_') ? threadIn : pinsIn;
}

const gates: ReadonlyMap<string, bigint> = new Map([
  ['GUILD_AUDIT_LOG_ENTRY_CREATE', Permission.VIEW_AUDIT_LOG],
  ['GUILD_BAN_ADD', Permission.BAN_MEMBERS | Permission.VIEW_AUDIT_LOG],
  ['GUILD_BAN_REMOVE', Permission.BAN_MEMBERS | Permission.VIEW_AUDIT_LOG],
  ['AUTO_MODERATION_RULE_CREATE', Permission.MANAGE_GUILD],
  ['AUTO_MODERATION_RULE_UPDATE', Permission.MANAGE_GUILD],
  ['AUTO_MODERATION_RULE_DELETE', Permission.MANAGE_GUILD],
  ['AUTO_MODERATION_ACTION_EXECUTION', Permission.MANAGE_GUILD],
]);

/** Guild-wide permissions of which a member needs at least one to get the event; 0n when it needs none. */
export function permissionGate(name: string): bigint {
  return gates.get(canonicalName(name)) ?? 0n;
}
