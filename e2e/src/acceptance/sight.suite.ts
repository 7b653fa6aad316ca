import { status } from '@grpc/grpc-js';
import type { Payload, RawClient } from '../raw-client';
import { cast, hall, vault } from './cast';
import { proves, provesEach } from './proves';
import type { Stage } from './stage';

type Json = Record<string, unknown>;
const { mods, modThread } = hall.channels;
const VIEW = '1024';
interface Rule {
  readonly id: string;
  readonly type: 0 | 1;
  readonly allow: string;
  readonly deny: string;
}
const denied: Rule = { id: hall.id, type: 0, allow: '0', deny: VIEW };
const modsMay: Rule = { id: hall.roles.mod, type: 0, allow: VIEW, deny: '0' };
const benMay: Rule = { id: cast.ben.id, type: 1, allow: VIEW, deny: '0' };

/** Channels that come into sight and go out of it, and a guild of which nobody can say who sees what. */
export function sightSuite(stage: () => Stage): void {
  const publish = (name: string, data: Json, guildId: string = hall.id) =>
    stage().publisher.publish({ guildId }, name, data);
  const say = (content: string) => publish('MESSAGE_CREATE', { id: '1', channel_id: mods, content });
  /** What the client heard of the channel since, in order. */
  const heardOf = (client: RawClient, since: number): string[] =>
    client.received
      .slice(since)
      .filter(({ d }) => d?.['id'] === mods || d?.['channel_id'] === mods)
      .map(({ t, d }) => (t === 'MESSAGE_CREATE' ? String(d['content']) : String(t)));
  const overwrite = async (event: string, ...list: readonly Rule[]): Promise<void> => {
    const rows = list.map(({ id, type, allow, deny }) => `(${mods}, ${id}, ${type}, ${allow}, ${deny})`);
    // The monolith writes before it publishes.
    await stage().query(
      `begin; delete from channel_overwrites where channel_id = ${mods};
       insert into channel_overwrites (channel_id, target_id, target_type, allow, deny) values ${rows.join()}; commit;`,
    );
    await publish(event, { id: mods, permission_overwrites: list });
  };
  const member = async (...roles: readonly string[]): Promise<void> => {
    const { id } = cast.ben;
    const rows = roles.map((role) => `(${hall.id}, ${id}, ${role})`);
    await stage().query(
      `begin; delete from member_roles where guild_id = ${hall.id} and user_id = ${id};
       insert into member_roles (guild_id, user_id, role_id) values ${rows.join()}; commit;`,
    );
    await publish('GUILD_MEMBER_UPDATE', { user: { id }, roles });
  };

  describe('sight of a channel', () => {
    proves(
      ['permissions.gain', 'permissions.lose', 'events.edit'],
      'comes and goes with its overwrites, event by event',
      async () => {
        const ben = await stage().enter('ben', { intents: 1 | (1 << 9) });
        const since = ben.received.length;
        await say('before');
        await overwrite('CHANNEL_EDIT', denied, modsMay, benMay);
        await say('while');
        await overwrite('CHANNEL_UPDATE', denied, modsMay);
        await say('after');
        await stage().settled(ben);
        expect(heardOf(ben, since)).toEqual(['CHANNEL_CREATE', 'CHANNEL_EDIT', 'while', 'CHANNEL_DELETE']);
        const created = ben.received.find(({ t }) => t === 'CHANNEL_CREATE') as Payload;
        expect(created.d).toMatchObject({ id: mods, guild_id: hall.id, name: 'mods', type: 0 });
      },
    );

    proves(
      ['permissions.gain', 'permissions.lose', 'permissions.threads'],
      'comes and goes with roles, with its threads, for that member alone',
      async () => {
        const ben = await stage().enter('ben', { intents: 1 | (1 << 9) });
        const cat = await stage().enter('cat', { intents: 1 | (1 << 9) });
        const since = [ben.received.length, cat.received.length] as const;
        await member(hall.roles.red, hall.roles.mod);
        await say('while');
        await member(hall.roles.red);
        await say('after');
        await stage().settled(ben, cat);
        expect(heardOf(ben, since[0])).toEqual(['CHANNEL_CREATE', 'while', 'CHANNEL_DELETE']);
        const lists = ben.received.filter(({ t }) => t === 'THREAD_LIST_SYNC').map(({ d }) => d);
        expect(lists.find((d) => String(d['channel_ids']) === mods)).toMatchObject({
          guild_id: hall.id,
          threads: [{ id: modThread }],
        });
        expect(heardOf(cat, since[1])).toEqual([]);
        expect(ben.received.some(({ t }) => t === 'THREAD_DELETE')).toBe(false);
      },
    );

    proves(
      ['permissions.gain', 'permissions.lose'],
      'is told by the intent GUILDS alone, and what is in the channel comes without it',
      async () => {
        const ben = await stage().enter('ben', { intents: 1 << 9 });
        await stage().inHall(ben);
        await overwrite('CHANNEL_UPDATE', denied, modsMay, benMay);
        await say('while');
        await overwrite('CHANNEL_UPDATE', denied, modsMay);
        await say('after');
        await stage().settled(ben);
        expect(heardOf(ben, 0)).toEqual(['while']);
      },
    );
  });

  describe('an audience that is named', () => {
    const manageThreads = String(1n << 34n);
    const to = (
      target: { channelId?: string; permissions?: string },
      name: string,
      data: Json = {},
    ): Promise<number> => stage().publisher.publish({ guildId: hall.id, ...target }, name, data);

    proves(
      ['events.audience'],
      'is who has the permission, in a channel or not, whatever the event itself asks for',
      async () => {
        const [ann, dan, ben] = [
          await stage().enter('ann'),
          await stage().enter('dan'),
          await stage().enter('ben'),
        ];
        await to({ permissions: manageThreads }, 'NAMED');
        await to({ permissions: manageThreads, channelId: hall.channels.colors }, 'NAMED_IN_COLORS');
        await to({ permissions: '2048' }, 'GUILD_AUDIT_LOG_ENTRY_CREATE');
        await to({ permissions: manageThreads }, 'MESSAGE_CREATE', {
          channel_id: hall.channels.privateThread,
        });
        await stage().settled(ann, dan, ben);
        const names = (client: RawClient) =>
          client.received
            .map(({ t }) => String(t))
            .filter((name) => /^NAMED|AUDIT|^MESSAGE_CREATE/.test(name));
        expect(names(ann)).toEqual([
          'NAMED',
          'NAMED_IN_COLORS',
          'GUILD_AUDIT_LOG_ENTRY_CREATE',
          'MESSAGE_CREATE',
        ]);
        // A mod manages threads and may not look at colors; everybody may send, which was asked for in place of the log.
        expect(names(dan)).toEqual(['NAMED', 'GUILD_AUDIT_LOG_ENTRY_CREATE', 'MESSAGE_CREATE']);
        expect(names(ben)).toEqual(['GUILD_AUDIT_LOG_ENTRY_CREATE']);
      },
    );

    proves(
      ['events.audience', 'permissions.private-thread'],
      'may be users, of whatever channel',
      async () => {
        const [ben, cat] = [await stage().enter('ben'), await stage().enter('cat')];
        const data = { id: '7', channel_id: hall.channels.privateThread };
        await stage().publisher.publish({ userIds: [cast.ben.id] }, 'MESSAGE_CREATE', data);
        expect((await ben.event('MESSAGE_CREATE')).d).toEqual(data);
        await stage().settled(cat);
        expect(cat.received.some(({ t }) => t === 'MESSAGE_CREATE')).toBe(false);
      },
    );

    provesEach(
      ['events.audience', 'events.malformed'],
      '%s for permissions %j is INVALID_ARGUMENT',
      [
        ['NAMED', '0'],
        ['NAMED', ''],
        ['NAMED', '-8'],
        ['NAMED', '0x8'],
        ['NAMED', String(1n << 47n)],
        ['NAMED', '9'.repeat(21)],
        ['GUILD_ROLE_UPDATE', '8'],
        ['CHANNEL_EDIT', '8'],
      ],
      async (name, permissions) => {
        const data = { id: mods, role: { id: hall.roles.red } };
        await expect(to({ permissions }, name, data)).rejects.toMatchObject({
          code: status.INVALID_ARGUMENT,
        });
      },
    );
  });

  describe('a guild whose permissions can not be read', () => {
    proves(
      ['events.unavailable'],
      'is unavailable to clients and to publishers until it can, and nothing is lost silently',
      async () => {
        const away = 'alter table channel_overwrites rename to channel_overwrites_away';
        const back = 'alter table channel_overwrites_away rename to channel_overwrites';
        const message = { id: '1', channel_id: vault.channel };
        await stage().query(away);
        let broken = true;
        try {
          const val = await stage().enter('val', { intents: 1 | (1 << 9) });
          const outage = val.received.find(({ t }) => t === 'GUILD_DELETE');
          expect(outage?.d).toEqual({ id: vault.id, unavailable: true });
          await expect(publish('MESSAGE_CREATE', message, vault.id)).rejects.toMatchObject({
            code: status.UNAVAILABLE,
          });
          await stage().query(back);
          broken = false;
          const guild = await val.event('GUILD_CREATE');
          expect(guild.d).toMatchObject({ id: vault.id, unavailable: false });
          expect(await publish('MESSAGE_CREATE', message, vault.id)).toBe(1);
          expect((await val.event('MESSAGE_CREATE')).d).toEqual(message);
          expect(val.received.filter(({ t }) => t === 'MESSAGE_CREATE')).toHaveLength(1);
        } finally {
          if (broken) await stage().query(back);
        }
      },
    );
  });
}
