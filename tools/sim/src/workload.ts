import type { Rng, Snowflake } from '@derailed/shared/kernel';
import { channelJson, roleJson } from '@derailed/shared/protocol';
import type { History, Published } from './history';
import type { Monolith } from './monolith';
import { type GuildRow, type Platform, canView, channelOf, hiddenBut, roleOf } from './platform';
import type { VirtualClient } from './virtual-client';

export interface Stage {
  readonly platform: Platform;
  readonly history: History;
  readonly clients: readonly VirtualClient[];
  /** Of each guild and each user, the one that publishes to it. */
  monolithOf(key: Snowflake): Monolith;
}

const statuses = ['online', 'idle', 'dnd', 'invisible'] as const;

/** What happens on the platform: messages above all, and now and then somebody's rights. */
export class Workload {
  constructor(
    private readonly stage: Stage,
    private readonly rng: Rng,
  ) {}

  step(): void {
    const chance = this.rng.next();
    if (chance < 0.68) this.message();
    else if (chance < 0.76) this.userNote(this.pick([...this.stage.platform.users.keys()]));
    else if (chance < 0.8) this.guildNote(this.pick(this.stage.platform.guildIds));
    else if (chance < 0.84) this.overwrites();
    else if (chance < 0.88) this.memberRoles();
    else if (chance < 0.9) this.role();
    else if (chance < 0.92) this.leaveGuild();
    else if (chance < 0.945) this.joinGuild();
    else if (chance < 0.955) this.newChannel();
    else if (chance < 0.96) this.endChannel();
    else if (chance < 0.985) this.pick(this.stage.clients).setStatus(this.pick(statuses));
    else this.comeOrGo();
  }

  /** To a whole guild. */
  guildNote(guildId: Snowflake): void {
    this.toGuild(guildId, 'NOTE', '', {}, true);
  }

  userNote(userId: Snowflake): void {
    const place = this.stage.history.places('user', userId);
    this.publish('user', userId, place, 'NOTE', '', { m: place }, true, 0);
  }

  private message(): void {
    const guild = this.anyGuild();
    const channelId = this.pick([...guild.channels.keys()]);
    const many = this.rng.next() < 0.1 ? 8 : 1;
    for (let count = 0; count < many; count++)
      this.toGuild(guild.id, 'MESSAGE_CREATE', channelId, { channel_id: channelId }, true);
  }

  /** A channel is hidden from whom it was not, or the other way round. */
  private overwrites(): void {
    const { platform } = this.stage;
    const guild = this.anyGuild();
    const channel = this.pick([...guild.channels.values()]);
    const insider = [...guild.roles.keys()][1]!;
    const overwrites = channel.overwrites.length > 0 ? [] : hiddenBut(guild.id, insider);
    const changed = { ...channel, overwrites };
    const before = platform.version(guild.id);
    platform.change(guild.id, { channels: new Map(guild.channels).set(channel.id, changed) });
    const data = JSON.parse(channelJson(changed, guild.id)) as object;
    this.toGuild(guild.id, 'CHANNEL_UPDATE', channel.id, data, false, before);
  }

  private memberRoles(): void {
    const { platform } = this.stage;
    const guild = this.anyGuild();
    const [userId, held] = this.pick([...guild.members]);
    const insider = [...guild.roles.keys()][1]!;
    const roles = held.includes(insider) ? [] : [insider];
    const before = platform.version(guild.id);
    platform.change(guild.id, { members: new Map(guild.members).set(userId, roles) });
    this.toGuild(guild.id, 'GUILD_MEMBER_UPDATE', '', { user: { id: userId }, roles }, false, before);
  }

  /** What everybody may: to view channels, or not. */
  private role(): void {
    const { platform } = this.stage;
    const guild = this.anyGuild();
    const everyone = guild.roles.get(guild.id)!;
    const changed = roleOf(guild.id, everyone.name, everyone.permissions === 0n ? 1n << 10n : 0n);
    const before = platform.version(guild.id);
    platform.change(guild.id, { roles: new Map(guild.roles).set(guild.id, changed) });
    const role = JSON.parse(roleJson(changed)) as object;
    this.toGuild(guild.id, 'GUILD_ROLE_UPDATE', '', { role }, false, before);
  }

  private leaveGuild(): void {
    const { platform } = this.stage;
    const guild = this.anyGuild();
    const userId = this.pick([...guild.members.keys()]);
    if (userId === guild.ownerId) return;
    const members = new Map(guild.members);
    members.delete(userId);
    const before = platform.version(guild.id);
    platform.change(guild.id, { members });
    this.toGuild(guild.id, 'GUILD_MEMBER_REMOVE', '', { user: { id: userId } }, false, before);
  }

