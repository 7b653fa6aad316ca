import { cast, hall } from './acceptance/cast';

/** A message in the hall with all that some library needs of one. @param content a whole number */
export const messageSaying = (content: string) => ({
  id: String(500_000_000_000_000_000n + BigInt(content)),
  channel_id: hall.channels.open,
  guild_id: hall.id,
  author: { id: cast.ben.id, username: 'ben', discriminator: '0', avatar: null, global_name: null },
  member: { roles: [], joined_at: '2024-05-01T00:00:00.000Z', deaf: false, mute: false, flags: 0 },
  content,
  timestamp: '2024-05-01T00:00:00.000Z',
  edited_timestamp: null,
  tts: false,
  mention_everyone: false,
  mentions: [],
  mention_roles: [],
  attachments: [],
  embeds: [],
  pinned: false,
  flags: 0,
  type: 0,
});
