import { CallError, Code } from '@derailed/shared/kernel';
import { type SentEvent, type SentTarget, checkEvent, limits } from './event';

const guild = (guildId = '10', channelId = '', permissions?: string): SentTarget => ({
  kind: { $case: 'guild', value: { guildId, channelId, permissions } },
});
const users = (...userIds: string[]): SentTarget => ({ kind: { $case: 'users', value: { userIds } } });
const event = (parts: Partial<SentEvent> = {}): SentEvent => ({
  id: '',
  target: guild(),
  name: 'PLATFORM_NEWS',
  data: '{}',
  volatile: false,
  ...parts,
});
const channelOf = (name: string, data: string, named = ''): string => {
  const { target } = checkEvent(event({ name, data, target: guild('10', named) }));
  return target.kind === 'guild' ? target.channelId : 'none';
};
const refusal = (sent: SentEvent | undefined): string => {
  try {
    checkEvent(sent);
  } catch (error) {
    if (error instanceof CallError && error.code === Code.INVALID_ARGUMENT) return error.message;
    throw error;
  }
  return 'accepted';
};

describe('an event that breaks the contract', () => {
  const long = 'x'.repeat(limits.dataBytes - 1);
  it.each<[string, SentEvent | undefined, string]>([
    ['is absent', undefined, 'event: '],
    ['has an id over 64 bytes', event({ id: 'é'.repeat(33) }), 'id: '],
    ['has no target', event({ target: undefined }), 'target: '],
    ['has an empty target', event({ target: { kind: undefined } }), 'target: '],
    ['has a guild that is no snowflake', event({ target: guild('general') }), 'guild_id: '],
    ['has a guild with a leading zero', event({ target: guild('010') }), 'guild_id: '],
    ['has a channel that is no snowflake', event({ target: guild('10', '-1') }), 'channel_id: '],
    ['has permissions that are no bits', event({ target: guild('10', '', 'KICK') }), 'permissions: '],
    ['has empty permissions', event({ target: guild('10', '', '') }), 'permissions: '],
    ['has no permission among its bits', event({ target: guild('10', '', '0') }), 'permissions: '],
    ['has a bit that is no permission', event({ target: guild('10', '', `${1n << 47n}`) }), 'permissions: '],
    ['has bits beyond all', event({ target: guild('10', '', `${(1n << 64n) | 8n}`) }), 'permissions: '],
    [
      'changes the guild and is for some',
      event({ name: 'GUILD_MEMBER_EDIT', target: guild('10', '', '8') }),
      'permissions: ',
    ],
    ['has no users', event({ target: users() }), 'user_ids: '],
    ['has a user that is no snowflake', event({ target: users('1', '') }), 'user_ids: '],
    [
      'has over 1,000 users',
      event({ target: users(...Array.from({ length: 1001 }, (_, at) => `${at + 1}`)) }),
      'user_ids: ',
    ],
    ['has no name', event({ name: '' }), 'name: '],
    ['has a lower-case name', event({ name: 'message_create' }), 'name: '],
    ['has a name over 64 characters', event({ name: 'A'.repeat(65) }), 'name: '],
    ['has no data', event({ data: '' }), 'data: '],
    ['has data that is not JSON', event({ data: '{"a":}' }), 'data: '],
    ['has data over 1 MiB', event({ data: `"${long}"` }), 'data: '],
    ['has data over 1 MiB in UTF-8 only', event({ data: `"${'€'.repeat(400_000)}"` }), 'data: '],
    ['changes state and is no object', event({ name: 'GUILD_UPDATE', data: '[]' }), 'data: '],
    [
      'changes state under its other name and is no object',
      event({ name: 'GUILD_ROLE_EDIT', data: '1' }),
      'data: ',
    ],
    [
      'changes a user and is no object',
      event({ name: 'USER_UPDATE', target: users('1'), data: 'null' }),
      'data: ',
    ],
    [
      'lets a user join no guild',
      event({ name: 'GUILD_CREATE', target: users('1'), data: '{}' }),
      'data.id: ',
    ],
    [
      'lets a user leave something else',
      event({ name: 'GUILD_DELETE', target: users('1'), data: '{"id":"x"}' }),
      'data.id: ',
    ],
  ])('%s: the field is named', (_, sent, field) => {
    expect(refusal(sent)).toMatch(new RegExp(`^${field}`));
  });

  it('is named in the words of the contract that the caller speaks', () => {
    const words = { name: 'event', userIds: 'user_id' };
    expect(() => checkEvent(event({ name: '' }), words)).toThrow(/^event: /);
    expect(() => checkEvent(event({ target: users('x') }), words)).toThrow(/^user_id: /);
  });
});

describe('an event that keeps the contract', () => {
  it('goes on as it came, with its size in bytes', () => {
    const data = '{ "content" : "€ 😀 é" }';
    const checked = checkEvent(event({ id: 'a', data, volatile: true }));
    expect(checked).toEqual({
      id: 'a',
      target: { kind: 'guild', guildId: '10', channelId: '', permissions: '' },
      name: 'PLATFORM_NEWS',
      data,
      bytes: Buffer.byteLength(data),
      volatile: true,
    });
  });

  it('may be exactly 1 MiB', () => {
    expect(refusal(event({ data: `"${'x'.repeat(limits.dataBytes - 2)}"` }))).toBe('accepted');
  });

  it('may be any JSON under a name that the gateway does not know', () => {
    for (const data of ['null', '1', '"text"', '[{"channel_id":"5"}]', '{"a":{"channel_id":"5"}}']) {
      expect(channelOf('PLATFORM_NEWS', data)).toBe('');
    }
  });

  it('goes to each of its users once', () => {
    expect(checkEvent(event({ target: users('1', '2', '1') })).target).toEqual({
      kind: 'users',
      userIds: ['1', '2'],
    });
  });

  it('for users needs no channel, and what its data says of one is not looked at', () => {
    expect(refusal(event({ name: 'MESSAGE_CREATE', target: users('1'), data: '{"channel_id":{}}' }))).toBe(
      'accepted',
    );
  });
});

