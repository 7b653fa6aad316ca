import type { Channel, Member, Role, User } from '../model';
import { heartbeatAckPayload, helloPayload, invalidSessionPayload, reconnectPayload } from './control';
import { guildCreateOwn, guildCreateShared, guildDeleteJson } from './guild';
import { voiceStateJson } from './voice';
import { membersChunk, presenceUpdateJson } from './members';
import { memberJson, ownUserJson } from './objects';
import { rateLimitedJson, readyPayload, resumedPayload } from './session';

const user: User = {
  id: '1',
  username: 'a "quoted" name',
  discriminator: '0',
  avatar: null,
  email: 'a@example.org',
  flags: 4096,
  bot: false,
  system: false,
};
const member: Member = {
  user,
  nick: null,
  joinedAt: '2024-01-01T00:00:00.000Z',
  communicationDisabledUntil: 0,
  roleIds: ['20'],
};
const role: Role = {
  id: '10',
  name: '@everyone',
  permissions: 1n << 52n,
  position: 0,
  color: 255,
  hoist: false,
};
const text: Channel = {
  id: '30',
  name: 'general',
  type: 0,
  position: 0,
  topic: null,
  parentId: null,
  lastMessageId: null,
  overwrites: [{ targetId: '10', targetType: 0, allow: 0n, deny: 1n << 34n }],
};
const thread: Channel = { ...text, id: '31', type: 11, parentId: '30', overwrites: [] };
const guild = { id: '10', name: 'Guild', icon: null, ownerId: '1', permissions: 0n, flags: 0 };

const parse = (json: string): Record<string, unknown> => JSON.parse(json) as Record<string, unknown>;

describe('GUILD_CREATE', () => {
  const shared = guildCreateShared(guild, [role], [text], [thread]);
  const own = guildCreateOwn({
    members: [memberJson(member)],
    presences: [],
    joinedAt: member.joinedAt,
    memberCount: 1,
    large: false,
    voiceStates: [
      voiceStateJson({
        userId: member.user.id,
        channelId: '30',
        sessionId: 'of voice',
        deaf: false,
        mute: false,
        selfDeaf: true,
        selfMute: true,
        selfStream: false,
        selfVideo: false,
        suppress: false,
        requestToSpeak: null,
      }),
    ],
  });
  const payload = parse(shared + own);

  it('has voice states with all that hikari reads', () => {
    expect(payload['voice_states']).toEqual([
      {
        user_id: member.user.id,
        channel_id: '30',
        session_id: 'of voice',
        deaf: false,
        mute: false,
        self_deaf: true,
        self_mute: true,
        self_stream: false,
        self_video: false,
        suppress: false,
        request_to_speak_timestamp: null,
      },
    ]);
  });

  it('has every key without which some client raises', () => {
    const required =
      'id name icon splash owner_id afk_channel_id afk_timeout verification_level default_message_notifications ' +
      'explicit_content_filter roles emojis features mfa_level application_id system_channel_id system_channel_flags ' +
      'rules_channel_id vanity_url_code description banner premium_tier preferred_locale public_updates_channel_id nsfw_level ' +
      'stickers voice_states members channels threads presences discovery_splash region member_count large joined_at ' +
      'stage_instances guild_scheduled_events soundboard_sounds premium_subscription_count';
    expect(Object.keys(payload)).toEqual(expect.arrayContaining(required.split(' ')));
    expect(payload['unavailable']).toBe(false);
  });

  it('has roles with colors and textual permissions', () => {
    expect(payload['roles']).toEqual([
      expect.objectContaining({
        permissions: '4503599627370496',
        color: 255,
        colors: { primary_color: 255, secondary_color: null, tertiary_color: null },
        managed: false,
        mentionable: false,
      }),
    ]);
  });

  it('has members with flags and channels with topics', () => {
    expect(payload['members']).toEqual([
      expect.objectContaining({
        flags: 0,
        deaf: false,
        mute: false,
        joined_at: member.joinedAt,
        roles: ['20'],
      }),
    ]);
    expect(payload['channels']).toEqual([
      expect.objectContaining({
        topic: null,
        nsfw: false,
        rate_limit_per_user: 0,
        parent_id: null,
        permission_overwrites: [{ id: '10', type: 0, allow: '0', deny: '17179869184' }],
      }),
    ]);
    expect(payload['threads']).toEqual([
      expect.objectContaining({ parent_id: '30', thread_metadata: expect.anything() }),
    ]);
  });
});

it('READY has what libraries read, and shows the user its own address alone', () => {
  const ready = parse(
    readyPayload({
      user,
      guildIds: ['10'],
      sessionId: 's',
      resumeGatewayUrl: 'ws://x',
      shard: [0, 1],
      guildPositions: ['10'],
    }),
  );
  expect(ready).toMatchObject({
    v: 10,
    user: { id: '1', mfa_enabled: false, flags: 4096, email: 'a@example.org' },
    guilds: [{ id: '10', unavailable: true }],
    session_id: 's',
    resume_gateway_url: 'ws://x',
    shard: [0, 1],
    application: { id: '1', flags: 0 },
    private_channels: [],
    guild_positions: ['10'],
  });
  expect(parse(ownUserJson(user))).toEqual(ready['user']);
  expect(memberJson(member)).not.toContain('example.org');
});

it('payloads that are no dispatch say s and t', () => {
  for (const payload of [
    helloPayload(5),
    heartbeatAckPayload,
    reconnectPayload,
    invalidSessionPayload(true),
  ]) {
    expect(parse(payload)).toMatchObject({ s: null, t: null });
  }
  expect(parse(invalidSessionPayload(false))['d']).toBe(false);
});

it('RESUMED is an object', () => {
  expect(parse(resumedPayload())).toEqual({ _trace: [] });
});

it('a chunk echoes its nonce, and says what was not found', () => {
  const chunk = { guildId: '10', members: [], chunkIndex: 0, chunkCount: 1, nonce: '' };
  expect(parse(membersChunk(chunk))).toEqual({ guild_id: '10', members: [], chunk_index: 0, chunk_count: 1 });
  const presence = presenceUpdateJson({
    userId: '1',
    status: 'idle',
    activities: '[]',
    clientStatus: '{"web":"idle"}',
  });
  expect(parse(membersChunk({ ...chunk, notFound: [], presences: [presence], nonce: '"' }))).toMatchObject({
    not_found: [],
    presences: [{ user: { id: '1' }, status: 'idle', activities: [], client_status: { web: 'idle' } }],
    nonce: '"',
  });
});

it('the small ones', () => {
  expect(parse(guildDeleteJson('10', true))).toEqual({ id: '10', unavailable: true });
  expect(parse(guildDeleteJson('10', false))).toEqual({ id: '10' });
  expect(parse(rateLimitedJson(8, 1.5, '10', 'n'))).toEqual({
    opcode: 8,
    retry_after: 1.5,
    meta: { guild_id: '10', nonce: 'n' },
  });
  expect(
    parse(
      presenceUpdateJson({ userId: '1', guildId: '2', status: 'dnd', activities: '[]', clientStatus: '{}' }),
    ),
  ).toMatchObject({
    guild_id: '2',
  });
});
