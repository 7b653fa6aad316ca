import { Code } from '@derailed/shared/kernel';
import { channel, GuildRig, guildId, member, readyRig, role, snapshot, VIEW } from './guild.fixture';

const message = { id: '900' };

describe('Guild: loading', () => {
  it('answers a publish to a guild that nobody is subscribed to at once, without reading anything', () => {
    const rig = new GuildRig();
    expect(rig.answerTo(rig.publish('MESSAGE_CREATE', message, { channelId: '200' }))).toEqual({
      sessions: 0,
    });
    expect(rig.asked).toEqual([]);
  });

  it('reads the snapshot once for all who subscribe meanwhile, and lets events wait behind it in order', () => {
    const rig = new GuildRig();
    rig.subscribe('s2', '2');
    rig.subscribe('s3', '3');
    const first = rig.publish('MESSAGE_CREATE', message, { channelId: '200' });
    rig.subscribe('late', '2');
    expect(rig.asked).toEqual([{ kind: 'load', load: 1 }]);
    expect(rig.answerTo(first)).toBeUndefined();
    rig.load();
    expect(rig.answerTo(first)).toEqual({ sessions: 2 });
    expect([rig.got('s2'), rig.got('late')]).toEqual([['MESSAGE_CREATE'], []]);
  });

  it('folds events that waited into the state that was read', () => {
    const rig = new GuildRig();
    rig.subscribe('s3', '3');
    rig.publish('CHANNEL_DELETE', { id: '200' });
    rig.publish('MESSAGE_CREATE', message, { channelId: '200' });
    rig.load();
    expect(rig.got('s3')).toEqual(['CHANNEL_DELETE']);
  });

  it('refuses what no longer fits behind the snapshot', () => {
    const rig = new GuildRig({ pendingEvents: 2 });
    rig.subscribe('s2', '2');
    rig.publish('MESSAGE_CREATE', message, { channelId: '200' });
    expect(rig.answerTo(rig.publish('MESSAGE_CREATE', message, { channelId: '200' }))).toMatchObject({
      code: Code.UNAVAILABLE,
    });
  });

  it('is unavailable while its data can not be read, and reads again for those who ask again', () => {
    const rig = new GuildRig({ loadRetry: 1000 });
    rig.subscribe('s2', '2');
    const waiting = rig.publish('MESSAGE_CREATE', message, { channelId: '200' });
    rig.run(rig.guild.loadFailed(1, rig.at));
    expect(rig.answerTo(waiting)).toMatchObject({ code: Code.UNAVAILABLE });
    expect(rig.sent.map(({ message: sent }) => sent)).toMatchObject([
      { $case: 'subscribeRefused', value: { sessionId: 's2', unavailable: true } },
    ]);
    expect(rig.answerTo(rig.publish('MESSAGE_CREATE', message))).toMatchObject({ code: Code.UNAVAILABLE });
    expect(rig.asked).toHaveLength(1);
    rig.wait(1000);
    rig.subscribe('s2', '2');
    expect(rig.asked).toHaveLength(2);
    rig.load();
    expect(rig.sessions.has('s2')).toBe(true);
  });

  it('says no to those who are no members, and to everybody when there is no such guild', () => {
    const rig = readyRig();
    rig.subscribe('stranger', '77');
    expect(rig.asked.at(-1)).toMatchObject({ kind: 'loadMembers', userIds: ['77'] });
    rig.run(rig.guild.membersLoaded(rig.lastLoad(), [], rig.at));
    expect(rig.sent.at(-1)?.message).toMatchObject({
      $case: 'subscribeRefused',
      value: { sessionId: 'stranger', unavailable: false },
    });
    const gone = new GuildRig();
    gone.subscribe('s2', '2');
    gone.load(null);
    expect(gone.sent.at(-1)?.message).toMatchObject({
      $case: 'subscribeRefused',
      value: { unavailable: false },
    });
  });

  it('is forgotten when nobody was subscribed for a while', () => {
    const rig = readyRig({ idle: 60_000 });
    rig.run(rig.guild.unsubscribe('n1', ['s1', 's2', 's3'], rig.at));
    rig.wait(59_999);
    expect(rig.asked).toHaveLength(1);
    rig.wait(1);
    expect(rig.asked.at(-1)).toEqual({ kind: 'unload' });
  });
});

