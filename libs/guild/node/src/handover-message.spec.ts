import type { Handover } from '@derailed/guild/core';
import { GuildState } from '@derailed/shared/contract';
import golden from './handover-message.golden.json';
import { readHandover, writeHandover } from './handover-message';

const user = {
  id: '5',
  username: 'five',
  discriminator: '0',
  avatar: null,
  email: 'five@example.org',
  flags: 4096,
  bot: false,
  system: false,
};
const small: Handover = {
  guild: { id: '1', name: 'one', icon: 'i', ownerId: '5', permissions: 1n << 52n, flags: 3 },
  roles: [{ id: '1', name: '@everyone', permissions: 1024n, position: -1, color: 0xffffff, hoist: true }],
  channels: [
    {
      id: '7',
      name: 'general',
      type: 0,
      position: 2,
      topic: '',
      parentId: '6',
      lastMessageId: null,
      overwrites: [
        { targetId: '1', targetType: 0, allow: 0n, deny: 1024n },
        { targetId: '5', targetType: 1, allow: 1n << 40n, deny: 0n },
      ],
    },
  ],
  memberCount: 1,
  members: [
    {
      user,
      nick: 'V',
      joinedAt: '2020-01-02T03:04:05.000Z',
      communicationDisabledUntil: 1_700_000_000_000,
      roleIds: ['10', '11'],
    },
  ],
  known: [],
  voices: [
    {
      userId: '5',
      channelId: '8',
      sessionId: 's',
      deaf: true,
      mute: false,
      selfDeaf: false,
      selfMute: true,
      selfStream: false,
      selfVideo: true,
      suppress: false,
      requestToSpeak: null,
    },
  ],
  readAt: 1_700_000_000_123,
  unread: true,
};
const handovers: Record<keyof typeof golden, Handover> = {
  small,
  large: {
    ...small,
    memberCount: 100_000,
    members: null,
    known: [
      {
        ...small.members![0]!,
        user: { ...user, avatar: 'a', email: null },
        nick: null,
        communicationDisabledUntil: null,
      },
    ],
    voices: [{ ...small.voices[0]!, requestToSpeak: '2020-01-02T03:04:05.000Z' }],
    unread: false,
  },
};

describe('what goes along with a guild', () => {
  it.each(Object.keys(handovers) as (keyof typeof golden)[])(
    'is read as it was written when it was agreed on: a %s guild',
    (which) => {
      expect(readHandover(GuildState.decode(Buffer.from(golden[which], 'base64')))).toEqual(handovers[which]);
      const bytes = GuildState.encode(writeHandover(handovers[which])).finish();
      expect(Buffer.from(bytes).toString('base64')).toBe(golden[which]);
    },
  );

  it('is nothing without the guild itself', () => {
    expect(readHandover({ ...writeHandover(small), guild: undefined })).toBeUndefined();
  });
});
