import {
  channel,
  GuildRig,
  guildId,
  hiddenFrom,
  member,
  role,
  shownTo,
  snapshot,
  VIEW,
} from './guild.fixture';
import type { GuildLimits } from './limits';

const followed = { kind: 1, audienceId: guildId, owner: 'g:1', ownerIncarnation: 'one', term: 1, index: 9 };
const house = {
  roles: [role(guildId, VIEW), role('10')],
  channels: [
    channel('200'),
    channel('201', [hiddenFrom(guildId), shownTo('10')]),
    channel('210', [], { type: 2 }),
  ],
};

function served(data = snapshot(house), limits: Partial<GuildLimits> = {}): GuildRig {
  const rig = new GuildRig(limits);
  for (const userId of ['1', '2', '3']) rig.subscribe(`s${userId}`, userId);
  rig.load(data);
  return rig;
}

/** The owner after it, to which those sessions come. */
function next(before: GuildRig, limits: Partial<GuildLimits> = {}): GuildRig {
  const rig = new GuildRig(limits);
  for (const userId of ['1', '2', '3'])
    rig.subscribe(`s${userId}`, userId, { wantsSnapshot: false, rejoins: true, followed });
  expect(rig.asked).toMatchObject([{ kind: 'load', before: followed }]);
  rig.load(before.guild.handOver()?.());
  return rig;
}

/** Who of the three sessions gets a message in the channel. */
function readers(rig: GuildRig, channelId: string): string[] {
  const before = new Map(['s1', 's2', 's3'].map((id) => [id, rig.got(id).length]));
  rig.publish('MESSAGE_CREATE', { channel_id: channelId }, { channelId });
  return [...before].flatMap(([id, count]) => (rig.got(id).length > count ? id : []));
}

describe('a guild that goes to another owner', () => {
  it('is there as it was published last, whatever the database had', () => {
    const before = served();
    before.publish(
      'CHANNEL_CREATE',
      { id: '220', guild_id: guildId, type: 0, name: 'new', permission_overwrites: [] },
      { channelId: '220' },
    );
    before.publish('GUILD_ROLE_CREATE', { guild_id: guildId, role: { id: '11', permissions: '0' } });
    before.publish('GUILD_MEMBER_UPDATE', { guild_id: guildId, user: { id: '3' }, roles: ['10', '11'] });
    const after = next(before);
    for (const channelId of ['200', '201', '220'])
      expect(readers(after, channelId)).toEqual(readers(before, channelId));
    expect(readers(after, '201')).toContain('s3');
  });

  it('still knows who is in voice, which no database does', () => {
    const before = served();
    const data = { guild_id: guildId, user_id: '2', channel_id: '210', session_id: 'v' };
    before.publish('VOICE_STATE_UPDATE', data, { channelId: '210' });
    const after = next(before);
    after.subscribe('new', '1');
    const message = after.sent.at(-1)?.message;
    const own = message?.$case === 'subscribed' ? message.value.snapshot?.own : undefined;
    expect(new TextDecoder().decode(own)).toContain('"user_id":"2"');
  });

  it('of which members are left out brings those that are known, and reads nobody again', () => {
    const members = ['1', '2', '3'].map((id) => member(id));
    const before = new GuildRig();
    for (const { user } of members) before.subscribe(`s${user.id}`, user.id);
    before.load(snapshot({ ...house, members: null, memberCount: 300 }));
    // One read takes all who wait by then.
    for (let read = 0; read < 2; read++)
      before.run(before.guild.membersLoaded(before.lastLoad(), members, before.at));
    const after = next(before);
    expect(readers(after, '200')).toEqual(['s1', 's2', 's3']);
    expect(after.asked.map(({ kind }) => kind)).toEqual(['load']);
  });

  it.each([
    [true, 'soon when something was published that its owner before has not read again'],
    [false, 'now and then when that one was up to date'],
  ])('is read again (%s: %s)', (touched) => {
    const limits = { reconcileAfter: 5000, reconcileEvery: 600_000 };
    const before = served(snapshot(house), limits);
    if (touched)
      before.publish('GUILD_ROLE_UPDATE', { guild_id: guildId, role: { id: '10', permissions: '0' } });
    const after = next(before, limits);
    after.wait(10_000);
    expect(after.asked.some(({ kind }) => kind === 'reread')).toBe(touched);
  });

  it('is not handed over while it is not read, nor when nobody would follow it', () => {
    const rig = new GuildRig();
    rig.subscribe('s1', '1');
    expect(rig.guild.handOver()).toBeUndefined();
    rig.load(snapshot(house));
    expect(rig.guild.handOver()).toBeDefined();
    rig.run(rig.guild.unsubscribe('n1', ['s1'], rig.at));
    expect(rig.guild.handOver()).toBeUndefined();
  });
});
