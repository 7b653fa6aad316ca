import { GuildRig, readyRig } from './guild.fixture';

const message = { id: '900' };

/** User 2 on n1, user 3 on n2. */
function twoNodes(limits = {}): GuildRig {
  const rig = new GuildRig(limits);
  rig.subscribe('s2', '2', { node: 'n1' });
  rig.subscribe('s3', '3', { node: 'n2' });
  rig.load();
  return rig;
}

const say = (rig: GuildRig, channelId = '200') => rig.publish('MESSAGE_CREATE', message, { channelId });
const kinds = (rig: GuildRig, node: string) =>
  rig.sent.filter((sent) => sent.node === node).map((sent) => sent.message.$case);

const texts = (rig: GuildRig) =>
  rig.sent.flatMap(({ message: sent }) => {
    if (sent.$case !== 'subscribed' || sent.value.snapshot === undefined) return [];
    const { data, own } = sent.value.snapshot;
    const decoder = new TextDecoder();
    return [{ same: sent.value.sameData, data: decoder.decode(data), own: decoder.decode(own) }];
  });

describe('Delivery', () => {
  it('sends an event once to each session-node, and answers when all have acked', () => {
    const rig = twoNodes();
    rig.autoAck = false;
    const call = say(rig);
    expect([kinds(rig, 'n1').at(-1), kinds(rig, 'n2').at(-1)]).toEqual(['audienceEvent', 'audienceEvent']);
    rig.run(rig.guild.ack('n1', 1, 1, rig.at));
    expect(rig.answerTo(call)).toBeUndefined();
    rig.run(rig.guild.ack('n2', 1, 1, rig.at));
    expect(rig.answerTo(call)).toEqual({ sessions: 2 });
  });

  it('introduces a class once to a node, before it is mentioned', () => {
    const rig = new GuildRig();
    rig.subscribe('a', '3');
    rig.subscribe('b', '3');
    rig.load();
    expect(kinds(rig, 'n1')).toEqual(['classTable', 'subscribed', 'subscribed']);
  });

  it('tells all anew to a node that has forgotten what it was told, once', () => {
    const rig = new GuildRig();
    const subscribed = () =>
      rig.sent.flatMap(({ message: sent }) => (sent.$case === 'subscribed' ? [sent.value] : []));
    rig.subscribe('a', '3', { view: 1 });
    rig.load();
    const online = { userId: '2', status: 'online', activities: '[]', clientStatus: '{}' };
    rig.run(rig.guild.presence({ kind: 'one', presence: online }, rig.at));
    rig.subscribe('b', '3', { view: 1 });
    expect(subscribed().map(({ sameData }) => sameData)).toEqual([false, true]);
    // Its sessions have ended, and its word of that comes later: meanwhile it keeps nothing.
    rig.sent.length = 0;
    rig.subscribe('c', '3', { view: 2 });
    rig.subscribe('d', '3', { view: 2 });
    expect(kinds(rig, 'n1')).toEqual(['classTable', 'subscribed', 'subscribed']);
    expect(subscribed().map(({ sameData }) => sameData)).toEqual([false, true]);
    expect(subscribed().map(({ shownUserIds }) => shownUserIds)).toEqual([['2'], []]);
  });

  it('still tells such a node of changes to what its other sessions see', () => {
    const rig = new GuildRig();
    rig.subscribe('a', '3', { view: 1 });
    rig.load();
    rig.subscribe('b', '2', { view: 2 });
    rig.publish('CHANNEL_CREATE', { id: '202', type: 0, name: 'new', position: 2 });
    rig.publish('MESSAGE_CREATE', message, { channelId: '202' });
    expect([rig.got('a').at(-1), rig.got('b').at(-1)]).toEqual(['MESSAGE_CREATE', 'MESSAGE_CREATE']);
  });

  it('takes a node of the version before, which names no number, for one that has forgotten nothing', () => {
    const rig = new GuildRig();
    rig.subscribe('a', '3', { view: 0 });
    rig.load();
    rig.subscribe('b', '3', { view: 0 });
    expect(kinds(rig, 'n1')).toEqual(['classTable', 'subscribed', 'subscribed']);
  });

  it('revokes a node that does not ack in time, and it catches up when it acks', () => {
    const rig = twoNodes({ ackTimeout: 2000 });
    rig.autoAck = false;
    const call = say(rig);
    rig.run(rig.guild.ack('n1', 1, 1, rig.at));
    rig.wait(2000);
    expect(rig.answerTo(call)).toEqual({ sessions: 1 });
    rig.autoAck = true;
    say(rig);
    expect(rig.got('s3')).toHaveLength(1);
    rig.run(rig.guild.ack('n2', 1, 1, rig.at));
    expect(rig.got('s3')).toHaveLength(2);
    say(rig);
    expect([rig.got('s2'), rig.got('s3')].map((got) => got.length)).toEqual([3, 3]);
  });

  it('goes on without a node whose queue is full, and tries it again soon', () => {
    const rig = twoNodes({ refusedRetry: 100 });
    rig.full.add('n2');
    const call = say(rig);
    expect(rig.answerTo(call)).toEqual({ sessions: 1 });
    say(rig);
    rig.wait(100);
    expect(rig.got('s3')).toEqual([]);
    rig.full.delete('n2');
    rig.wait(100);
    expect(rig.got('s3')).toEqual(['MESSAGE_CREATE', 'MESSAGE_CREATE']);
  });

  it('filters what a node catches up on by the classes of that time', () => {
    const rig = twoNodes({ refusedRetry: 100 });
    rig.full.add('n2');
    say(rig, '201');
    rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '3' }, roles: ['10'] });
    say(rig, '201');
    rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '3' }, roles: [] });
    say(rig, '201');
    rig.full.delete('n2');
    rig.wait(100);
    expect(rig.got('s3')).toEqual([
      'CHANNEL_CREATE',
      'GUILD_MEMBER_UPDATE',
      'MESSAGE_CREATE',
      'CHANNEL_DELETE',
      'GUILD_MEMBER_UPDATE',
    ]);
  });

  it('hides what came after a loss of sight even from a member who left before the node caught up', () => {
    const rig = twoNodes({ refusedRetry: 100 });
    rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '3' }, roles: ['10'] });
    rig.full.add('n2');
    rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '3' }, roles: [] });
    say(rig, '201');
    rig.publish('GUILD_MEMBER_REMOVE', { user: { id: '3' } });
    rig.full.delete('n2');
    rig.wait(100);
    expect(rig.got('s3')).toEqual([
      'CHANNEL_CREATE',
      'GUILD_MEMBER_UPDATE',
      'CHANNEL_DELETE',
      'GUILD_MEMBER_UPDATE',
      'GUILD_DELETE',
    ]);
  });

  it('answers a Subscribe of a node that is behind only when it has caught up', () => {
    const rig = twoNodes({ refusedRetry: 100 });
    rig.full.add('n2');
    say(rig);
    rig.subscribe('t3', '3', { node: 'n2' });
    expect(rig.sessions.has('t3')).toBe(false);
    rig.full.delete('n2');
    rig.wait(100);
    say(rig);
    expect([rig.got('s3').length, rig.got('t3').length]).toEqual([2, 1]);
  });

  it('answers the Subscribe of a node whose last session went before it had caught up', () => {
    const rig = twoNodes({ ackTimeout: 2000 });
    rig.autoAck = false;
    say(rig);
    rig.wait(2000);
    rig.subscribe('t3', '3', { node: 'n2' });
    expect(rig.sessions.has('t3')).toBe(false);
    rig.run(rig.guild.unsubscribe('n2', ['s3'], rig.at));
    expect(rig.sessions.has('t3')).toBe(true);
    rig.autoAck = true;
    say(rig);
    expect(rig.got('t3')).toEqual(['MESSAGE_CREATE']);
  });

  it('does so when that session was a member who has left', () => {
    const rig = twoNodes({ ackTimeout: 2000 });
    rig.autoAck = false;
    rig.publish('GUILD_MEMBER_REMOVE', { user: { id: '3' } });
    rig.wait(2000);
    rig.subscribe('t2', '2', { node: 'n2' });
    expect(rig.sessions.has('t2')).toBe(false);
    rig.run(rig.guild.ack('n2', 1, 1, rig.at));
    expect(rig.sessions.has('t2')).toBe(true);
  });

  it('answers again what could not be sent', () => {
    const rig = readyRig({ refusedRetry: 100 });
    rig.full.add('n9');
    rig.subscribe('t3', '3', { node: 'n9' });
    expect(rig.sessions.has('t3')).toBe(false);
    rig.full.delete('n9');
    rig.wait(100);
    expect(say(rig)).toBeDefined();
    expect(rig.got('t3')).toEqual(['MESSAGE_CREATE']);
  });

  it('calls a member who is back before its session-node has heard that it was out, once it has', () => {
    const rig = twoNodes();
    rig.autoAck = false;
    const called = () => rig.asked.flatMap((effect) => (effect.kind === 'joined' ? [effect.userId] : []));
    rig.publish('GUILD_MEMBER_REMOVE', { user: { id: '3' } });
    rig.publish('GUILD_MEMBER_ADD', { user: { id: '3' } });
    rig.run(rig.guild.ack('n1', 2, 1, rig.at));
    expect(called()).toEqual([]);
    rig.run(rig.guild.ack('n2', 1, 1, rig.at));
    expect(called()).toEqual(['3']);
  });

  it('does not call who was out again meanwhile', () => {
    const rig = twoNodes();
    rig.autoAck = false;
    rig.publish('GUILD_MEMBER_REMOVE', { user: { id: '3' } });
    rig.publish('GUILD_MEMBER_ADD', { user: { id: '3' } });
    rig.publish('GUILD_MEMBER_REMOVE', { user: { id: '3' } });
    rig.run(rig.guild.ack('n2', 1, 1, rig.at));
    expect(rig.asked.some(({ kind }) => kind === 'joined')).toBe(false);
  });

  it('loses a node that asks without being subscribed', () => {
    const rig = readyRig();
    rig.run(rig.guild.sync('stranger', 0, rig.at));
    expect(kinds(rig, 'stranger')).toEqual(['audienceLost']);
  });
});

