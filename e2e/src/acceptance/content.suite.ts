import { status } from '@grpc/grpc-js';
import type { Stage } from './stage';
import { directNames, guildNames, intentBits, namesWithoutIntent } from './intent-table';
import { proves, provesEach } from './proves';
import { type Player, cast, hall, spare } from './cast';
import type { Payload, RawClient } from '../raw-client';

type Json = Record<string, unknown>;
const has = (client: RawClient, name: string): boolean => client.received.some(({ t }) => t === name);
const channelsOf = (payload: Payload): string[] =>
  [...(payload.d['channels'] as Json[]), ...(payload.d['threads'] as Json[])]
    .map(({ id }) => String(id))
    .sort();
const hallCreate = (client: RawClient): Promise<Payload> =>
  client.first(({ t, d }) => t === 'GUILD_CREATE' && d['id'] === hall.id);
const { open, mods, colors, bens, thread, modThread, privateThread } = hall.channels;

/** What each player sees in the hall. */
const seen: readonly (readonly [Player, readonly string[]])[] = [
  ['ann', [open, mods, colors, bens, thread, modThread, privateThread]],
  ['ada2', [open, mods, colors, bens, thread, modThread, privateThread]],
  ['dan', [open, mods, bens, thread, modThread, privateThread]],
  ['ben', [open, colors, bens, thread]],
  // Red may look at colors and blue may not: allow beats deny. Bens is denied to red.
  ['cat', [open, colors, thread]],
  ['plain', [open, bens, thread]],
];

