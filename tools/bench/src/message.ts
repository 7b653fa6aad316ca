/** What is published, the same to every server. */
export interface Message {
  readonly name: string;
  /** JSON text. */
  readonly data: string;
}

/** A short chat message: about 270 bytes as a frame. */
export function message(guildId: string, channelId: string): Message {
  const data = {
    id: '500000000000000001',
    channel_id: channelId,
    guild_id: guildId,
    author: { id: '100000000000000001', username: 'ada' },
    content: 'The engine weaves.',
    timestamp: '2026-01-01T00:00:00.000Z',
    type: 0,
  };
  return { name: 'MESSAGE_CREATE', data: JSON.stringify(data) };
}
