import { PRESENCES_NAMED } from '@derailed/shared/protocol';
import { GuildRig, member, readyRig, snapshot } from './guild.fixture';

const ownTexts = (rig: GuildRig): string[] =>
  rig.sent.flatMap(({ message }) => {
    if (message.$case !== 'subscribed' || message.value.snapshot === undefined) return [];
    return [new TextDecoder().decode(message.value.snapshot.own)];
  });

describe('Presence in a guild', () => {
  const online = { userId: '2', status: 'online', activities: '[]', clientStatus: '{"web":"online"}' };
  const offline = { userId: '2', status: 'offline', activities: '[]', clientStatus: '{}' };

  it('is told to those with the intent, and an equal state is not told twice', () => {
    const rig = new GuildRig();
    rig.subscribe('with', '2', { intents: 0x100 });
    rig.subscribe('without', '3', { intents: 1 });
    rig.load();
    rig.run(rig.guild.presence({ kind: 'one', presence: online }, rig.at));
    rig.run(rig.guild.presence({ kind: 'one', presence: online }, rig.at));
    rig.run(rig.guild.presence({ kind: 'one', presence: offline }, rig.at));
    rig.run(rig.guild.presence({ kind: 'one', presence: offline }, rig.at));
    expect([rig.got('with'), rig.got('without')]).toEqual([['PRESENCE_UPDATE', 'PRESENCE_UPDATE'], []]);
  });

  it('of a member who has left is told to nobody, and shown when it is back', () => {
    const rig = new GuildRig();
    rig.subscribe('with', '3', { intents: 0x102 });
    rig.load();
    rig.run(rig.guild.presence({ kind: 'one', presence: online }, rig.at));
    rig.publish('GUILD_MEMBER_REMOVE', { user: { id: '2' } });
    rig.run(rig.guild.presence({ kind: 'one', presence: { ...online, status: 'idle' } }, rig.at));
    expect(rig.guild.info().presences).toBe(0);
    expect(rig.got('with')).toEqual(['PRESENCE_UPDATE', 'GUILD_MEMBER_REMOVE']);
    rig.publish('GUILD_MEMBER_ADD', { user: { id: '2' }, roles: [] });
    expect(rig.got('with').slice(2)).toEqual(['GUILD_MEMBER_ADD', 'PRESENCE_UPDATE']);
    rig.publish('GUILD_MEMBER_REMOVE', { user: { id: '2' } });
    rig.run(rig.guild.presence({ kind: 'one', presence: offline }, rig.at));
    rig.publish('GUILD_MEMBER_ADD', { user: { id: '2' }, roles: [] });
    expect(rig.got('with').slice(4)).toEqual(['GUILD_MEMBER_REMOVE', 'GUILD_MEMBER_ADD']);
  });

  it('of a large guild is told and shown only where the client itself named the intent', () => {
    const rig = new GuildRig({ largeGuild: 2 });
    rig.subscribe('named', '2', { intents: 0x101 | PRESENCES_NAMED });
    rig.subscribe('all', '3', { intents: 0x101 });
    rig.load();
    rig.run(rig.guild.presence({ kind: 'one', presence: online }, rig.at));
    expect([rig.got('named'), rig.got('all')]).toEqual([['PRESENCE_UPDATE'], []]);
    rig.subscribe('late', '3', { intents: 0x101 | PRESENCES_NAMED });
    const own = JSON.parse(`{"x":0${ownTexts(rig).at(-1)}`) as object;
    expect(own).toMatchObject({ members: [{ user: { id: '3' } }], presences: [] });
    expect(rig.guild.presencesOf(['2'])).toHaveLength(1);
  });

  it('makes no event when nobody wants one', () => {
    const rig = new GuildRig();
    rig.subscribe('without', '3', { intents: 1 });
    rig.load();
    const before = rig.sent.length;
    rig.run(rig.guild.presence({ kind: 'one', presence: online }, rig.at));
    expect(rig.sent).toHaveLength(before);
  });

  it('is counted and listed for those who ask', () => {
    const rig = readyRig();
    rig.run(rig.guild.presence({ kind: 'one', presence: online }, rig.at));
    expect(rig.guild.info()).toEqual({ presences: 1, available: true });
    expect(rig.guild.presencesOf(['2', '3'])).toEqual([
      '{"user":{"id":"2"},"status":"online","activities":[],"client_status":{"web":"online"}}',
    ]);
  });

  it('outlasts the data of an idle guild', () => {
    const rig = readyRig({ idle: 1000 });
    rig.run(rig.guild.presence({ kind: 'one', presence: online }, rig.at));
    rig.run(rig.guild.unsubscribe('n1', ['s1', 's2', 's3'], rig.at));
    rig.wait(1000);
    expect(rig.guild.info()).toEqual({ presences: 1, available: false });
    rig.subscribe('s2', '2');
    rig.load(snapshot());
    expect(rig.guild.info()).toEqual({ presences: 1, available: true });
  });

  it('is told when its members are there: nobody is on the way from an owner before', () => {
    const rig = new GuildRig();
    rig.subscribe('slow', '4', { intents: 0x100, wantsSnapshot: false, rejoins: true });
    rig.subscribe('with', '3', { intents: 0x100, wantsSnapshot: false, rejoins: true });
    rig.run(rig.guild.presence({ kind: 'one', presence: online }, rig.at));
    rig.load(snapshot({ memberCount: 1000 }));
    expect([rig.got('with'), rig.got('slow')]).toEqual([[], []]);
    rig.run(rig.guild.membersLoaded(rig.lastLoad(), [member('4')], rig.at));
    expect([rig.got('with'), rig.got('slow')]).toEqual([['PRESENCE_UPDATE'], ['PRESENCE_UPDATE']]);
  });
});

