import type { RawClient } from '../raw-client';
import { type Player, annex, cast, crowd, hall, throng } from './cast';
import { proves, provesEach } from './proves';
import { type Stage, everything } from './stage';
import { toldStatus } from './told-status';

const { secret, category, child, strange, voice, managed, lounge } = annex.channels;
const guilds = 1;

/** What permissions, intents and events leave alone or let through, against what one might expect. */
export function finePrintSuite(stage: () => Stage): void {
  const publish = (name: string, data: object) =>
    stage().publisher.publish({ guildId: annex.id }, name, data);
  let marks = 0;
  /** Names of what each of them was told in the annex of what was published meanwhile; all is told when it answers. */
  const told = async (clients: readonly RawClient[], meanwhile: () => Promise<void>): Promise<string[][]> => {
    const before = clients.map(({ received }) => received.length);
    await meanwhile();
    const mark = `FINE_MARK_${++marks}`;
    await publish(mark, {});
    await Promise.all(clients.map((client) => client.event(mark)));
    return clients.map(({ received }, at) =>
      received.slice(before[at]).flatMap(({ t, d }) => (t === null || t === mark ? [] : [named(t, d)])),
    );
  };
  const settled = (clients: readonly RawClient[]) => told(clients, async () => undefined);
  const named = (name: string, { channel_id: id }: Record<string, unknown>): string =>
    typeof id === 'string' ? `${name} ${id}` : name;
  const enter = async (players: readonly Player[], intents: number): Promise<RawClient[]> => {
    const clients = [];
    for (const player of players) clients.push(await stage().enter(player, { intents }));
    return clients;
  };

  describe('the fine print', () => {
    provesEach(
      ['permissions.category', 'permissions.strangers', 'permissions.voice', 'permissions.timeout'],
      '%s sees what a hidden category, a timeout, strangers and a locked door leave to see',
      [
        ['eve', [secret, category, child, strange, voice, managed, lounge]],
        ['fay', [child, strange, voice, managed]],
        ['gus', [child, strange, voice, managed]],
      ] as [Player, string[]][],
      async (player, seen) => {
        const client = await stage().enter(player, { intents: guilds | (1 << 9) });
        const { d } = await client.event('GUILD_CREATE');
        expect((d['channels'] as { id: string }[]).map(({ id }) => id).sort()).toEqual(seen);
        const [heard] = await told([client], async () => {
          for (const id of Object.values(annex.channels)) await publish('MESSAGE_CREATE', { channel_id: id });
        });
        expect(heard).toEqual(seen.map((id) => `MESSAGE_CREATE ${id}`));
      },
    );

    proves(
      ['intents.invites', 'permissions.timeout'],
      'invites are for who manages their channel, and is not in a timeout',
      async () => {
        const clients = await enter(['eve', 'fay', 'gus'], guilds | (1 << 6));
        const heard = await told(clients, async () => {
          await publish('INVITE_CREATE', { channel_id: managed, code: 'a' });
          await publish('INVITE_DELETE', { channel_id: child, code: 'b' });
        });
        const [ofManaged, ofChild] = [`INVITE_CREATE ${managed}`, `INVITE_DELETE ${child}`];
        expect(heard).toEqual([[ofManaged, ofChild], [], [ofManaged]]);
      },
    );

    proves(['permissions.timeout-ends'], 'a timeout ends by the clock', async () => {
      const [gus] = await enter(['gus'], guilds | (1 << 6));
      const until = new Date(Date.now() + 1500).toISOString();
      const invite = (code: string) => publish('INVITE_CREATE', { channel_id: managed, code });
      await stage().query(
        `update members set communication_disabled_until = '${until}'
         where guild_id = ${annex.id} and user_id = ${cast.gus.id}`,
      );
      const [heard] = await told([gus!], async () => {
        await publish('GUILD_MEMBER_UPDATE', {
          user: { id: cast.gus.id },
          communication_disabled_until: until,
        });
        await invite('early');
      });
      expect(heard).toEqual(['GUILD_MEMBER_UPDATE']);
      const come = gus!.event('INVITE_CREATE');
      let hasCome = false;
      void come.then(() => (hasCome = true));
      while (!hasCome) await invite('late');
      expect((await come).d['code']).toBe('late');
      expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(until));
    });

    proves(
      ['intents.permissions'],
      'the audit log, bans and automod are for those who have the permission of each',
      async () => {
        const players = ['eve', 'gus', 'log', 'ban', 'rule'] as const;
        const clients = await enter(players, guilds | (1 << 2) | (1 << 20) | (1 << 21));
        const log = ['GUILD_AUDIT_LOG_ENTRY_CREATE'];
        const bans = ['GUILD_BAN_ADD', 'GUILD_BAN_REMOVE'];
        const rules = ['AUTO_MODERATION_RULE_UPDATE', 'AUTO_MODERATION_ACTION_EXECUTION'];
        const heard = await told(clients, async () => {
          for (const name of [...log, ...bans, ...rules]) await publish(name, {});
        });
        expect(heard).toEqual([[...log, ...bans, ...rules], [], [...log, ...bans], bans, rules]);
      },
    );

    proves(['intents.own-member'], 'a change of the own member needs no intent', async () => {
      const clients = await enter(['fay', 'gus'], guilds);
      const heard = await told(clients, () =>
        publish('GUILD_MEMBER_UPDATE', { user: { id: cast.gus.id }, nick: 'Gus' }).then(() => undefined),
      );
      expect(heard).toEqual([[], ['GUILD_MEMBER_UPDATE']]);
    });

    proves(
      ['intents.thread-members', 'intents.channels'],
      'who comes into a thread and leaves it is told without GUILD_MEMBERS to those whom it is about',
      async () => {
        const clients: RawClient[] = [];
        // Ben and dan are named below, and cat is not; ben does not see the thread of the mods.
        for (const [player, intents] of [
          ['ann', guilds | 2],
          ['ben', guilds],
          ['ben', 0],
          ['cat', guilds],
          ['dan', guilds],
        ] as [Player, number][])
          clients.push(await stage().enter(player, { intents }));
        const { thread, modThread } = hall.channels;
        const toHall = (name: string, data: object) =>
          stage().publisher.publish({ guildId: hall.id }, name, data);
        await stage().inHall(...clients);
        const change = {
          guild_id: hall.id,
          member_count: 2,
          added_members: [{ user_id: cast.ben.id, flags: 0, join_timestamp: '2024-05-01T00:00:00Z' }],
          removed_member_ids: [cast.dan.id, cast.ben.id],
        };
        for (const id of [thread, modThread]) await toHall('THREAD_MEMBERS_UPDATE', { id, ...change });
        await toHall('THREADS_TOLD', {});
        await Promise.all(clients.map((client) => client.event('THREADS_TOLD')));
        const heard = clients.map(({ received }) =>
          received.filter(({ t }) => t === 'THREAD_MEMBERS_UPDATE').map(({ d }) => d),
        );
        const [ofThread, ofMods] = [
          { id: thread, ...change },
          { id: modThread, ...change },
        ];
        expect(heard).toEqual([[ofThread, ofMods], [ofThread], [], [], [ofThread, ofMods]]);
      },
    );

    proves(['events.partial'], 'fields that are absent change nothing, nor does an event twice', async () => {
      const clients = await enter(['eve', 'gus'], guilds | (1 << 9));
      const heard = await told(clients, async () => {
        for (let twice = 0; twice < 2; twice++) {
          await publish('CHANNEL_UPDATE', { id: secret, name: 'more secret' });
          await publish('GUILD_ROLE_UPDATE', { role: { id: annex.id, name: '@everyone' } });
          await publish('GUILD_UPDATE', { id: annex.id, name: 'The annex' });
        }
        await publish('MESSAGE_CREATE', { channel_id: secret });
        await publish('MESSAGE_CREATE', { channel_id: child });
      });
      const all = ['CHANNEL_UPDATE', 'GUILD_ROLE_UPDATE', 'GUILD_UPDATE'];
      const some = ['GUILD_ROLE_UPDATE', 'GUILD_UPDATE'];
      expect(heard).toEqual([
        [...all, ...all, `MESSAGE_CREATE ${secret}`, `MESSAGE_CREATE ${child}`],
        [...some, ...some, `MESSAGE_CREATE ${child}`],
      ]);
    });

    proves(
      ['guild-create.voice', 'intents.voice'],
      'who is in voice is shown to those who see the channel, and leaves for those who saw it',
      async () => {
        const voices = guilds | (1 << 7);
        const eve = await stage().enter('eve', { intents: voices | (1 << 8) });
        const gus = await stage().enter('gus', { intents: voices });
        // As she was in a test before, and then as she comes.
        await eve.first(() => toldStatus(eve, 'fay', annex.id) !== 'online');
        await enter(['fay'], guilds);
        await eve.first(() => toldStatus(eve, 'fay', annex.id) === 'online');
        const channels = ({ received }: RawClient) =>
          received.filter(({ t }) => t === 'VOICE_STATE_UPDATE').map(({ d }) => d['channel_id']);
        const speak = (channel_id: string | null) =>
          publish('VOICE_STATE_UPDATE', {
            guild_id: annex.id,
            user_id: cast.fay.id,
            channel_id,
            session_id: 'voice',
            self_mute: true,
          });
        const shown = async (player: Player): Promise<unknown[]> => {
          const client = await stage().enter(player, { intents: guilds });
          const { d } = await client.event('GUILD_CREATE');
          const ids = (key: string) =>
            (d[key] as { user: { id: string } }[])
              .map(({ user }) => user.id)
              .filter((id) => id === cast.fay.id);
          return [d['voice_states'], ids('members'), ids('presences')];
        };
        const state = (channel_id: string) => ({
          user_id: cast.fay.id,
          channel_id,
          session_id: 'voice',
          deaf: false,
          mute: false,
          self_deaf: false,
          self_mute: true,
          self_stream: false,
          self_video: false,
          suppress: false,
          request_to_speak_timestamp: null,
        });
        await speak(voice);
        expect(await shown('gus')).toEqual([[state(voice)], [cast.fay.id], [cast.fay.id]]);
        await speak(lounge);
        expect(await shown('gus')).toEqual([[], [], []]);
        expect(await shown('eve')).toEqual([[state(lounge)], [cast.fay.id], [cast.fay.id]]);
        await speak(null);
        expect(await shown('eve')).toEqual([[], [], []]);
        await settled([eve, gus]);
        expect(channels(eve)).toEqual([voice, lounge, null]);
        // That fay went into the lounge, gus must not know: for gus it left.
        expect(channels(gus)).toEqual([voice, null]);
        expect(JSON.stringify(gus.received)).not.toContain(lounge);
      },
    );

    proves(
      ['guild-create.voice', 'guild-create.large'],
      'of a guild of 300 who is in voice is shown, whether or not the gateway knew of that member, and who is online',
      async () => {
        const uma = await stage().enter('uma', { intents: guilds });
        const watcher = await stage().enter('tom', { intents: guilds | (1 << 8) });
        await watcher.first(() => toldStatus(watcher, 'uma', throng.id) === 'online');
        const speak = (channel_id: string | null) =>
          stage().publisher.publish({ guildId: throng.id }, 'VOICE_STATE_UPDATE', {
            guild_id: throng.id,
            user_id: throng.extra,
            channel_id,
            session_id: 'voice',
          });
        const shown = async (intents: number): Promise<unknown[]> => {
          const client = await stage().enter('tom', { intents });
          const { d } = await client.event('GUILD_CREATE');
          const members = d['members'] as { user: { id: string; username: string } }[];
          return [
            d['large'],
            d['member_count'],
            (d['voice_states'] as { user_id: string }[]).map(({ user_id: id }) => id),
            members.map(({ user }) => user.username).sort(),
          ];
        };
        await speak(throng.voice);
        const extra = 'extra-3';
        expect(await shown(guilds)).toEqual([true, throng.members, [throng.extra], [extra, 'tom']]);
        expect(await shown(guilds | (1 << 8))).toEqual([
          true,
          throng.members,
          [throng.extra],
          [extra, 'tom', 'uma'],
        ]);
        await speak(null);
        expect(await shown(guilds)).toEqual([true, throng.members, [], ['tom']]);
        await uma.leave();
      },
    );

    proves(['events.old-contract'], 'the old service keeps to the channel of the data', async () => {
      const clients = await enter(['eve', 'gus'], guilds | (1 << 9));
      const heard = await told(clients, async () => {
        await stage().publisher.publishOld(annex.id, 'MESSAGE_CREATE', { channel_id: secret });
        await stage().publisher.publishOld(annex.id, 'MESSAGE_CREATE', { channel_id: child });
      });
      const ofChild = `MESSAGE_CREATE ${child}`;
      expect(heard).toEqual([[`MESSAGE_CREATE ${secret}`, ofChild], [ofChild]]);
    });

    proves(['events.user-update', 'intents.none'], 'USER_UPDATE passes without an intent', async () => {
      const client = await stage().enter('zoe', { intents: 0 });
      const data = { id: cast.zoe.id, username: 'zoe', global_name: 'Zoë' };
      await stage().publisher.publish({ userIds: [cast.zoe.id] }, 'USER_UPDATE', data);
      expect((await client.event('USER_UPDATE')).d).toEqual(data);
    });

    proves(['guild-create.huge'], 'of a huge guild nobody is shown but oneself', async () => {
      const client = await stage().enter('ben', { intents: everything, large_threshold: 250 });
      const membersOf = async (id: string): Promise<unknown[]> => {
        const { d } = await client.first((payload) => payload.t === 'GUILD_CREATE' && payload.d['id'] === id);
        return d['members'] as unknown[];
      };
      expect(await membersOf(crowd.id)).toMatchObject([{ user: { id: cast.ben.id } }]);
      expect((await membersOf(hall.id)).length).toBeGreaterThan(10);
    });
  });
}