  private joinGuild(): void {
    const { platform } = this.stage;
    const guild = this.anyGuild();
    const outside = [...platform.users.values()].filter(({ id }) => !guild.members.has(id));
    if (outside.length === 0) return;
    const { id, username, discriminator } = this.pick(outside);
    const before = platform.version(guild.id);
    const joined_at = platform.join(guild.id, id);
    const user = { id, username, discriminator, avatar: null, flags: 0, bot: false };
    this.toGuild(guild.id, 'GUILD_MEMBER_ADD', '', { user, roles: [], joined_at, nick: null }, false, before);
  }

  private newChannel(): void {
    const { platform } = this.stage;
    const guild = this.anyGuild();
    const insider = [...guild.roles.keys()][1]!;
    const overwrites = this.rng.next() < 0.5 ? hiddenBut(guild.id, insider) : [];
    const channel = channelOf(platform.nextId(), guild.channels.size, overwrites);
    const before = platform.version(guild.id);
    platform.change(guild.id, { channels: new Map(guild.channels).set(channel.id, channel) });
    const data = JSON.parse(channelJson(channel, guild.id)) as object;
    this.toGuild(guild.id, 'CHANNEL_CREATE', channel.id, data, false, before);
  }

  private endChannel(): void {
    const { platform } = this.stage;
    const guild = this.anyGuild();
    if (guild.channels.size < 3) return;
    const channel = this.pick([...guild.channels.values()].slice(1));
    const channels = new Map(guild.channels);
    channels.delete(channel.id);
    const before = platform.version(guild.id);
    platform.change(guild.id, { channels });
    const data = JSON.parse(channelJson(channel, guild.id)) as object;
    this.toGuild(guild.id, 'CHANNEL_DELETE', channel.id, data, false, before);
  }

  private comeOrGo(): void {
    const client = this.pick(this.stage.clients);
    if (client.isWanted) client.leave();
    else client.connect();
  }

  private toGuild(
    guildId: Snowflake,
    name: string,
    channelId: Snowflake | '',
    fields: object,
    isPlain: boolean,
    version = this.stage.platform.version(guildId),
  ): void {
    const place = this.stage.history.places('guild', guildId);
    const data = { ...fields, guild_id: guildId, n: place };
    this.publish('guild', guildId, place, name, channelId, data, isPlain, version);
  }

  private publish(
    target: Published['target'],
    key: Snowflake,
    place: number,
    name: string,
    channelId: Snowflake | '',
    data: object,
    isPlain: boolean,
    version: number,
  ): void {
    const id = `${key}-${place}`;
    this.stage.monolithOf(key).publish({
      id,
      target,
      key,
      place,
      name,
      channelId,
      data: JSON.stringify(data),
      isPlain,
      version,
      sentAt: undefined,
      ackedAt: undefined,
      ackedVersion: 0,
    });
  }

  private anyGuild(): GuildRow {
    return this.stage.platform.guild(this.pick(this.stage.platform.guildIds))!;
  }

  private pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.rng.next() * from.length)]!;
  }
}

/** Laws of a world in which nothing happens any more: what clients know is what the database has. */
export function checkConvergence({ platform, history, clients }: Stage): void {
  const living = clients.filter(({ isWanted }) => isWanted);
  for (const client of living) {
    const { name, life, userId } = client;
    if (!client.isLive || life === undefined) {
      history.broken('convergence', `${name} is not connected`);
      continue;
    }
    const known = [...life.guilds].filter(([, { isAvailable }]) => isAvailable).map(([id]) => id);
    const wanted = platform.guildsOf(userId);
    if (known.sort().join() !== wanted.sort().join())
      history.broken('convergence', `${name} knows guilds ${known.join()} instead of ${wanted.join()}`);
    for (const guildId of wanted) {
      const sight = life.guilds.get(guildId);
      const guild = platform.guild(guildId)!;
      if (!sight?.isAvailable) continue;
      const channels = [...guild.channels.keys()].filter((id) => canView(guild, userId, id)).sort();
      if ([...sight.channels].sort().join() !== channels.join())
        history.broken(
          'convergence',
          `${name} sees channels ${[...sight.channels].join()} of guild ${guildId} instead of ${channels.join()}`,
        );
      for (const memberId of guild.members.keys()) {
        if (memberId === userId) continue;
        const shown = sight.presences.get(memberId) ?? 'offline';
        const meant = statusOf(living.filter((each) => each.userId === memberId));
        if (shown !== meant)
          history.broken(
            'presence',
            `${name} sees ${memberId} ${shown} in guild ${guildId} instead of ${meant}`,
          );
      }
    }
  }
}

/** Who speaks for a user: a person who is at one device is there. */
function statusOf(clients: readonly VirtualClient[]): string {
  const shown = ['online', 'idle', 'dnd'].find((status) =>
    clients.some((client) => client.status === status),
  );
  return shown ?? 'offline';
}
