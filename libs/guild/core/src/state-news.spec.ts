import { type GuildCast, guildSteps, isNaiveThread, NaiveGuild } from '@derailed/testing';
import * as fc from 'fast-check';
import {
  channel,
  GuildRig,
  guildId,
  hiddenFrom,
  member,
  ownerId,
  readyRig,
  role,
  shownTo,
  snapshot,
  VIEW,
} from './guild.fixture';

/** A rig whose guild was read again, and what of the session was told then. */
function toldOf(
  sessionId: string,
  data: ReturnType<typeof snapshot>,
  limits = {},
  before = snapshot(),
): unknown[] {
  const rig = readyRig(limits, before);
  rig.publish('GUILD_UPDATE', {});
  rig.wait(5000);
  rig.reread(data);
  return rig.eventsOf(sessionId).slice(1);
}

describe('What the database says and no event told', () => {
  const { guild, channels, members } = snapshot();

  it('is nothing when the events told all', () => {
    // Lists in another order, the last message, and how a time is written are no news.
    const colors = [hiddenFrom(guildId), shownTo('10'), shownTo('2', 1)];
    const before = snapshot({
      channels: [channel('200'), channel('201', colors)],
      members: [member(ownerId), member('2', ['10', '11']), member('3')],
    });
    const after = snapshot({
      channels: [channel('201', [...colors].reverse(), { lastMessageId: '9' }), channel('200')],
      members: [
        member('3'),
        member(ownerId),
        member('2', ['11', '10'], { joinedAt: '2024-01-01T00:00:00+00:00' }),
      ],
    });
    expect(toldOf('s2', after, {}, before)).toEqual([]);
  });

  it('is told of the guild and its owner', () => {
    const [news, ...others] = toldOf('s3', snapshot({ guild: { ...guild, name: 'other', ownerId: '3' } }));
    expect(news).toMatchObject({ name: 'CHANNEL_CREATE', data: { id: '201' } });
    expect(others).toEqual([
      {
        name: 'GUILD_UPDATE',
        data: expect.objectContaining({
          id: guildId,
          name: 'other',
          owner_id: '3',
          roles: [expect.objectContaining({ id: guildId }), expect.objectContaining({ id: '10' })],
        }),
      },
    ]);
  });

  it('is told of roles that came, changed and went', () => {
    const told = toldOf('s3', snapshot({ roles: [role(guildId, VIEW | 2n), role('12')] }));
    expect(told).toEqual([
      {
        name: 'GUILD_ROLE_UPDATE',
        data: { guild_id: guildId, role: expect.objectContaining({ id: guildId, permissions: '1026' }) },
      },
      {
        name: 'GUILD_ROLE_CREATE',
        data: { guild_id: guildId, role: expect.objectContaining({ id: '12', name: 'role 12' }) },
      },
      { name: 'GUILD_ROLE_DELETE', data: { guild_id: guildId, role_id: '10' } },
    ]);
  });

  it('is told of channels to those who see them now, and of threads that went to those who saw them', () => {
    const before = snapshot({
      channels: [
        ...channels,
        channel('300', [], { type: 11, parentId: '200' }),
        channel('301', [], { type: 11, parentId: '201' }),
      ],
    });
    const after = snapshot({
      channels: [channel('200', [], { topic: 'new' }), { ...channels[1]!, name: 'secret name' }],
    });
    const open = [
      { name: 'THREAD_DELETE', data: { id: '300', guild_id: guildId, parent_id: '200', type: 11 } },
      { name: 'CHANNEL_UPDATE', data: expect.objectContaining({ id: '200', topic: 'new' }) },
    ];
    expect(toldOf('s3', after, {}, before)).toEqual(open);
    expect(toldOf('s2', after, {}, before)).toEqual([
      open[0],
      { name: 'THREAD_DELETE', data: { id: '301', guild_id: guildId, parent_id: '201', type: 11 } },
      open[1],
      { name: 'CHANNEL_UPDATE', data: expect.objectContaining({ id: '201', name: 'secret name' }) },
    ]);
  });

  it('is told of nobody who lost sight of a channel what became of it', () => {
    const hidden = channel('200', [hiddenFrom(guildId)], { name: 'secret name' });
    expect(toldOf('s3', snapshot({ channels: [hidden, channels[1]!] }))).toEqual([
      { name: 'CHANNEL_DELETE', data: expect.objectContaining({ id: '200', name: 'channel 200' }) },
    ]);
  });

  it('is told of members that changed, came and went', () => {
    const [owner, two] = members!;
    const after = snapshot({ members: [owner!, { ...two!, nick: 'new' }, member('4')], memberCount: 3 });
    expect(toldOf('s1', after)).toEqual([
      {
        name: 'GUILD_MEMBER_UPDATE',
        data: expect.objectContaining({ guild_id: guildId, nick: 'new', roles: ['10'] }),
      },
      {
        name: 'GUILD_MEMBER_ADD',
        data: expect.objectContaining({ guild_id: guildId, user: expect.objectContaining({ id: '4' }) }),
      },
      {
        name: 'GUILD_MEMBER_REMOVE',
        data: { guild_id: guildId, user: expect.objectContaining({ id: '3', username: 'user3' }) },
      },
    ]);
  });

  it('is told that a role is no more of which an update came late', () => {
    const rig = readyRig();
    rig.publish('GUILD_ROLE_DELETE', { role_id: '10' });
    rig.publish('GUILD_ROLE_UPDATE', { role: { id: '10', permissions: '8' } });
    rig.wait(30_000);
    rig.reread(snapshot({ roles: [role(guildId, VIEW)] }));
    expect(rig.eventsOf('s3').map(({ name }) => name)).toEqual([
      'GUILD_ROLE_DELETE',
      'GUILD_ROLE_UPDATE',
      'GUILD_ROLE_DELETE',
    ]);
  });

  it('leaves every client with the roles and channels of the database, whatever became of the events', () => {
    const cast: GuildCast = {
      guildId,
      userIds: [ownerId, '2', '3'],
      roleIds: ['10', '11'],
      channels: new Map([
        ['200', 0],
        ['201', 0],
        ['202', 11],
      ]),
    };
    const fate = fc.constantFrom('told', 'twice', 'late', 'never');
    const story = fc.array(fc.tuple(guildSteps(cast, { members: 0, timeouts: 0 }), fate), { maxLength: 25 });
    fc.assert(
      fc.property(story, (steps) => {
        const model = new NaiveGuild(cast);
        const rig = new GuildRig({ idle: 1e9 });
        for (const id of cast.userIds) rig.subscribe(`s${id}`, id);
        rig.load(model.snapshot());
        const first = model.snapshot();
        const late: (() => void)[] = [];
        for (const [action, how] of steps) {
          if (!model.allows(action)) continue;
          const { name, data } = model.apply(action, rig.at.wall);
          const publish = (): void => void rig.publish(name, data);
          if (how === 'late') late.unshift(publish);
          else if (how !== 'never') publish();
          if (how === 'twice') publish();
        }
        for (const publish of late) publish();
        rig.wait(30_000);
        if (rig.asked.at(-1)?.kind !== 'reread') rig.wait(2_000_000);
        rig.reread(model.snapshot());
        for (const userId of cast.userIds) {
          const client = new Picture(first.roles.map(({ id, permissions }) => [id, String(permissions)]));
          for (const { name, data } of rig.eventsOf(`s${userId}`)) client.learn(name, data);
          const { roles, channels } = model.snapshot();
          expect([...client.roles].sort()).toEqual(
            roles.map(({ id, permissions }) => [id, String(permissions)]).sort(),
          );
          for (const { id, type, overwrites } of channels) {
            if (isNaiveThread(type) || !model.sees(userId, id, rig.at.wall)) continue;
            const wanted = overwrites.map(({ targetId, allow, deny }) => [
              targetId,
              String(allow),
              String(deny),
            ]);
            expect([id, client.overwrites.get(id)]).toEqual([id, wanted.sort()]);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** What a client makes of what it is told. */
class Picture {
  readonly roles: Map<string, string>;
  readonly overwrites = new Map<string, string[][]>();

  constructor(roles: Iterable<readonly [string, string]>) {
    this.roles = new Map(roles);
  }

  learn(name: string, data: Record<string, unknown>): void {
    if (name === 'GUILD_ROLE_CREATE' || name === 'GUILD_ROLE_UPDATE') {
      const { id, permissions } = data['role'] as { id: string; permissions: string };
      // As client libraries do: an update of a role that they do not know is nothing to them.
      if (name === 'GUILD_ROLE_CREATE' || this.roles.has(id)) this.roles.set(id, permissions);
    } else if (name === 'GUILD_ROLE_DELETE') this.roles.delete(String(data['role_id']));
    else if (name === 'CHANNEL_DELETE') this.overwrites.delete(String(data['id']));
    else if (name === 'CHANNEL_CREATE' || name === 'CHANNEL_UPDATE') {
      const list = data['permission_overwrites'] as { id: string; allow: string; deny: string }[];
      this.overwrites.set(String(data['id']), list.map(({ id, allow, deny }) => [id, allow, deny]).sort());
    }
  }
}
