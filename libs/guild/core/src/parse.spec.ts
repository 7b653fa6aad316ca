import { CallError, Code } from '@derailed/shared/kernel';
import { guildEventFields, parseChange } from './index';

const bytes = (value: unknown) =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

function refusal(name: string, data: unknown): string {
  try {
    parseChange(name, bytes(data));
  } catch (error) {
    if (error instanceof CallError && error.code === Code.INVALID_ARGUMENT) return error.message;
    throw error;
  }
  return '';
}

describe('parseChange', () => {
  it('does not even decode what passes through', () => {
    expect(parseChange('MESSAGE_CREATE', bytes('not JSON'))).toBeUndefined();
  });

  it('takes X_EDIT for X_UPDATE, and keeps only what the event carried', () => {
    expect(
      parseChange('GUILD_ROLE_EDIT', bytes({ role: { id: '5', permissions: '1024', unknown: 1 } })),
    ).toEqual({
      kind: 'role',
      id: '5',
      isNew: false,
      patch: { permissions: 1024n },
    });
    expect(parseChange('CHANNEL_UPDATE', bytes({ id: '5', parent_id: null }))).toMatchObject({
      patch: { parentId: null },
    });
  });

  it.each([
    ['GUILD_UPDATE', '[]', 'data: must be an object'],
    ['GUILD_UPDATE', '{', 'data: must be JSON'],
    ['GUILD_UPDATE', { owner_id: 5 }, 'data.owner_id: must be a decimal id as text'],
    ['CHANNEL_CREATE', {}, 'data.id: must be a decimal id as text'],
    [
      'CHANNEL_CREATE',
      { id: '5', permission_overwrites: [{ id: '6', type: 2 }] },
      'data.permission_overwrites[0].type: must be 0 (role) or 1 (member)',
    ],
    [
      'CHANNEL_CREATE',
      { id: '5', permission_overwrites: [{ id: '6', type: 0, deny: '-1' }] },
      'data.permission_overwrites[0].deny: must be permission bits as decimal text',
    ],
    ['THREAD_DELETE', { id: '5', type: 'x' }, 'data.type: must be a whole number'],
    ['GUILD_ROLE_CREATE', { id: '5' }, 'data.role: must be an object'],
    ['GUILD_ROLE_DELETE', { role: { id: '5' } }, 'data.role_id: must be a decimal id as text'],
    ['GUILD_MEMBER_ADD', { roles: ['5'] }, 'data.user_id: must be a decimal id as text'],
    [
      'GUILD_MEMBER_UPDATE',
      { user: { id: '5' }, roles: ['x'] },
      'data.roles: must be a list of decimal ids as text',
    ],
    [
      'GUILD_MEMBER_UPDATE',
      { user: { id: '5' }, communication_disabled_until: 'soon' },
      'data.communication_disabled_until: must be an ISO 8601 time',
    ],
  ])('refuses a malformed %s %j', (name, data, why) => {
    expect(refusal(name, data)).toBe(why);
  });

  it('reads each user whom a change of thread members names once, and not too many', () => {
    const ids = Array.from({ length: 1000 }, (_, at) => String(at + 1));
    const added_members = ids.map((user_id) => ({ user_id, flags: 0 }));
    const read = (data: object) => parseChange('THREAD_MEMBERS_UPDATE', bytes({ id: '5', ...data }));
    expect(read({ added_members, removed_member_ids: ['1000'] })).toMatchObject({
      kind: 'threadMembers',
      userIds: { length: 1000 },
    });
    expect(read({ added_members: [{ user_id: '7' }] })).toEqual({ kind: 'threadMembers', userIds: ['7'] });
    expect(read({})).toEqual({ kind: 'threadMembers', userIds: [] });
    expect(refusal('THREAD_MEMBERS_UPDATE', { added_members, removed_member_ids: ['1001'] })).toBe(
      'data.added_members: and removed_member_ids must name 1000 users at most',
    );
    expect(refusal('THREAD_MEMBERS_UPDATE', { added_members: [{ id: '7' }] })).toBe(
      'data.added_members[0].user_id: must be a decimal id as text',
    );
  });

  it('reads a voice state with what is absent as false', () => {
    const data = { user_id: '5', channel_id: '7', session_id: 's', self_mute: true, member: { roles: [] } };
    expect(parseChange('VOICE_STATE_UPDATE', bytes(data))).toEqual({
      kind: 'voice',
      userId: '5',
      state: {
        userId: '5',
        channelId: '7',
        sessionId: 's',
        deaf: false,
        mute: false,
        selfDeaf: false,
        selfMute: true,
        selfStream: false,
        selfVideo: false,
        suppress: false,
        requestToSpeak: null,
      },
      data,
    });
    expect(parseChange('VOICE_STATE_UPDATE', bytes({ ...data, channel_id: null }))).toMatchObject({
      userId: '5',
      state: undefined,
    });
    expect(refusal('VOICE_STATE_UPDATE', { ...data, session_id: 's'.repeat(129) })).toBe(
      'data.session_id: must have at most 128 characters',
    );
    expect(refusal('VOICE_STATE_UPDATE', { ...data, user_id: 5 })).toBe(
      'data.user_id: must be a decimal id as text',
    );
  });

  it('reads something of every event in the table', () => {
    const whole = {
      id: '5',
      role_id: '5',
      user: { id: '5' },
      role: { id: '5' },
      user_id: '5',
      channel_id: null,
    };
    for (const name of Object.keys(guildEventFields)) expect(parseChange(name, bytes(whole))).toBeDefined();
  });
});