describe('Guild: members of a large guild', () => {
  const large = snapshot({ memberCount: 1000, members: null });

  it('who were subscribed at an owner before are in before anything is published: an ack would speak of them too', () => {
    const rig = new GuildRig();
    rig.subscribe('s2', '2', { wantsSnapshot: false, rejoins: true });
    const first = rig.publish('SOMETHING');
    rig.load(large);
    const second = rig.publish('SOMETHING_MORE');
    expect([rig.answerTo(first), rig.answerTo(second)]).toEqual([undefined, undefined]);
    rig.run(rig.guild.membersLoaded(1, [member('2')], rig.at));
    expect(rig.got('s2')).toEqual(['SOMETHING', 'SOMETHING_MORE']);
    expect([rig.answerTo(first), rig.answerTo(second)]).toEqual([{ sessions: 1 }, { sessions: 1 }]);
  });

  it.each([
    ['has ended', (rig: GuildRig) => rig.guild.unsubscribe('n1', ['s2'], rig.at)],
    ['is on a node that is gone', (rig: GuildRig) => rig.guild.nodeLost('n1', rig.at)],
    ['can not be read', (rig: GuildRig) => rig.guild.membersFailed(1, rig.at)],
  ])('do not hold up what is published when the session %s', (_, happens) => {
    const rig = new GuildRig();
    rig.subscribe('s2', '2', { wantsSnapshot: false, rejoins: true });
    rig.load(large);
    const call = rig.publish('SOMETHING');
    rig.run(happens(rig));
    expect(rig.answerTo(call)).toEqual({ sessions: 0 });
  });

  it('are read in batches: one query for all who wait', () => {
    const rig = new GuildRig();
    rig.subscribe('s2', '2');
    rig.load(large);
    rig.subscribe('s3', '3');
    rig.subscribe('s4', '4');
    expect(rig.asked.slice(1)).toEqual([{ kind: 'loadMembers', load: 1, userIds: ['2'] }]);
    rig.run(rig.guild.membersLoaded(1, [member('2')], rig.at));
    expect(rig.asked.at(-1)).toEqual({ kind: 'loadMembers', load: 1, userIds: ['3', '4'] });
    rig.run(rig.guild.membersLoaded(1, [member('3')], rig.at));
    expect([...rig.sessions.keys()]).toEqual(['s2', 's3']);
  });

  it('have the changes that were published while they were read', () => {
    const rig = new GuildRig();
    rig.subscribe('s2', '2');
    rig.subscribe('s3', '3');
    rig.load(large);
    rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '2' }, roles: ['10'] });
    rig.publish('GUILD_MEMBER_REMOVE', { user: { id: '3' } });
    rig.run(rig.guild.membersLoaded(1, [member('2')], rig.at));
    rig.run(rig.guild.membersLoaded(1, [member('3')], rig.at));
    rig.publish('MESSAGE_CREATE', message, { channelId: '201' });
    expect(rig.got('s2')).toEqual(['MESSAGE_CREATE']);
  });

  it('are asked for again when the database was away', () => {
    const rig = new GuildRig();
    rig.subscribe('s2', '2');
    rig.load(large);
    rig.run(rig.guild.membersFailed(1, rig.at));
    expect(rig.sent.at(-1)?.message).toMatchObject({
      $case: 'subscribeRefused',
      value: { unavailable: true },
    });
  });
});