describe('the permissions of an event for a guild', () => {
  it('are bits as decimal text, one of which is enough, beside a channel or not', () => {
    const target = guild('10', '5', '00012');
    expect(checkEvent(event({ name: 'MESSAGE_CREATE', target })).target).toEqual({
      kind: 'guild',
      guildId: '10',
      channelId: '5',
      permissions: '12',
    });
  });
});

describe('the channel of an event for a guild', () => {
  it('is the one that the monolith named', () => {
    expect(channelOf('MESSAGE_CREATE', '{"content":"hi"}', '5')).toBe('5');
    expect(channelOf('MESSAGE_CREATE', '{"channel_id":"5"}', '5')).toBe('5');
    expect(channelOf('PLATFORM_NEWS', 'null', '5')).toBe('5');
  });

  it('is the top-level channel_id of its data, whatever its name is', () => {
    expect(channelOf('MESSAGE_CREATE', '{"channel_id":"5"}')).toBe('5');
    expect(channelOf('PLATFORM_NEWS', '{"channel_id":"5"}')).toBe('5');
    expect(channelOf('VOICE_STATE_UPDATE', '{"channel_id":null}')).toBe('');
  });

  it('is read without loss from a number', () => {
    expect(channelOf('MESSAGE_CREATE', '{"channel_id":5}')).toBe('5');
    expect(channelOf('MESSAGE_CREATE', '{"channel_id":200000000000000001}')).toBe('200000000000000001');
    expect(
      channelOf(
        'MESSAGE_CREATE',
        '{"m":{"channel_id":200000000000000003},"channel_id": 18446744073709551615 }',
      ),
    ).toBe('18446744073709551615');
    expect(channelOf('MESSAGE_CREATE', String.raw`{"channel\u005fid":200000000000000001}`)).toBe(
      '200000000000000001',
    );
    expect(channelOf('MESSAGE_CREATE', '{"channel_id":1,"channel_id":200000000000000001}')).toBe(
      '200000000000000001',
    );
  });

  it('is the id for CHANNEL_*, except for pins', () => {
    for (const name of ['CHANNEL_CREATE', 'CHANNEL_UPDATE', 'CHANNEL_EDIT', 'CHANNEL_DELETE']) {
      expect(channelOf(name, '{"id":"5","parent_id":"6"}')).toBe('5');
      expect(refusal(event({ name }))).toMatch(/^channel_id: /);
    }
    expect(channelOf('CHANNEL_PINS_UPDATE', '{"channel_id":"5","id":"6"}')).toBe('5');
    expect(refusal(event({ name: 'CHANNEL_PINS_UPDATE', data: '{"id":"6"}' }))).toMatch(/^channel_id: /);
  });

  it('is the thread for THREAD_*, or its parent where there is no id', () => {
    expect(channelOf('THREAD_CREATE', '{"id":"5","parent_id":"6"}')).toBe('5');
    expect(channelOf('THREAD_MEMBERS_UPDATE', '{"id":"5"}')).toBe('5');
    expect(channelOf('THREAD_DELETE', '{"parent_id":"6"}')).toBe('6');
    expect(channelOf('THREAD_CREATE', '{"id":"5","parent_id":"6"}', '6')).toBe('6');
    expect(channelOf('THREAD_LIST_SYNC', '{"threads":[]}', '6')).toBe('6');
    expect(refusal(event({ name: 'THREAD_LIST_SYNC', data: '{"threads":[]}' }))).toMatch(/^channel_id: /);
  });

  it.each([
    'MESSAGE_CREATE',
    'MESSAGE_EDIT',
    'MESSAGE_REACTION_ADD',
    'TYPING_START',
    'THREAD_CREATE',
    'CHANNEL_PINS_UPDATE',
  ])('must be known for %s', (name) => {
    for (const data of ['{}', '[]', '1', '{"channel_id":null}', '{"__proto__":{"channel_id":"5"}}']) {
      expect(refusal(event({ name, data }))).toMatch(/^(channel_id|data): /);
    }
  });

  it('must not differ from the one that the monolith named', () => {
    const differing = [
      ['MESSAGE_CREATE', '{"channel_id":"6"}'],
      ['PLATFORM_NEWS', '{"channel_id":6}'],
      ['CHANNEL_UPDATE', '{"id":"6"}'],
      ['THREAD_CREATE', '{"id":"6","parent_id":"7"}'],
      // One digit apart, and the same double.
      ['MESSAGE_CREATE', '{"channel_id":200000000000000001}', '200000000000000000'],
    ] as const;
    for (const [name, data, named = '5'] of differing) {
      expect(refusal(event({ name, data, target: guild('10', named) }))).toMatch(/^channel_id: /);
    }
  });

  it.each(['"general"', '""', '1.5', '-5', '1e30', '0', '{}', '[]', 'true'])(
    'must be an id, not %s',
    (value) => {
      expect(refusal(event({ data: `{"channel_id":${value}}` }))).toMatch(/^data\.channel_id: /);
    },
  );
});
