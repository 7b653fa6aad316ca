import { Intent } from '@derailed/shared/protocol';
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

const VOICE = Intent.GUILDS | Intent.GUILD_VOICE_STATES;
const [open, hidden] = ['210', '211'];

/** Everybody sees voice channel 210; 211 is for role 10 alone, which member 2 has. */
const house = snapshot({
  roles: [role(guildId, VIEW), role('10')],
  channels: [
    channel('200'),
    channel(open, [], { type: 2 }),
    channel(hidden, [hiddenFrom(guildId), shownTo('10')], { type: 2 }),
  ],
});

function rigOf(limits = {}, data = house): GuildRig {
  const rig = new GuildRig(limits);
  for (const userId of ['1', '2', '3']) rig.subscribe(`s${userId}`, userId, { intents: VOICE });
  rig.load(data);
  return rig;
}

/** As the tunnel hands it on: with the channel of its data. */
function speak(rig: GuildRig, userId: string, channelId: string | null, more: object = {}): void {
  const data = { guild_id: guildId, user_id: userId, channel_id: channelId, session_id: 'v', ...more };
  rig.publish('VOICE_STATE_UPDATE', data, { channelId: channelId ?? '' });
}

/** The channel of each voice state that the session was told of, in order. */
function channelsTold(rig: GuildRig, sessionId: string): unknown[] {
  return rig.dataOf(sessionId, 'VOICE_STATE_UPDATE').map((data) => data['channel_id']);
}

interface Shown {
  readonly voice_states: { readonly user_id: string; readonly channel_id: string }[];
  readonly members: { readonly user: { readonly id: string } }[];
  readonly presences: { readonly user: { readonly id: string } }[];
}

/** Who is shown to a new session in voice, as a member, with a presence. */
function shows(
  rig: GuildRig,
  userId: string,
  intents: number,
  largeThreshold = 50,
): [string[], string[], string[]] {
  rig.subscribe(`new ${rig.sent.length}`, userId, { intents, largeThreshold });
  const message = rig.sent.at(-1)?.message;
  if (message?.$case !== 'subscribed' || message.value.snapshot === undefined)
    throw new Error('no GUILD_CREATE');
  const { own } = message.value.snapshot;
  const { voice_states, members, presences } = JSON.parse(`{"x":0${new TextDecoder().decode(own)}`) as Shown;
  return [
    voice_states.map((state) => `${state.user_id} in ${state.channel_id}`),
    members.map(({ user }) => user.id).sort(),
    presences.map(({ user }) => user.id).sort(),
  ];
}

const online = (userId: string) => ({
  userId,
  status: 'online',
  activities: '[]',
  clientStatus: '{"web":"online"}',
});

