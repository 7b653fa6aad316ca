import { Permission } from '@derailed/shared/protocol';
import {
  channel,
  GuildRig,
  guildId,
  hiddenFrom,
  member,
  readyRig,
  shownTo,
  snapshot,
  VIEW,
} from './guild.fixture';

const hide = { id: guildId, type: 0, allow: '0', deny: `${VIEW}` };

describe('Sight of a channel', () => {
  it('is told to those who gain it, before the event that gave it, and to nobody else', () => {
    const rig = readyRig();
    rig.publish('CHANNEL_UPDATE', { id: '201', permission_overwrites: [] });
    expect(rig.got('s3')).toEqual(['CHANNEL_CREATE', 'CHANNEL_UPDATE']);
    expect(rig.got('s2')).toEqual(['CHANNEL_UPDATE']);
  });

  it('is taken back from those who lose it, with what they knew of it', () => {
    const rig = readyRig();
    rig.publish('CHANNEL_UPDATE', { id: '200', name: 'secret', permission_overwrites: [hide] });
    expect(rig.got('s3')).toEqual(['CHANNEL_DELETE']);
    const gone = rig.sent.find(
      ({ message }) => message.$case === 'audienceEvent' && message.value.event?.name === 'CHANNEL_DELETE',
    )?.message;
    const bytes = gone?.$case === 'audienceEvent' ? gone.value.event?.data : undefined;
    expect(JSON.parse(new TextDecoder().decode(bytes))).toMatchObject({ id: '200', name: 'channel 200' });
  });

  it('is said by the published event itself when a channel comes or goes', () => {
    const rig = readyRig();
    rig.publish('CHANNEL_CREATE', { id: '202', name: 'new' });
    rig.publish('CHANNEL_DELETE', { id: '202' });
    expect(rig.got('s3')).toEqual(['CHANNEL_CREATE', 'CHANNEL_DELETE']);
  });

  it('is taken back too when a channel that is there already is published as new, and hides', () => {
    const rig = readyRig();
    rig.publish('CHANNEL_CREATE', { id: '200', permission_overwrites: [hide] });
    expect(rig.got('s1')).toEqual(['CHANNEL_CREATE']);
    expect(rig.got('s3')).toEqual(['CHANNEL_DELETE']);
  });

  it('is not told without the intent', () => {
    const rig = readyRig();
    rig.subscribe('t3', '3', { intents: 1 << 9 });
    rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '3' }, roles: ['10'] });
    expect(rig.got('t3').filter((name) => name.startsWith('CHANNEL'))).toEqual([]);
  });

  it('brings the threads of the channel, and takes them without a word', () => {
    const channels = [channel('201', [hiddenFrom(guildId), shownTo('10')])];
    const thread = channel('301', [], { type: 11, parentId: '201' });
    const rig = readyRig({}, snapshot({ channels: [...channels, thread] }));
    rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '3' }, roles: ['10'] });
    rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '3' }, roles: [] });
    expect(rig.got('s3').filter((name) => !name.startsWith('GUILD'))).toEqual([
      'CHANNEL_CREATE',
      'THREAD_LIST_SYNC',
      'CHANNEL_DELETE',
    ]);
  });
});

describe('An invite', () => {
  it('is for those who manage its channel, or without one all channels', () => {
    const manager = { ...shownTo('3', 1), allow: VIEW | Permission.MANAGE_CHANNELS };
    const rig = readyRig({}, snapshot({ channels: [channel('200', [manager])] }));
    rig.publish('INVITE_CREATE', {}, { channelId: '200' });
    rig.publish('INVITE_DELETE', {});
    expect(['s1', 's2', 's3'].map((id) => rig.got(id))).toEqual([
      ['INVITE_CREATE', 'INVITE_DELETE'],
      [],
      ['INVITE_CREATE'],
    ]);
  });
});

describe('What the database says', () => {
  it('ends the subscriptions of those who are no members, and calls those who are', () => {
    const rig = readyRig();
    rig.publish('GUILD_ROLE_UPDATE', { role: { id: '10', name: 'x' } });
    rig.wait(5000);
    const now = snapshot();
    rig.reread({ ...now, members: [member('1'), member('2', ['10']), member('4')], memberCount: 3 });
    expect(rig.got('s3').at(-1)).toBe('GUILD_DELETE');
    expect(rig.got('s3')).not.toContain('GUILD_MEMBER_REMOVE');
    expect(rig.got('s2').slice(1)).toEqual(['GUILD_ROLE_UPDATE', 'GUILD_MEMBER_ADD', 'GUILD_MEMBER_REMOVE']);
    expect(rig.asked.at(-1)).toEqual({ kind: 'joined', userId: '4' });
  });

  it('calls who has joined a large guild since it was read before, and is not in it', () => {
    const large = snapshot({ memberCount: 1000, members: null });
    const rig = new GuildRig();
    rig.subscribe('s2', '2');
    rig.load(large);
    rig.run(rig.guild.membersLoaded(rig.lastLoad(), [member('2')], rig.at));
    const times: number[] = [];
    const readAgain = (...joined: string[]): void => {
      rig.publish('GUILD_UPDATE', {});
      rig.wait(5000);
      const asked = rig.asked.at(-1);
      if (asked?.kind === 'reread') times.push(asked.joinedSince - rig.wallOffset);
      const data = { ...large, members: [member('2')] };
      rig.reread(data, joined);
    };
    const before = rig.asked.length;
    readAgain('2', '7');
    readAgain();
    // A minute is for clocks that differ and for what was not committed yet.
    expect(times).toEqual([0 - 60_000, 5000 - 60_000]);
    expect(rig.asked.slice(before).filter(({ kind }) => kind === 'joined')).toEqual([
      { kind: 'joined', userId: '7' },
    ]);
  });

  it('gives way to what was published while it was read', () => {
    const rig = readyRig();
    rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '2' }, nick: 'x' });
    rig.wait(5000);
    rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '2' }, roles: [] });
    rig.reread(snapshot());
    rig.publish('MESSAGE_CREATE', {}, { channelId: '201' });
    expect(rig.got('s2')).not.toContain('MESSAGE_CREATE');
  });

  it('is asked again, ever later, while it can not be read; the guild goes on', () => {
    const rig = readyRig();
    rig.publish('GUILD_ROLE_UPDATE', { role: { id: '10', name: 'y' } });
    for (const wait of [5000, 7500, 15_000]) {
      const before = rig.asked.length;
      rig.wait(wait);
      expect(rig.asked.length).toBe(before + 1);
      const asked = rig.asked.at(-1);
      rig.run(rig.guild.rereadFailed(asked?.kind === 'reread' ? asked.read : 0, rig.at));
    }
    rig.publish('MESSAGE_CREATE', {}, { channelId: '200' });
    expect(rig.got('s3').at(-1)).toBe('MESSAGE_CREATE');
  });

  it('ends a guild that it does not have any more', () => {
    const rig = readyRig();
    rig.publish('GUILD_UPDATE', { name: 'x' });
    rig.wait(5000);
    rig.reread(null);
    expect(rig.got('s2').at(-1)).toBe('GUILD_DELETE');
    expect(rig.guild.info().available).toBe(false);
  });
});
