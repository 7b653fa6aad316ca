import { GuildRig } from './guild.fixture';

/** User 2 on n1, user 3 on n2. */
function twoNodes(limits = {}): GuildRig {
  const rig = new GuildRig(limits);
  rig.subscribe('s2', '2', { node: 'n1' });
  rig.subscribe('s3', '3', { node: 'n2' });
  rig.load();
  return rig;
}

const say = (rig: GuildRig) => rig.publish('MESSAGE_CREATE', { id: '900' }, { channelId: '200' });
const kinds = (rig: GuildRig, node: string) =>
  rig.sent.filter((sent) => sent.node === node).map((sent) => sent.message.$case);

describe('A guild one of whose session-nodes is away', () => {
  it('keeps the subscriptions of a node whose link broke until it asks for what it missed', () => {
    const rig = twoNodes({ nodeGrace: 60_000 });
    say(rig);
    rig.run(rig.guild.nodeAway('n2', rig.at));
    expect(rig.answerTo(say(rig))).toEqual({ sessions: 1 });
    rig.wait(59_000);
    rig.run(rig.guild.sync('n2', 1, rig.at));
    expect(rig.got('s3')).toHaveLength(2);
    expect(rig.guild.subscribers).toBe(2);
  });

  it('forgets those whose leaving was lost with the link: who subscribes there now need not wait for a sync', () => {
    const rig = twoNodes();
    rig.run(rig.guild.nodeAway('n2', rig.at));
    say(rig);
    const point = { kind: 1, audienceId: '100', owner: 'g', ownerIncarnation: 'a', term: 1, index: 0 };
    rig.subscribe('t2', '2', { node: 'n2', followed: point });
    expect(rig.sessions.has('t2')).toBe(false);
    rig.subscribe('t3', '3', { node: 'n2' });
    expect([rig.sessions.has('t2'), rig.sessions.has('t3')]).toEqual([true, true]);
    expect(rig.guild.holds('n2', 's3')).toBe(false);
  });

  it('subscribes again those that never heard of it, or has them end if they have missed something', () => {
    for (const isPublished of [false, true]) {
      const rig = new GuildRig();
      rig.subscribe('s3', '3', { node: 'n2', rejoins: true });
      rig.load();
      rig.run(rig.guild.nodeAway('n2', rig.at));
      if (isPublished) say(rig);
      rig.sent.length = 0;
      rig.subscribe('s3', '3', { node: 'n2', rejoins: true });
      expect(kinds(rig, 'n2').at(-1)).toBe(isPublished ? 'audienceLost' : 'subscribed');
      expect(rig.guild.holds('n2', 's3')).toBe(!isPublished);
    }
  });

  it('says that an event is delivered without a node when others know that it is behind', () => {
    const rig = twoNodes();
    rig.deaf = true;
    rig.run(rig.guild.nodeAway('n2', rig.at));
    const call = say(rig);
    expect(rig.answerTo(call)).toBeUndefined();
    expect(rig.behind).toEqual([{ kind: 'behind', node: 'n2', needs: 1 }]);
    rig.run(rig.guild.known('n2', 1, rig.at));
    expect(rig.answerTo(call)).toEqual({ sessions: 1 });
  });

  it('is UNAVAILABLE when nobody can be told who lacks an event', () => {
    const rig = twoNodes();
    rig.deaf = true;
    rig.run(rig.guild.nodeAway('n2', rig.at));
    const call = say(rig);
    rig.wait(19_999);
    expect(rig.answerTo(call)).toBeUndefined();
    rig.wait(1);
    expect(rig.answerTo(call)).toMatchObject({ code: 14 });
  });

  it('ends the sessions of a node that an owner before went on without', () => {
    const rig = twoNodes();
    rig.run(rig.guild.nodeLost('n2', rig.at, true));
    expect(kinds(rig, 'n2').at(-1)).toBe('audienceLost');
    expect(rig.answerTo(say(rig))).toEqual({ sessions: 1 });
  });

  it('ends them when it does not come back, or comes back as another', () => {
    const rig = twoNodes({ nodeGrace: 60_000 });
    rig.run(rig.guild.nodeAway('n2', rig.at));
    rig.wait(60_000);
    expect(rig.guild.subscribers).toBe(1);
    rig.run(rig.guild.nodeLost('n1', rig.at));
    expect(rig.guild.subscribers).toBe(0);
  });

  it('tells a node that its sessions are lost when the log does not reach back', () => {
    const rig = twoNodes({ logEvents: 4 });
    rig.run(rig.guild.nodeAway('n2', rig.at));
    for (let at = 0; at < 5; at++) say(rig);
    rig.run(rig.guild.sync('n2', 0, rig.at));
    expect(kinds(rig, 'n2').at(-1)).toBe('audienceLost');
    expect(rig.guild.subscribers).toBe(1);
  });

  it('tells it so too when the class changes do not reach back', () => {
    const rig = twoNodes({ logEvents: 4 });
    rig.run(rig.guild.nodeAway('n2', rig.at));
    for (let at = 0; at < 10; at++)
      rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '3' }, roles: at % 2 ? ['10'] : [] });
    rig.run(rig.guild.sync('n2', 0, rig.at));
    expect(kinds(rig, 'n2').at(-1)).toBe('audienceLost');
  });
});