describe('Members in voice', () => {
  it('are in GUILD_CREATE with their member and presence, whatever the intents, where their channel is seen', () => {
    const rig = rigOf();
    for (const userId of ['1', '2'])
      rig.run(rig.guild.presence({ kind: 'one', presence: online(userId) }, rig.at));
    speak(rig, '1', open, { self_mute: true });
    speak(rig, '2', hidden);
    expect(shows(rig, '3', 1)).toEqual([[`1 in ${open}`], ['1', '3'], ['1']]);
    expect(shows(rig, '2', 1)).toEqual([
      [`1 in ${open}`, `2 in ${hidden}`],
      ['1', '2'],
      ['1', '2'],
    ]);
    speak(rig, '1', null);
    expect(shows(rig, '3', 1)).toEqual([[], ['3'], []]);
  });

  it('are shown in a large guild beside those who are online', () => {
    const rig = rigOf();
    speak(rig, '1', open);
    // 2 has a role, 1 stands out by its voice alone.
    expect(shows(rig, '3', 0x101, 2)).toEqual([[`1 in ${open}`], ['1', '2', '3'], []]);
    expect(shows(rigOf({ largeGuild: 2 }), '3', 0x101)).toEqual([[], ['3'], []]);
    const huge = rigOf({ largeGuild: 2 });
    speak(huge, '1', open);
    expect(shows(huge, '3', 0x101)).toEqual([[`1 in ${open}`], ['1', '3'], []]);
  });

  it('are told of to those who see the channel, and leave for those who saw it', () => {
    const rig = rigOf();
    speak(rig, '1', open);
    speak(rig, '1', hidden);
    speak(rig, '1', hidden, { mute: true });
    speak(rig, '1', null);
    // 3 does not see the hidden channel: for it the member has left, once.
    expect(channelsTold(rig, 's3')).toEqual([open, null]);
    expect(channelsTold(rig, 's2')).toEqual([open, hidden, hidden, null]);
    expect(rig.dataOf('s3', 'VOICE_STATE_UPDATE').at(-1)).toEqual({
      guild_id: guildId,
      user_id: '1',
      channel_id: null,
      session_id: 'v',
    });
  });

  it('leave for everybody when nobody knows where they were, or that channel is no more', () => {
    const rig = rigOf();
    speak(rig, '1', null);
    speak(rig, '1', hidden);
    rig.publish('CHANNEL_DELETE', { id: hidden });
    speak(rig, '1', null);
    expect(channelsTold(rig, 's3')).toEqual([null, null]);
    // Unless the publisher says it.
    const data = { user_id: '2', channel_id: null };
    rig.publish('VOICE_STATE_UPDATE', data, { channelId: open });
    rig.publish('VOICE_STATE_UPDATE', data, { channelId: '9' });
    expect(channelsTold(rig, 's3')).toEqual([null, null, null]);
  });

  it('are out of voice when they are no members any more, and with the guild', () => {
    const rig = rigOf();
    speak(rig, '3', open);
    rig.publish('GUILD_MEMBER_REMOVE', { user: { id: '3' } });
    expect(shows(rig, '2', 1)[0]).toEqual([]);
    speak(rig, '1', open);
    rig.publish('GUILD_DELETE', { id: guildId });
    rig.subscribe('again', '2');
    rig.load(house);
    expect(shows(rig, '2', 1)[0]).toEqual([]);
  });

  it('are remembered while nobody is subscribed', () => {
    const rig = new GuildRig({ idle: 1000 });
    speak(rig, '1', open);
    rig.wait(60_000);
    rig.subscribe('s1', '1', { intents: VOICE });
    rig.load(house);
    expect(shows(rig, '2', 1)[0]).toEqual([`1 in ${open}`]);
    expect(rig.asked.some(({ kind }) => kind === 'unload')).toBe(false);
  });

  it('are remembered up to a limit; of others the events pass', () => {
    const rig = rigOf({ voiceStates: 1 });
    speak(rig, '1', open);
    speak(rig, '2', open);
    speak(rig, '1', open, { deaf: true });
    expect(channelsTold(rig, 's3')).toEqual([open, open, open]);
    expect(shows(rig, '3', 1)[0]).toEqual([`1 in ${open}`]);
  });

  describe('of a guild that does not hold all of its members', () => {
    const crowd = { ...house, memberCount: 1000, members: null };
    const everybody = ['1', '2', '3', '7', '8'].map((id) => member(id, id === '2' ? ['10'] : []));
    /** Answers reads of members until none is asked for; of each, whom it was for. */
    const answer = (rig: GuildRig, known = everybody): string[][] => {
      const reads: string[][] = [];
      for (;;) {
        const asked = rig.asked.at(-1);
        if (asked?.kind !== 'loadMembers') return reads;
        rig.asked.pop();
        reads.push([...asked.userIds]);
        const members = known.filter(({ user }) => asked.userIds.includes(user.id));
        rig.run(rig.guild.membersLoaded(asked.load, members, rig.at));
      }
    };
    const crowded = (limits = {}): GuildRig => {
      const rig = rigOf(limits, crowd);
      answer(rig);
      return rig;
    };
    /** The same as `shows`, with the reads that the session waits for. */
    const showsAfter = (rig: GuildRig, userId: string, known = everybody) => {
      const before = rig.sent.length;
      rig.subscribe(`new ${before}`, userId, { intents: 1 });
      const reads = answer(rig, known);
      const message = rig.sent.at(-1)?.message;
      if (message?.$case !== 'subscribed' || message.value.snapshot === undefined)
        throw new Error('no GUILD_CREATE');
      const text = new TextDecoder().decode(message.value.snapshot.own);
      const { voice_states, members } = JSON.parse(`{"x":0${text}`) as Shown;
      return {
        reads,
        states: voice_states.map(({ user_id }) => user_id).sort(),
        members: members.map(({ user }) => user.id).sort(),
      };
    };

    it('are read before somebody is shown them, once', () => {
      const rig = crowded();
      speak(rig, '7', open);
      speak(rig, '1', open);
      expect(showsAfter(rig, '3')).toEqual({
        reads: [['7', '3']],
        states: ['1', '7'],
        members: ['1', '3', '7'],
      });
      expect(showsAfter(rig, '3').reads).toEqual([]);
    });

    it('are read with the first who comes', () => {
      const rig = new GuildRig();
      speak(rig, '7', open);
      rig.subscribe('s1', '1', { intents: VOICE });
      rig.load(crowd);
      expect(answer(rig)).toEqual([['7', '1']]);
      expect(showsAfter(rig, '1').members).toEqual(['1', '7']);
    });

    it('who come during the read are waited for too, but not for ever', () => {
      const rig = crowded();
      const arrivals = ['8', '91', '92', '93', '94'];
      speak(rig, '7', open);
      rig.subscribe('new', '3', { intents: 1 });
      let reads = 0;
      for (let asked = rig.asked.at(-1); asked?.kind === 'loadMembers'; asked = rig.asked.at(-1)) {
        rig.asked.pop();
        reads++;
        speak(rig, arrivals[reads - 1] ?? '', open);
        const { userIds, load } = asked;
        rig.run(
          rig.guild.membersLoaded(
            load,
            userIds.map((id) => member(id)),
            rig.at,
          ),
        );
      }
      expect(reads).toBe(3);
      expect(rig.sent.at(-1)?.message.$case).toBe('subscribed');
    });

    it('who are no members are shown to nobody, and asked for once', () => {
      const rig = crowded();
      speak(rig, '66', open);
      expect(showsAfter(rig, '3')).toEqual({ reads: [['66', '3']], states: [], members: ['3'] });
      expect(showsAfter(rig, '3').reads).toEqual([]);
    });

    it('are known as events and the database say, as long as they are in voice', () => {
      const rig = crowded({ reconcileAfter: 1000 });
      speak(rig, '7', open);
      showsAfter(rig, '3');
      rig.publish('GUILD_MEMBER_UPDATE', { user: { id: '7' }, nick: 'Seven' });
      const nickOf = (): unknown => {
        rig.subscribe(`look ${rig.sent.length}`, '3', { intents: 1 });
        const message = rig.sent.at(-1)?.message;
        const own = message?.$case === 'subscribed' ? message.value.snapshot?.own : undefined;
        return /"nick":"(\w+)"/.exec(new TextDecoder().decode(own))?.[1];
      };
      expect(nickOf()).toBe('Seven');
      rig.wait(1000);
      const asked = rig.asked.at(-1);
      if (asked?.kind !== 'reread') throw new Error('not read again');
      expect([...asked.userIds].sort()).toEqual(['1', '2', '3', '7']);
      const members = [...everybody.slice(0, 3), member('7', [], { nick: 'VII' })];
      rig.run(rig.guild.reread(asked.read, { snapshot: crowd, members, joined: [] }, rig.at));
      expect(nickOf()).toBe('VII');
      speak(rig, '7', null);
      speak(rig, '7', open);
      expect(showsAfter(rig, '3').reads).toEqual([['7', '3']]);
    });

    it('are still known when they have no session any more', () => {
      const rig = crowded();
      speak(rig, '1', open);
      rig.run(rig.guild.unsubscribe('n1', ['s1'], rig.at));
      expect(showsAfter(rig, '3')).toEqual({ reads: [], states: ['1'], members: ['1', '3'] });
    });

    it('can not be shown while the database is away: who comes is told to wait', () => {
      const rig = crowded();
      speak(rig, '7', open);
      rig.subscribe('new', '3', { intents: 1 });
      const asked = rig.asked.pop();
      if (asked?.kind !== 'loadMembers') throw new Error('nobody was asked for');
      rig.run(rig.guild.membersFailed(asked.load, rig.at));
      expect(rig.sent.at(-1)?.message).toMatchObject({
        $case: 'subscribeRefused',
        value: { sessionId: 'new', unavailable: true },
      });
      expect(showsAfter(rig, '3').states).toEqual(['7']);
    });

    it('do not keep members from coming in, however many they are', () => {
      const rig = crowded({ pendingEvents: 3 });
      for (let id = 7; id < 20; id++) speak(rig, String(id), open);
      rig.subscribe('new', '3', { intents: 1 });
      rig.subscribe('newer', '2', { intents: 1 });
      expect(rig.sent.some(({ message }) => message.$case === 'subscribeRefused')).toBe(false);
    });
  });

  it('an event that does not say who or where passes and changes nothing', () => {
    const rig = rigOf();
    rig.publish('VOICE_STATE_UPDATE', { channel_id: open }, { channelId: open });
    rig.publish('VOICE_STATE_UPDATE', { user_id: '1' });
    expect(rig.got('s3')).toEqual(['VOICE_STATE_UPDATE', 'VOICE_STATE_UPDATE']);
    expect(shows(rig, '3', 1)[0]).toEqual([]);
  });
});
