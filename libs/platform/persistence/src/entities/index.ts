import { ChannelOverwriteRow, ChannelRow } from './channel';
import { GuildPositionRow, GuildRow, RoleRow } from './guild';
import { MemberRoleRow, MemberRow } from './member';
import { ActivityRow, SettingsRow, UserRow } from './user';

export * from './channel';
export * from './guild';
export * from './member';
export * from './user';

/** Every table that the gateway reads, each before those that refer to it. */
export const entities = [
  UserRow,
  SettingsRow,
  ActivityRow,
  GuildRow,
  GuildPositionRow,
  RoleRow,
  MemberRow,
  MemberRoleRow,
  ChannelRow,
  ChannelOverwriteRow,
] as const;