/** Intents, permissions, and the events that the gateway reads. */
export function contentSuite(stage: () => Stage): void {
  const publish = (name: string, data: Json, channelId?: string) =>
    stage().publisher.publish({ guildId: hall.id, ...(channelId && { channelId }) }, name, data);

  describe('intents', () => {
    proves(
      ['intents.families', 'intents.none', 'intents.channels'],
      'let through what they name and nothing else',
      async () => {
        // The owner, whom no permission keeps from anything. Everybody has a session for each intent, and one has none.
        const clients = new Map<number, RawClient>();
        for (const bit of [0, ...intentBits]) {
          const player = clients.size < 11 ? 'ann' : 'ada2';
          clients.set(bit, await stage().enter(player, { intents: bit }));
        }
        const own = ['ann', 'ada2'] as const;
        const known = new Set<string>();
        const expected = new Map<number, Set<string>>(
          [...clients.keys()].map((bit) => [bit, new Set<string>()]),
        );
        const expect_ = (name: string, wanted: number): void => {
          known.add(name);
          for (const [bit, names] of expected) if (wanted === 0 || (wanted & bit) !== 0) names.add(name);
        };
        // Until all are subscribed; GUILD_CREATE would say so, but not without its intent.
        await stage().inHall(...clients.values());
        for (const [name, wanted] of guildNames) {
          if (ownState.has(name)) continue;
          await publish(name, { channel_id: open, ...dataOf(name) });
          expect_(name, wanted);
        }
        const userIds = own.map((player) => cast[player].id);
        for (const [name, wanted] of directNames) {
          await stage().publisher.publish({ userIds }, name, { direct: true });
          known.add(`direct ${name}`);
          for (const [bit, set] of expected) if ((wanted & bit) !== 0) set.add(`direct ${name}`);
        }
        for (const name of [...namesWithoutIntent, 'SOMETHING_OF_OURS']) {
          await publish(name, {});
          expect_(name, 0);
        }
        await stage().settled(...clients.values());
        for (const [bit, client] of clients) {
          const got = new Set(
            client.received
              .filter(({ t }) => t !== null)
              .map(({ t, d }) => (d['direct'] === true ? `direct ${t}` : String(t)))
              .filter((name) => known.has(name)),
          );
          expect([bit, [...got].sort()]).toEqual([bit, [...(expected.get(bit) ?? [])].sort()]);
        }
      },
    );

    proves(['intents.content'], 'let messages through as they are, without MESSAGE_CONTENT', async () => {
      const plain = await stage().enter('plain', { intents: 1 | (1 << 9) });
      await hallCreate(plain);
      const message = { id: '1', channel_id: open, content: 'words', embeds: [{ title: 't' }], poll: {} };
      await publish('MESSAGE_CREATE', message);
      expect((await plain.event('MESSAGE_CREATE')).d).toEqual(message);
    });

    proves(['intents.permissions'], 'are not enough for the audit log, bans and automod', async () => {
      const [mod, member] = [await stage().enter('dan'), await stage().enter('ben')];
      for (const name of [
        'GUILD_AUDIT_LOG_ENTRY_CREATE',
        'GUILD_BAN_ADD',
        'GUILD_BAN_REMOVE',
        'AUTO_MODERATION_RULE_CREATE',
        'AUTO_MODERATION_ACTION_EXECUTION',
      ])
        await publish(name, {});
      await stage().settled(mod, member);
      expect(has(mod, 'GUILD_AUDIT_LOG_ENTRY_CREATE')).toBe(true);
      expect(has(mod, 'AUTO_MODERATION_ACTION_EXECUTION')).toBe(true);
      expect(member.received.filter(({ t }) => /AUDIT|BAN|AUTO_MOD/.test(t ?? ''))).toEqual([]);
    });
  });

  describe('permissions', () => {
    provesEach(
      [
        'permissions.owner',
        'permissions.order',
        'permissions.thread',
        'permissions.private-thread',
        'intents.channels',
      ],
      '%s sees in GUILD_CREATE, and hears of, exactly the right channels',
      seen as unknown as [Player, string[]][],
      async (player, channels) => {
        const client = await stage().enter(player, { intents: 1 | (1 << 9) });
        expect(channelsOf(await hallCreate(client))).toEqual([...channels].sort());
        for (const id of Object.values(hall.channels)) await publish('MESSAGE_CREATE', { channel_id: id });
        await stage().settled(client);
        const heard = client.received
          .filter(({ t }) => t === 'MESSAGE_CREATE')
          .map(({ d }) => String(d['channel_id']));
        expect(heard.sort()).toEqual([...channels].sort());
        expect(JSON.stringify(client.received)).not.toMatch(
          new RegExp(
            Object.values(hall.channels)
              .filter((id) => !channels.includes(id))
              .join('|') || 'none',
          ),
        );
      },
    );
  });

  describe('events', () => {
    proves(['events.edit'], '_EDIT counts as _UPDATE for intents and visibility', async () => {
      const ann = await stage().enter('ann', { intents: 1 << 9 });
      const [deaf, ben] = [await stage().enter('ann', { intents: 1 }), await stage().enter('ben')];
      await stage().inHall(ann);
      await publish('MESSAGE_EDIT', { channel_id: mods });
      await stage().settled(ann, deaf, ben);
      expect([ann, deaf, ben].map((client) => has(client, 'MESSAGE_EDIT'))).toEqual([true, false, false]);
    });

    proves(['events.pass'], 'that nobody knows pass word by word', async () => {
      const client = await stage().enter('ben');
      const data = { n: 1.5, text: 'é\u0000\u2028', deep: [{ a: null }], __proto__: undefined };
      await publish('OF_THE_PLATFORM', data);
      expect((await client.event('OF_THE_PLATFORM')).d).toEqual(JSON.parse(JSON.stringify(data)));
    });

    provesEach(
      ['events.malformed', 'events.channel-field', 'events.channel-differs'],
      '%s %j is INVALID_ARGUMENT, and nothing is sent',
      [
        ['CHANNEL_UPDATE', { id: 'x' }],
        ['CHANNEL_UPDATE', { id: open, permission_overwrites: 'all' }],
        ['GUILD_ROLE_UPDATE', { role: { id: hall.roles.red, permissions: 'many' } }],
        ['GUILD_MEMBER_UPDATE', { user: { id: cast.ben.id }, roles: 'all' }],
        ['GUILD_UPDATE', { owner_id: {} }],
        ['MESSAGE_CREATE', { id: '1' }],
        ['TYPING_START', {}],
        ['MESSAGE_CREATE', { channel_id: open }, mods],
      ] as unknown as [string, Json, string | undefined][],
      async (name, data, channelId) => {
        const client = await stage().enter('ann');
        const before = client.received.length;
        await expect(publish(name, data, channelId)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
        await stage().settled(client);
        expect(client.received.slice(before).filter(({ t }) => t === name)).toEqual([]);
      },
    );

    proves(
      ['events.channel-field', 'events.channel-unknown'],
      "take the channel of their data; one that is unknown is nobody's",
      async () => {
        const [ann, ben] = [await stage().enter('ann'), await stage().enter('ben')];
        await publish('OURS_IN_MODS', { channel_id: mods });
        await publish('OURS_NOWHERE', { channel_id: '1' });
        await stage().settled(ann, ben);
        expect([has(ann, 'OURS_IN_MODS'), has(ben, 'OURS_IN_MODS')]).toEqual([true, false]);
        expect([has(ann, 'OURS_NOWHERE'), has(ben, 'OURS_NOWHERE')]).toEqual([false, false]);
      },
    );

    proves(
      ['events.join', 'events.member-add', 'events.member-remove'],
      'let users into guilds and out',
      async () => {
        const zoe = await stage().enter('zoe');
        const toZoe = (name: string, data: Json) =>
          stage().publisher.publish({ userIds: [cast.zoe.id] }, name, data);
        const toSpare = (name: string, data: Json = {}) =>
          stage().publisher.publish({ guildId: spare.id }, name, data);
        const member = {
          user: { id: cast.zoe.id, username: 'zoe' },
          roles: [],
          joined_at: '2024-05-01T00:00:00Z',
        };
        const join = `insert into members (guild_id, user_id, joined_at) values (${spare.id}, ${cast.zoe.id}, now())`;
        const leave = `delete from members where guild_id = ${spare.id} and user_id = ${cast.zoe.id}`;
        await stage().query(join);
        await toZoe('GUILD_CREATE', { id: spare.id });
        await toSpare('FIRST');
        await zoe.event('FIRST');
        expect(zoe.received.filter(({ t }) => t === 'GUILD_CREATE')).toHaveLength(1);
        await toZoe('GUILD_DELETE', { id: spare.id });
        await zoe.event('GUILD_DELETE');
        await toSpare('SECOND');
        await toSpare('GUILD_MEMBER_ADD', { guild_id: spare.id, ...member });
        // Its ack waits for those who are in the guild, not for who comes into it.
        await zoe.count(({ t }) => t === 'GUILD_CREATE', 2);
        await toSpare('THIRD');
        await zoe.event('THIRD');
        expect([has(zoe, 'SECOND'), zoe.received.filter(({ t }) => t === 'GUILD_CREATE').length]).toEqual([
          false,
          2,
        ]);
        await stage().query(leave);
        await toSpare('GUILD_MEMBER_REMOVE', { guild_id: spare.id, user: { id: cast.zoe.id } });
        await zoe.count(({ t }) => t === 'GUILD_DELETE', 2);
        await toSpare('FOURTH');
        await toZoe('LAST', {});
        await zoe.event('LAST');
        expect(has(zoe, 'FOURTH')).toBe(false);
      },
    );

    proves(
      ['events.guild-delete'],
      'GUILD_DELETE to a guild ends it for everybody, an outage does not',
      async () => {
        const dan = await stage().enter('dan', { intents: 1 });
        const toSpare = (name: string, data: Json = {}) =>
          stage().publisher.publish({ guildId: spare.id }, name, data);
        await toSpare('GUILD_DELETE', { id: spare.id, unavailable: true });
        await toSpare('DURING_OUTAGE');
        await dan.event('DURING_OUTAGE');
        await toSpare('GUILD_DELETE', { id: spare.id });
        await dan.count(({ t }) => t === 'GUILD_DELETE', 2);
        expect(await toSpare('AFTER_ITS_END')).toBe(0);
        await stage().settled(dan);
        expect(has(dan, 'AFTER_ITS_END')).toBe(false);
        const deleted = dan.received.filter(({ t }) => t === 'GUILD_DELETE').map(({ d }) => d);
        expect(deleted).toEqual([{ id: spare.id, unavailable: true }, { id: spare.id }]);
      },
    );

    proves(['events.user-delete'], 'USER_DELETE closes the sessions of the user with 4004', async () => {
      const [one, other] = [await stage().enter('zoe'), await stage().enter('zoe')];
      await stage().publisher.publish({ userIds: [cast.zoe.id] }, 'USER_DELETE', {});
      expect(await Promise.all([one.closed, other.closed])).toEqual([4004, 4004]);
    });
  });
}

/** They would change what others see, or need state of their own; other tests publish them. */
const ownState = new Set([
  'GUILD_CREATE',
  'GUILD_DELETE',
  'CHANNEL_CREATE',
  'CHANNEL_DELETE',
  'GUILD_MEMBER_ADD',
  'GUILD_MEMBER_REMOVE',
  'GUILD_ROLE_CREATE',
  'GUILD_ROLE_DELETE',
  'THREAD_CREATE',
  'THREAD_UPDATE',
  'THREAD_DELETE',
  'PRESENCE_UPDATE',
]);

function dataOf(name: string): Json {
  if (name === 'CHANNEL_UPDATE') return { id: hall.channels.open };
  if (name.startsWith('GUILD_ROLE_')) return { role: { id: hall.roles.red } };
  if (name.startsWith('GUILD_MEMBER_')) return { user: { id: cast.ben.id } };
  return {};
}