describe('A guild that knows nothing of what owners before have told', () => {
  const shown = (userId: string, status = 'online') => ({
    userId,
    status,
    activities: '[]',
    clientStatus: `{"web":"${status}"}`,
  });
  const rejoined = () => {
    const rig = new GuildRig();
    rig.subscribe('s3', '3', { intents: 0x100, wantsSnapshot: false, rejoins: true });
    rig.load();
    return rig;
  };
  /** User and status of each presence that the session-nodes were sent. */
  const told = (rig: GuildRig) =>
    rig.sent.flatMap(({ message }) => {
      if (message.$case !== 'audienceEvent' || message.value.aboutUserId === '') return [];
      const { status } = JSON.parse(new TextDecoder().decode(message.value.event?.data)) as {
        status: string;
      };
      expect(message.value.aboutOffline).toBe(status === 'offline');
      return [`${message.value.aboutUserId} ${status}`];
    });

  it('tells what was otherwise lately, and of those whom clients take for online who is not', () => {
    const rig = rejoined();
    rig.run(rig.guild.presence({ kind: 'shown', userIds: ['1', '2', '77'] }, rig.at));
    expect(told(rig)).toEqual([]);
    rig.run(
      rig.guild.presence(
        { kind: 'all', presences: [shown('2'), shown('3', 'idle')], recent: [false, true] },
        rig.at,
      ),
    );
    expect(told(rig)).toEqual(['3 idle', '1 offline', '77 offline']);
    // Another session-node comes later.
    rig.run(rig.guild.presence({ kind: 'shown', userIds: ['2', '4'] }, rig.at));
    expect(told(rig).slice(3)).toEqual(['4 offline']);
    expect(rig.guild.info().presences).toBe(2);
  });

  it('tells all that is new to a client which was given a GUILD_CREATE before it knew', () => {
    const rig = rejoined();
    rig.subscribe('new', '2', { intents: 0x101 });
    rig.run(rig.guild.presence({ kind: 'all', presences: [shown('2')], recent: [false] }, rig.at));
    expect(told(rig)).toEqual(['2 online']);
  });

  it('tells only the difference when it is told all again', () => {
    const rig = rejoined();
    rig.run(
      rig.guild.presence(
        { kind: 'all', presences: [shown('2'), shown('3')], recent: [false, false] },
        rig.at,
      ),
    );
    rig.run(
      rig.guild.presence(
        { kind: 'all', presences: [shown('3', 'dnd'), shown('1')], recent: [true, true] },
        rig.at,
      ),
    );
    expect(told(rig)).toEqual(['2 offline', '3 dnd', '1 online']);
    rig.run(
      rig.guild.presence(
        { kind: 'all', presences: [shown('3', 'dnd'), shown('1')], recent: [true, true] },
        rig.at,
      ),
    );
    expect(told(rig)).toHaveLength(3);
  });

  it('tells nothing of those who have left', () => {
    const rig = rejoined();
    rig.run(rig.guild.presence({ kind: 'all', presences: [shown('2')], recent: [false] }, rig.at));
    rig.publish('GUILD_MEMBER_REMOVE', { user: { id: '2' } });
    rig.run(rig.guild.presence({ kind: 'shown', userIds: ['2'] }, rig.at));
    rig.run(rig.guild.presence({ kind: 'all', presences: [shown('2', 'idle')], recent: [true] }, rig.at));
    expect(told(rig)).toEqual([]);
    rig.publish('GUILD_MEMBER_ADD', { user: { id: '2' }, roles: [] });
    expect(told(rig)).toEqual(['2 idle']);
  });
});

describe('A session-node', () => {
  const online = { userId: '2', status: 'online', activities: '[]', clientStatus: '{"web":"online"}' };
  const named = (rig: GuildRig) =>
    rig.sent.flatMap(({ node, message }) =>
      message.$case === 'subscribed' ? [`${node} ${message.value.shownUserIds.join()}`] : [],
    );

  it('is told once who is online, with the first session that wants to know', () => {
    const rig = new GuildRig();
    rig.run(rig.guild.presence({ kind: 'one', presence: online }, rig.at));
    rig.subscribe('a', '3', { intents: 1 });
    rig.subscribe('b', '3', { intents: 0x101 });
    rig.subscribe('c', '3', { intents: 0x101 });
    rig.subscribe('d', '3', { intents: 0x101, node: 'n2' });
    rig.subscribe('e', '3', { intents: 0x101, node: 'n3', wantsSnapshot: false, rejoins: true });
    rig.load();
    expect(named(rig)).toEqual(['n1 ', 'n1 2', 'n1 ', 'n2 2', 'n3 ']);
  });

  it('is told again when it had nobody left, and when nobody wanted to know meanwhile', () => {
    const rig = new GuildRig();
    rig.run(rig.guild.presence({ kind: 'one', presence: online }, rig.at));
    rig.subscribe('stays', '3', { intents: 1, node: 'n2' });
    rig.subscribe('a', '3', { intents: 0x101 });
    rig.subscribe('b', '3', { intents: 0x101, node: 'n2' });
    rig.load();
    rig.run(rig.guild.unsubscribe('n1', ['a'], rig.at));
    rig.subscribe('c', '3', { intents: 0x101 });
    rig.run(rig.guild.unsubscribe('n1', ['c'], rig.at));
    rig.run(rig.guild.unsubscribe('n2', ['b'], rig.at));
    rig.subscribe('d', '3', { intents: 0x101, node: 'n2' });
    expect(named(rig)).toEqual(['n2 ', 'n1 2', 'n2 2', 'n1 2', 'n2 2']);
  });
});
