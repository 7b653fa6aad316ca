import type { Rng, Snowflake } from '@derailed/shared/kernel';
import type { Channel, GuildSnapshot, Member, Overwrite, Role, User } from '@derailed/shared/protocol';

/** A guild as the database has it, never changed: each change makes a new one. */
export interface GuildRow {
  readonly id: Snowflake;
  readonly name: string;
  readonly ownerId: Snowflake;
  readonly roles: ReadonlyMap<Snowflake, Role>;
  readonly channels: ReadonlyMap<Snowflake, Channel>;
  readonly members: ReadonlyMap<Snowflake, readonly Snowflake[]>;
}

const viewChannel = 1n << 10n;
const administrator = 1n << 3n;
/** Of those who were members from the beginning. */
const longAgo = '2023-01-01T00:00:00+00:00';

/** All ids look like those of a platform: their time is in the upper bits. */
export function idOf(number: number): Snowflake {
  return String(BigInt(number) << 22n);
}

/**
 * The platform's database, and the naive model of who may see what. Every version of each guild is kept: what holds
 * for an event is asked afterwards.
 */
export class Platform {
  readonly users = new Map<Snowflake, User>();
  private readonly versions = new Map<Snowflake, GuildRow[]>();
  /** By guild and user. */
  private readonly joinedAt = new Map<string, string>();
  private lastId = 1000;

  /** @param wall milliseconds since the Unix epoch */
  constructor(private readonly wall: () => number) {}

  /** The user becomes a member now. @returns when that is */
  join(guildId: Snowflake, userId: Snowflake): string {
    const at = `${new Date(this.wall()).toISOString().slice(0, 19)}+00:00`;
    this.joinedAt.set(`${guildId} ${userId}`, at);
    const { members } = this.guild(guildId)!;
    this.change(guildId, { members: new Map(members).set(userId, []) });
    return at;
  }

  nextId(): Snowflake {
    return idOf(++this.lastId);
  }

  addUser(): User {
    const id = this.nextId();
    const user: User = {
      id,
      username: `user${this.users.size}`,
      discriminator: '0',
      avatar: null,
      email: null,
      flags: 0,
      bot: false,
      system: false,
    };
    this.users.set(id, user);
    return user;
  }

  /** A guild with `channels` channels, some of them hidden from everybody but a role that some members have. */
  addGuild(members: readonly Snowflake[], channels: number, rng: Rng): GuildRow {
    const id = this.nextId();
    const everyone = roleOf(id, '@everyone', viewChannel);
    const insider = roleOf(this.nextId(), 'insider', 0n);
    const rows = Array.from({ length: channels }, (_, position) => {
      const isHidden = position > 0 && rng.next() < 0.5;
      return channelOf(this.nextId(), position, isHidden ? hiddenBut(id, insider.id) : []);
    });
    const row: GuildRow = {
      id,
      name: `guild ${this.versions.size}`,
      ownerId: members[0]!,
      roles: new Map([everyone, insider].map((role) => [role.id, role])),
      channels: new Map(rows.map((channel) => [channel.id, channel])),
      members: new Map(members.map((userId) => [userId, rng.next() < 0.4 ? [insider.id] : []])),
    };
    this.versions.set(id, [row]);
    return row;
  }

  get guildIds(): Snowflake[] {
    return [...this.versions.keys()];
  }

  guild(id: Snowflake): GuildRow | undefined {
    return this.versions.get(id)?.at(-1);
  }

  /** The number of the guild's present version. */
  version(id: Snowflake): number {
    return (this.versions.get(id)?.length ?? 0) - 1;
  }

  at(id: Snowflake, version: number): GuildRow {
    return this.versions.get(id)![version]!;
  }

  change(id: Snowflake, patch: Partial<GuildRow>): void {
    const rows = this.versions.get(id)!;
    rows.push({ ...rows.at(-1)!, ...patch });
  }

  guildsOf(userId: Snowflake): Snowflake[] {
    return this.guildIds.filter((id) => this.guild(id)!.members.has(userId));
  }

  snapshot(id: Snowflake): GuildSnapshot | null {
    const row = this.guild(id);
    if (row === undefined) return null;
    return {
      guild: { id, name: row.name, icon: null, ownerId: row.ownerId, permissions: viewChannel, flags: 0 },
      roles: [...row.roles.values()],
      channels: [...row.channels.values()],
      memberCount: row.members.size,
      members: this.members(id, [...row.members.keys()]),
    };
  }

  members(id: Snowflake, userIds: readonly Snowflake[]): Member[] {
    const members = this.guild(id)?.members;
    return userIds.flatMap((userId) => {
      const roleIds = members?.get(userId);
      const user = this.users.get(userId);
      if (roleIds === undefined || user === undefined) return [];
      const joinedAt = this.joinedAt.get(`${id} ${userId}`) ?? longAgo;
      return [{ user, nick: null, joinedAt, communicationDisabledUntil: null, roleIds }];
    });
  }
}

/** protocol.md, section 6, as far as the simulation uses it. */
export function canView(row: GuildRow, userId: Snowflake, channelId: Snowflake): boolean {
  return sees(row, row, row, userId, channelId);
}

/**
 * The same for a guild put together of rows of different times: who is a member with which roles, what the channel
 * says, and what the roles may.
 */
export function sees(
  { members, ownerId }: GuildRow,
  { channels }: GuildRow,
  { roles, id }: GuildRow,
  userId: Snowflake,
  channelId: Snowflake,
): boolean {
  const held = members.get(userId);
  if (held === undefined) return false;
  if (channelId === '') return true;
  const channel = channels.get(channelId);
  if (channel === undefined) return false;
  if (userId === ownerId) return true;
  let granted = roles.get(id)?.permissions ?? 0n;
  for (const roleId of held) granted |= roles.get(roleId)?.permissions ?? 0n;
  if ((granted & administrator) !== 0n) return true;
  const forEveryone = channel.overwrites.find(({ targetId }) => targetId === id);
  if (forEveryone) granted = (granted & ~forEveryone.deny) | forEveryone.allow;
  let [allowed, denied] = [0n, 0n];
  for (const { targetId, targetType, allow, deny } of channel.overwrites) {
    if (targetType !== 0 || !held.includes(targetId)) continue;
    allowed |= allow;
    denied |= deny;
  }
  granted = (granted & ~denied) | allowed;
  const own = channel.overwrites.find(({ targetId, targetType }) => targetType === 1 && targetId === userId);
  if (own) granted = (granted & ~own.deny) | own.allow;
  return (granted & viewChannel) !== 0n;
}

export function hiddenBut(everyone: Snowflake, roleId: Snowflake): readonly Overwrite[] {
  return [
    { targetId: everyone, targetType: 0, allow: 0n, deny: viewChannel },
    { targetId: roleId, targetType: 0, allow: viewChannel, deny: 0n },
  ];
}

export function channelOf(id: Snowflake, position: number, overwrites: readonly Overwrite[]): Channel {
  const name = `channel-${position}`;
  return { id, name, type: 0, position, topic: null, parentId: null, lastMessageId: null, overwrites };
}

export function roleOf(id: Snowflake, name: string, permissions: bigint): Role {
  return { id, name, permissions, position: 0, color: 0, hoist: false };
}
