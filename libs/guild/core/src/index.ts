export { type Change, guildEventFields, type GuildEventName } from './change';
export { Guild } from './guild';
export type { Handover } from './handover';
export { defaultGuildLimits, type GuildLimits, MEMBERS_IN_SNAPSHOT } from './limits';
export type { Incoming } from './load-queue';
export type {
  Effect,
  Encode,
  Moment,
  Phase,
  PresenceChanged,
  Publish,
  Reread,
  Send,
  StreamMessage,
  Subscribe,
} from './messages';
export { parseChange } from './parse';
