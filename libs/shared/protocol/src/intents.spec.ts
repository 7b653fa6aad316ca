import { channelFields, isChannelBound, permissionGate } from './events';
import {
  Intent,
  PRIVILEGED_INTENTS,
  VALID_INTENTS,
  canonicalName,
  grantedIntents,
  intentsOfEvent,
  intentsOfNamed,
} from './intents';
import { Permission } from './permissions';

describe('intents', () => {
  it('have the masks that every library has', () => {
    expect(Object.values(Intent).reduce((all, bit) => all | bit, 0)).toBe(VALID_INTENTS);
    expect(PRIVILEGED_INTENTS).toBe(33_026);
    expect(VALID_INTENTS & ~PRIVILEGED_INTENTS).toBe(53_575_421);
  });

  it.each([
    ['MESSAGE_CREATE', true, Intent.GUILD_MESSAGES],
    ['MESSAGE_CREATE', false, Intent.DIRECT_MESSAGES],
    ['MESSAGE_EDIT', true, Intent.GUILD_MESSAGES],
    ['CHANNEL_PINS_UPDATE', false, Intent.DIRECT_MESSAGES],
    ['THREAD_MEMBERS_UPDATE', true, Intent.GUILD_MEMBERS],
    ['GUILD_ROLE_EDIT', true, Intent.GUILDS],
    ['USER_UPDATE', false, 0],
    ['INTERACTION_CREATE', true, 0],
    ['RELATIONSHIP_ADD', false, 0],
  ])('%s (in a guild: %s) takes %i', (name, inGuild, intents) => {
    expect(intentsOfEvent(name, inGuild)).toBe(intents);
  });

  it('are fewer for users whom an event names', () => {
    expect(intentsOfNamed('THREAD_MEMBERS_UPDATE')).toBe(Intent.GUILDS);
    expect(intentsOfNamed('THREAD_MEMBER_UPDATE')).toBe(0);
  });

  it('are granted one by one by the flags of a user', () => {
    expect(grantedIntents(0)).toBe(0);
    expect(grantedIntents(1 << 13)).toBe(Intent.GUILD_MEMBERS);
    expect(grantedIntents(0b111 << 12)).toBe(PRIVILEGED_INTENTS);
  });
});

describe('what a name says of an event', () => {
  it('takes EDIT for UPDATE at the end alone', () => {
    expect(canonicalName('GUILD_EDIT')).toBe('GUILD_UPDATE');
    expect(canonicalName('EDIT')).toBe('EDIT');
    expect(canonicalName('EDITED')).toBe('EDITED');
  });

  it('binds messages, reactions, typing, pins and threads to a channel', () => {
    for (const name of [
      'MESSAGE_EDIT',
      'MESSAGE_REACTION_ADD',
      'TYPING_START',
      'CHANNEL_PINS_UPDATE',
      'THREAD_EDIT',
    ]) {
      expect([name, isChannelBound(name)]).toEqual([name, true]);
    }
    for (const name of ['CHANNEL_UPDATE', 'GUILD_UPDATE', 'VOICE_STATE_UPDATE', 'ANYTHING']) {
      expect([name, isChannelBound(name)]).toEqual([name, false]);
    }
  });

  it('says which field has the channel', () => {
    expect(channelFields('MESSAGE_CREATE')).toEqual(['channel_id']);
    expect(channelFields('CHANNEL_EDIT')).toEqual(['id']);
    expect(channelFields('CHANNEL_PINS_UPDATE')).toEqual(['channel_id']);
    expect(channelFields('CHANNEL_INFO')).toEqual(['channel_id']);
    expect(channelFields('THREAD_CREATE')).toEqual(['channel_id', 'id']);
  });

  it('says which permission it takes', () => {
    expect(permissionGate('GUILD_BAN_ADD')).toBe(Permission.BAN_MEMBERS | Permission.VIEW_AUDIT_LOG);
    expect(permissionGate('AUTO_MODERATION_RULE_EDIT')).toBe(Permission.MANAGE_GUILD);
    expect(permissionGate('MESSAGE_CREATE')).toBe(0n);
  });
});