describe('Guild: who gets an event', () => {
  it('is who can view the channel', () => {
    const rig = readyRig();
    const open = rig.publish('MESSAGE_CREATE', message, { channelId: '200' });
    const hidden = rig.publish('MESSAGE_CREATE', message, { channelId: '201' });
    expect([rig.answerTo(open), rig.answerTo(hidden)]).toEqual([{ sessions: 3 }, { sessions: 2 }]);
    expect(rig.got('s3')).toEqual(['MESSAGE_CREATE']);
  });

  it('is nobody when the channel is not of the guild, or not named', () => {
    const rig = readyRig();
    rig.publish('MESSAGE_CREATE', message, { channelId: '999' });
    rig.publish('MESSAGE_CREATE', message);
    expect([rig.got('s1'), rig.got('s2')]).toEqual([[], []]);
  });

  it('is who has the permission that the event takes', () => {
    const rig = readyRig();
    rig.publish('GUILD_BAN_ADD', {});
    expect([rig.got('s1'), rig.got('s2')]).toEqual([['GUILD_BAN_ADD'], []]);
  });

  it('is who has a permission that the publisher names, in place of what the event takes', () => {
    const rig = readyRig({}, snapshot({ roles: [role(guildId, VIEW), role('10', 1n << 34n)] }));
    const permissions = String((1n << 34n) | (1n << 1n));
    rig.publish('GUILD_BAN_ADD', {}, { permissions });
    rig.publish('INVITE_CREATE', {}, { permissions, channelId: '200' });
    rig.publish('OURS', {}, { permissions, channelId: '201' });
    rig.publish('OURS', {}, { permissions: '2' });
    expect(rig.got('s1')).toEqual(['GUILD_BAN_ADD', 'INVITE_CREATE', 'OURS', 'OURS']);
    expect(rig.got('s2')).toEqual(['GUILD_BAN_ADD', 'INVITE_CREATE', 'OURS']);
    expect(rig.got('s3')).toEqual([]);
  });

  it('changes with roles from the event on', () => {
    const rig = readyRig();
    rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '3' }, roles: ['10'] });
    rig.publish('MESSAGE_CREATE', message, { channelId: '201' });
    rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '3' }, roles: [] });
    rig.publish('MESSAGE_CREATE', message, { channelId: '201' });
    expect(rig.got('s3')).toEqual([
      'CHANNEL_CREATE',
      'GUILD_MEMBER_UPDATE',
      'MESSAGE_CREATE',
      'CHANNEL_DELETE',
      'GUILD_MEMBER_UPDATE',
    ]);
  });

  it('changes with a channel for all alike by one table, without a word about each member', () => {
    const rig = readyRig();
    const before = rig.sent.length;
    rig.publish('CHANNEL_CREATE', { id: '202', type: 0 });
    const after = rig.sent.slice(before).map(({ message: sent }) => sent.$case);
    expect(after.filter((kind) => kind === 'reclassed')).toEqual([]);
    rig.publish('MESSAGE_CREATE', message, { channelId: '202' });
    expect(rig.got('s3')).toEqual(['CHANNEL_CREATE', 'MESSAGE_CREATE']);
  });

  it('is who saw a channel, for its end', () => {
    const rig = readyRig();
    rig.publish('CHANNEL_DELETE', { id: '201' });
    rig.publish('MESSAGE_CREATE', message, { channelId: '201' });
    expect([rig.got('s2'), rig.got('s3')]).toEqual([['CHANNEL_DELETE'], []]);
  });

  it('is who sees its channel, for a thread; who manages threads, for a private one', () => {
    const rig = readyRig();
    rig.publish('THREAD_CREATE', { id: '300', type: 11, parent_id: '201' });
    rig.publish('THREAD_CREATE', { id: '301', type: 12, parent_id: '200' });
    rig.publish('MESSAGE_CREATE', message, { channelId: '300' });
    rig.publish('THREAD_DELETE', { id: '300', type: 11, parent_id: '201' });
    rig.publish('THREAD_DELETE', { id: '999', type: 11, parent_id: '200' });
    expect(rig.got('s1')).toEqual([
      'THREAD_CREATE',
      'THREAD_CREATE',
      'MESSAGE_CREATE',
      'THREAD_DELETE',
      'THREAD_DELETE',
    ]);
    expect(rig.got('s2')).toEqual(['THREAD_CREATE', 'MESSAGE_CREATE', 'THREAD_DELETE', 'THREAD_DELETE']);
    expect(rig.got('s3')).toEqual(['THREAD_DELETE']);
  });

  it('includes the member whom an update is about, whatever its intents', () => {
    const rig = new GuildRig();
    rig.subscribe('s3', '3', { intents: 1 });
    rig.load();
    rig.publish('GUILD_MEMBER_EDIT', { user: { id: '3' }, nick: 'new' });
    rig.publish('GUILD_MEMBER_EDIT', { user: { id: '2' }, nick: 'new' });
    expect(rig.got('s3')).toEqual(['GUILD_MEMBER_EDIT']);
  });

  it('includes those who come into a thread or leave it with the intent GUILDS alone, where they see it', () => {
    const rig = new GuildRig();
    rig.subscribe('all', '2', { intents: 3 });
    rig.subscribe('named', '3', { intents: 1 });
    rig.subscribe('deaf', '3', { intents: 0 });
    rig.subscribe('other', '2', { intents: 1 });
    rig.load(
      snapshot({
        channels: [
          ...snapshot().channels,
          channel('300', [], { type: 11, parentId: '200' }),
          channel('301', [], { type: 11, parentId: '201' }),
        ],
      }),
    );
    const change = { added_members: [{ user_id: '3' }], removed_member_ids: ['3', '77'] };
    rig.publish('THREAD_MEMBERS_UPDATE', { id: '300', ...change }, { channelId: '300' });
    rig.publish('THREAD_MEMBERS_UPDATE', { id: '301', ...change }, { channelId: '301' });
    rig.publish('THREAD_MEMBERS_UPDATE', change);
    expect(['all', 'named', 'deaf', 'other'].map((id) => rig.got(id).length)).toEqual([2, 1, 0, 0]);
    rig.wait(10_000);
    expect(rig.asked.filter(({ kind }) => kind === 'reread')).toEqual([]);
  });

  it('is nobody twice: a publish that comes again has the first answer, and folds nothing', () => {
    const rig = readyRig();
    rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '3' }, roles: [] }, { id: 'a' });
    rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '3' }, roles: ['10'] }, { id: 'b' });
    expect(
      rig.answerTo(rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '3' }, roles: [] }, { id: 'a' })),
    ).toEqual({
      sessions: 3,
    });
    rig.publish('MESSAGE_CREATE', message, { channelId: '201' });
    expect(rig.got('s3').at(-1)).toBe('MESSAGE_CREATE');
  });

  it('grows again when a timeout ends by the clock', () => {
    const manageThreads = 1n << 34n;
    const data = snapshot({
      roles: [{ ...snapshot().roles[0]!, permissions: VIEW | manageThreads }],
      channels: [channel('200'), channel('301', [], { type: 12, parentId: '200' })],
    });
    const rig = readyRig({}, data);
    const until = new Date(rig.at.wall + 10_000).toISOString();
    rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '3' }, communication_disabled_until: until });
    rig.publish('MESSAGE_CREATE', message, { channelId: '301' });
    expect(rig.got('s3')).toEqual(['GUILD_MEMBER_UPDATE']);
    rig.wait(10_000);
    rig.publish('MESSAGE_CREATE', message, { channelId: '301' });
    expect(rig.got('s3')).toEqual(['GUILD_MEMBER_UPDATE', 'THREAD_LIST_SYNC', 'MESSAGE_CREATE']);
  });
});

