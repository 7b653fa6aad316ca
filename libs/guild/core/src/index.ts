export { type Change, guildEventFields, type GuildEventName } from './change';
export { Guild, type Phase } from './guild';
export { defaultGuildLimits, type GuildLimits, MEMBERS_IN_SNAPSHOT } from './limits';
export type { Incoming } from './load-queue';
export type {
  Effect,
  Encode,
  Moment,
  PresenceChanged,
  Publish,
  Send,
  StreamMessage,
  Subscribe,
} from './messages';
export { parseChange } from './parse';
