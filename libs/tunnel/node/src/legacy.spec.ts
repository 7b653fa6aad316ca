import { Code } from '@derailed/shared/kernel';
import { TunnelUnderTest, ask } from './tunnel.fixture';

let tunnel: TunnelUnderTest;
beforeEach(async () => {
  tunnel = await TunnelUnderTest.start();
});
afterEach(() => tunnel.dispose());

const toGuild = (guildId: string, event: string, data: string): Promise<{ message: string }> => {
  const client = tunnel.guilds();
  return ask((done) => client.publish({ guildId, message: { event, data } }, done));
};
const toUser = (userId: string, event: string, data: string): Promise<{ message: string }> => {
  const client = tunnel.users();
  return ask((done) => client.publish({ userId, message: { event, data } }, done));
};

describe("the platform's existing services", () => {
  it('publish to a guild, the channel taken from the data, and answer Success', async () => {
    await expect(toGuild('10', 'MESSAGE_CREATE', '{"channel_id":"5"}')).resolves.toEqual({
      message: 'Success',
    });
    expect(tunnel.owners.published[0]?.value).toMatchObject({
      kind: 1,
      audienceIds: ['10'],
      channelId: '5',
      event: { name: 'MESSAGE_CREATE', data: Buffer.from('{"channel_id":"5"}'), volatile: false },
    });
    expect(tunnel.owners.ids[0]).not.toBe('');
  });

  it('publish to a user and answer Success, though nobody is there', async () => {
    tunnel.owners.answer = () => 0;
    await expect(toUser('7', 'USER_UPDATE', '{}')).resolves.toEqual({ message: 'Success' });
    expect(tunnel.owners.published[0]?.value).toMatchObject({ kind: 2, audienceIds: ['7'], channelId: '' });
  });

  it('tell how many of a guild are present', async () => {
    const client = tunnel.guilds();
    await expect(ask((done) => client.getGuildInfo({ guildId: '10' }, done))).resolves.toEqual({
      presences: 3,
      available: true,
    });
    await expect(ask((done) => client.getGuildInfo({ guildId: '' }, done))).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(/^guild_id: /) as unknown,
    });
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['a guild that is no snowflake', () => toGuild('x', 'A', '{}'), 'guild_id'],
    ['a user that is no snowflake', () => toUser('x', 'A', '{}'), 'user_id'],
    ['an empty event', () => toGuild('10', '', '{}'), 'event'],
    ['data that is not JSON', () => toGuild('10', 'A', 'hello'), 'data'],
    ['data over 1 MiB', () => toUser('7', 'A', `"${'x'.repeat(1_048_576)}"`), 'data'],
    [
      'no message',
      () => {
        const client = tunnel.guilds();
        return ask((done) => client.publish({ guildId: '10', message: undefined }, done));
      },
      'message',
    ],
  ])('refuse %s with the name that the field has in their contract', async (_, call, field) => {
    await expect(call()).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(new RegExp(`^${field}: `)) as unknown,
    });
    expect(tunnel.owners.published).toEqual([]);
  });
});

describe('what the monolith asks', () => {
  it('is answered by the owner', async () => {
    const client = tunnel.tunnel();
    await expect(ask((done) => client.getGuildInfo({ guildId: '10' }, done))).resolves.toEqual({
      presences: 3,
      available: true,
    });
    await expect(ask((done) => client.getUserPresence({ userId: '7' }, done))).resolves.toEqual({
      status: 'idle',
      activities: '[]',
      sessions: 2,
    });
  });

  it('a user is disconnected with 4003, or with the code named', async () => {
    const client = tunnel.tunnel();
    for (const closeCode of [0, 4004]) {
      await expect(ask((done) => client.disconnectUser({ userId: '7', closeCode }, done))).resolves.toEqual({
        sessions: 2,
      });
    }
    expect(tunnel.owners.disconnected).toEqual([
      { userId: '7', closeCode: 4003 },
      { userId: '7', closeCode: 4004 },
    ]);
  });

  it.each([1000, 3999, 4006, 4015, 4200])('a user is not disconnected with %d', async (closeCode) => {
    const client = tunnel.tunnel();
    await expect(
      ask((done) => client.disconnectUser({ userId: '7', closeCode }, done)),
    ).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(/^close_code: /) as unknown,
    });
  });
});
