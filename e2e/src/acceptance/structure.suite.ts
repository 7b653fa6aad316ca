import type { RawClient } from '../raw-client';
import { cast, hall } from './cast';
import { proves } from './proves';
import type { Stage } from './stage';

/** What comes into being here, and goes again. */
const made = {
  channel: '410000000000000008',
  thread: '410000000000000009',
  role: '310000000000000009',
} as const;
const VIEW = '1024';

/** What a guild is made of, as events change it. */
export function structureSuite(stage: () => Stage): void {
  const publish = (name: string, data: object) => stage().publisher.publish({ guildId: hall.id }, name, data);
  const say = (channel_id: string, content: string) =>
    publish('MESSAGE_CREATE', { id: '1', channel_id, content });
  /** What the client heard of them since: messages by their content. */
  const heardOf = ({ received }: RawClient, since: number, ids: readonly string[]): string[] =>
    received.slice(since).flatMap(({ t, d }) => {
      if (t === 'MESSAGE_CREATE') return [String(d['content'])];
      const text = JSON.stringify(d ?? null);
      return t !== null && ids.some((id) => text.includes(id)) ? [t] : [];
    });

  describe('what a guild is made of', () => {
    proves(
      ['events.structure'],
      'comes and goes by events, which are told to those who see it, as is what is said there',
      async () => {
        const [ann, ben] = [
          await stage().enter('ann', { intents: 1 | (1 << 9) }),
          await stage().enter('ben', { intents: 1 | (1 << 9) }),
        ];
        const since = [ann.received.length, ben.received.length] as const;
        const { channel, thread, role } = made;
        const hidden = { id: hall.id, type: 0, allow: '0', deny: VIEW };
        const roleMay = { id: role, type: 0, allow: VIEW, deny: '0' };
        const common = { guild_id: hall.id, position: 9, name: 'new' };

        await stage().query(
          `begin;
           insert into roles (id, guild_id, name, permissions, position, color, hoist)
             values (${role}, ${hall.id}, 'new', 0, 5, 0, false);
           insert into member_roles (guild_id, user_id, role_id) values (${hall.id}, ${cast.ben.id}, ${role});
           insert into channels (id, guild_id, name, type, position, parent_id) values
             (${channel}, ${hall.id}, 'new', 0, 9, null), (${thread}, ${hall.id}, 'new', 11, 9, ${channel});
           insert into channel_overwrites (channel_id, target_id, target_type, allow, deny)
             values (${channel}, ${hall.id}, 0, 0, ${VIEW}), (${channel}, ${role}, 0, ${VIEW}, 0);
           commit;`,
        );
        await publish('CHANNEL_CREATE', {
          ...common,
          id: channel,
          type: 0,
          permission_overwrites: [hidden],
        });
        await say(channel, 'hidden');
        await publish('GUILD_ROLE_CREATE', {
          guild_id: hall.id,
          role: { id: role, name: 'new', permissions: '0', position: 5, color: 0, hoist: false },
        });
        await publish('GUILD_MEMBER_UPDATE', { user: { id: cast.ben.id }, roles: [hall.roles.red, role] });
        await publish('CHANNEL_UPDATE', {
          ...common,
          id: channel,
          type: 0,
          permission_overwrites: [hidden, roleMay],
        });
        await say(channel, 'shown');
        await publish('THREAD_CREATE', { ...common, id: thread, type: 11, parent_id: channel });
        await say(thread, 'in the thread');
        await publish('THREAD_UPDATE', {
          ...common,
          id: thread,
          type: 11,
          parent_id: channel,
          name: 'newer',
        });
        await publish('GUILD_ROLE_UPDATE', { guild_id: hall.id, role: { id: role, name: 'newer' } });

        await stage().query(
          `begin;
           delete from channel_overwrites where channel_id = ${channel};
           delete from member_roles where role_id = ${role};
           delete from channels where id = ${thread};
           delete from channels where id = ${channel};
           delete from roles where id = ${role};
           commit;`,
        );
        await publish('GUILD_ROLE_DELETE', { guild_id: hall.id, role_id: role });
        await say(channel, 'hidden again');
        await say(thread, 'hidden thread');
        await publish('THREAD_DELETE', { id: thread, guild_id: hall.id, parent_id: channel, type: 11 });
        await say(thread, 'nowhere');
        await publish('CHANNEL_DELETE', { ...common, id: channel, type: 0 });
        await say(channel, 'nowhere');
        await stage().settled(ann, ben);

        const ids = Object.values(made);
        expect(heardOf(ann, since[0], ids)).toEqual([
          'CHANNEL_CREATE',
          'hidden',
          'GUILD_ROLE_CREATE',
          'CHANNEL_UPDATE',
          'shown',
          'THREAD_CREATE',
          'in the thread',
          'THREAD_UPDATE',
          'GUILD_ROLE_UPDATE',
          'GUILD_ROLE_DELETE',
          'hidden again',
          'hidden thread',
          'THREAD_DELETE',
          'CHANNEL_DELETE',
        ]);
        expect(heardOf(ben, since[1], ids)).toEqual([
          'GUILD_ROLE_CREATE',
          'GUILD_MEMBER_UPDATE',
          'CHANNEL_CREATE',
          'CHANNEL_UPDATE',
          'shown',
          'THREAD_CREATE',
          'in the thread',
          'THREAD_UPDATE',
          'GUILD_ROLE_UPDATE',
          'CHANNEL_DELETE',
          'GUILD_ROLE_DELETE',
        ]);
      },
    );

    proves(['events.structure'], 'is all seen by its owner, whoever that is', async () => {
      const ben = await stage().enter('ben', { intents: 1 | (1 << 9) });
      const since = ben.received.length;
      const { mods } = hall.channels;
      const own = async (player: 'ann' | 'ben'): Promise<void> => {
        await stage().query(`update guilds set owner_id = ${cast[player].id} where id = ${hall.id}`);
        await publish('GUILD_UPDATE', { id: hall.id, owner_id: cast[player].id });
      };
      await say(mods, 'before');
      await own('ben');
      await say(mods, 'while');
      await own('ann');
      await say(mods, 'after');
      await stage().settled(ben);
      expect(heardOf(ben, since, [mods]).filter((name) => name !== 'THREAD_LIST_SYNC')).toEqual([
        'CHANNEL_CREATE',
        'while',
        'CHANNEL_DELETE',
      ]);
    });
  });
}