describe('GUILD_CREATE', () => {
  it('carries the shared part once per node and class, and again when the guild has changed', () => {
    const rig = new GuildRig();
    rig.subscribe('a', '3');
    rig.subscribe('b', '3');
    rig.subscribe('c', '2');
    rig.subscribe('d', '3', { node: 'n2' });
    rig.load();
    expect(texts(rig).map(({ same }) => same)).toEqual([false, true, false, false]);
    expect(texts(rig).map(({ data }) => data === '')).toEqual([false, true, false, false]);
    rig.publish('GUILD_UPDATE', { name: 'other' });
    rig.subscribe('e', '3');
    expect(texts(rig).at(-1)).toMatchObject({ same: false });
    expect(texts(rig).at(-1)?.data).toContain('"name":"other"');
  });

  it('is one JSON object with the channels that the member sees, and its own member', () => {
    const rig = new GuildRig();
    rig.subscribe('a', '3', { intents: 1 });
    rig.load();
    const [text] = texts(rig);
    const json = JSON.parse(`${text?.data}${text?.own}`) as Record<string, { id: string }[]>;
    expect(json.channels?.map(({ id }) => id)).toEqual(['200']);
    expect(json).toMatchObject({
      id: '100',
      unavailable: false,
      member_count: 3,
      large: false,
      members: [{ user: { id: '3' } }],
      presences: [],
    });
  });

  it('carries everybody and their presences for those with the intent, in a guild that is not large', () => {
    const rig = new GuildRig();
    const online = { userId: '2', status: 'online', activities: '[]', clientStatus: '{"web":"online"}' };
    rig.run(rig.guild.presence({ kind: 'one', presence: online }, rig.at));
    rig.subscribe('a', '3', { intents: 0x101 });
    rig.subscribe('b', '3', { intents: 0x101, largeThreshold: 2 });
    rig.load();
    const [all, some] = texts(rig).map(
      ({ own }) => JSON.parse(`{"x":0${own}`) as { members: { user: { id: string } }[] },
    );
    expect(all?.members.map(({ user }) => user.id)).toEqual(['1', '2', '3']);
    expect(all).toMatchObject({ presences: [{ user: { id: '2' }, status: 'online' }] });
    expect(some?.members.map(({ user }) => user.id)).toEqual(['2', '3']);
    expect(some).toMatchObject({ large: true });
  });

  it('shows a session to itself, also one that is invisible to all others', () => {
    const rig = new GuildRig();
    const invisible = { status: 'invisible', activities: '[]', client: 'mobile' };
    rig.subscribe('hidden', '3', { intents: 0x101, presence: invisible });
    rig.subscribe('plain', '3', { intents: 1, presence: { ...invisible, status: 'idle' } });
    rig.subscribe('other', '2', { intents: 0x101 });
    rig.load();
    const shown = texts(rig).map(
      ({ own }) => (JSON.parse(`{"x":0${own}`) as { presences: object[] }).presences,
    );
    expect(shown).toEqual([
      [
        {
          user: { id: '3' },
          status: 'invisible',
          activities: [],
          client_status: { mobile: 'invisible' },
        },
      ],
      [expect.objectContaining({ status: 'idle' })],
      [],
    ]);
  });

  it('is left out for a session that has it already, and sent whole to one that asks again', () => {
    const rig = new GuildRig();
    rig.subscribe('a', '3');
    rig.load();
    rig.subscribe('a', '3', { wantsSnapshot: false });
    expect(texts(rig)).toHaveLength(1);
    rig.subscribe('a', '3');
    expect(texts(rig).at(-1)?.same).toBe(false);
  });
});

describe('a session that moves', () => {
  it('is told of what concerns it at both nodes, until it has left one', () => {
    const rig = twoNodes();
    rig.subscribe('s2', '2', { node: 'n2', wantsSnapshot: false });
    const mentions = (node: string): string[] => kinds(rig, node).filter((kind) => kind === 'reclassed');
    rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '2' }, roles: [] });
    expect([mentions('n1'), mentions('n2')].map(({ length }) => length)).toEqual([1, 1]);
    rig.run(rig.guild.unsubscribe('n1', ['s2'], rig.at));
    const before = kinds(rig, 'n1').length;
    rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '2' }, roles: ['10'] });
    say(rig);
    expect(kinds(rig, 'n1')).toHaveLength(before);
    expect(mentions('n2')).toHaveLength(2);
  });
});