describe('Guild: joining', () => {
  it('calls who joined not long before it was read: the owner before may have died ahead of that', () => {
    const rig = new GuildRig();
    const at = (ms: number) => new Date(rig.at.wall - ms).toISOString();
    rig.subscribe('s1', '1');
    const members = [
      member('1', [], { joinedAt: at(86_400_000) }),
      member('2', [], { joinedAt: at(59_000) }),
      member('3', [], { joinedAt: at(61_000) }),
    ];
    rig.load(snapshot({ members }));
    expect(rig.asked.filter(({ kind }) => kind === 'joined')).toEqual([{ kind: 'joined', userId: '2' }]);
  });
});

describe('Guild: leaving', () => {
  it('ends the subscriptions of a member who is removed, at that event', () => {
    const rig = readyRig();
    rig.publish('GUILD_MEMBER_REMOVE', { user: { id: '3' } });
    rig.publish('MESSAGE_CREATE', message, { channelId: '200' });
    expect(rig.got('s3')).toEqual(['GUILD_DELETE']);
    expect(rig.guild.subscribers).toBe(2);
    rig.subscribe('s3', '3');
    rig.run(rig.guild.membersLoaded(rig.lastLoad(), [], rig.at));
    expect(rig.sent.at(-1)?.message.$case).toBe('subscribeRefused');
  });

  it('ends everybody with the guild, and waits for the acks of that', () => {
    const rig = readyRig();
    rig.autoAck = false;
    const call = rig.publish('GUILD_DELETE', { id: guildId });
    expect(rig.answerTo(call)).toBeUndefined();
    rig.run(rig.guild.ack('n1', 1, 3, rig.at));
    expect(rig.answerTo(call)).toEqual({ sessions: 3 });
    expect([rig.guild.subscribers, rig.guild.info().available]).toEqual([0, false]);
    rig.subscribe('again', '2');
    expect(rig.asked.at(-1)).toEqual({ kind: 'load', load: 2 });
  });

  it('ends nobody for an outage', () => {
    const rig = readyRig();
    rig.publish('GUILD_DELETE', { id: guildId, unavailable: true });
    expect([rig.got('s3'), rig.guild.subscribers]).toEqual([['GUILD_DELETE'], 3]);
  });
});
