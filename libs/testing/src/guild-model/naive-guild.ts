import type { Channel, Guild, GuildSnapshot, Member, Role } from '@derailed/shared/protocol';
import type { GuildCast, GuildStep } from './guild-steps';
import { naiveBase, naiveCanSee, naiveChannel, type NaiveWorld } from './naive-permissions';

/** What the monolith says when it has made a change. */
export interface Publication {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export const isNaiveThread = (type: number): boolean => type >= 10 && type <= 12;

/** Every member of the cast, without roles; no channels; @everyone may look. */
export class NaiveGuild implements NaiveWorld {
  guild: Guild;
  roles: Role[];
  channels: Channel[] = [];
  members: Member[];

  constructor(readonly cast: GuildCast) {
    const { guildId, userIds } = cast;
    const ownerId = userIds[0] ?? '';
    this.guild = { id: guildId, name: 'guild', icon: null, ownerId, permissions: 0n, flags: 0 };
    this.roles = [naiveRole(guildId, 1024n)];
    this.members = userIds.map((id) => naiveMember(id));
  }

  member(userId: string): Member | undefined {
    return this.members.find(({ user }) => user.id === userId);
  }

  channel(channelId: string): Channel | undefined {
    return this.channels.find(({ id }) => id === channelId);
  }

  /** @param wall milliseconds since 1970 */
  sees(userId: string, channelId: string, wall: number): boolean {
    const member = this.member(userId);
    const channel = this.channel(channelId);
    return member !== undefined && channel !== undefined && naiveCanSee(member, channel, this, wall);
  }

  /** Ids of all channels, threads too, that the user sees. */
  sights(userId: string, wall: number): Set<string> {
    return new Set(this.channels.filter(({ id }) => this.sees(userId, id, wall)).map(({ id }) => id));
  }

  /** Guild-wide permissions; 0n for who is no member. */
  permissions(userId: string): bigint {
    const member = this.member(userId);
    return member === undefined ? 0n : naiveBase(member, this);
  }

  permissionsIn(userId: string, channelId: string, wall: number): bigint {
    const member = this.member(userId);
    const channel = this.channel(channelId);
    return member === undefined || channel === undefined ? 0n : naiveChannel(member, channel, this, wall);
  }

  /** Whether a monolith would do that: what is not there can't go, and the owner is a member. */
  allows(step: GuildStep): boolean {
    switch (step.do) {
      case 'roleGone':
        return this.roles.some(({ id }) => id === step.id);
      case 'channelGone':
        return this.channel(step.id) !== undefined;
      case 'memberGone':
        return this.member(step.id) !== undefined && this.guild.ownerId !== step.id;
      case 'owner':
        return this.member(step.id) !== undefined;
      default:
        return true;
    }
  }

  /** Makes the change. What the monolith then publishes. */
  apply(step: GuildStep, wall: number): Publication {
    const publication = this.publicationOf(step, wall);
    const { cast } = this;
    switch (step.do) {
      case 'role':
        this.roles = [...this.roles.filter(({ id }) => id !== step.id), naiveRole(step.id, step.permissions)];
        break;
      case 'roleGone':
        this.roles = this.roles.filter(({ id }) => id !== step.id);
        break;
      case 'channel': {
        const type = cast.channels.get(step.id) ?? 0;
        const channel = { ...naiveChannelOf(step.id, type), parentId: step.parent };
        // A thread has no overwrites of its own.
        const overwrites = isNaiveThread(type) ? [] : step.overwrites;
        this.channels = [...this.channels.filter(({ id }) => id !== step.id), { ...channel, overwrites }];
        break;
      }
      case 'channelGone':
        this.channels = this.channels.filter(({ id }) => id !== step.id);
        break;
      case 'member':
        this.members = [
          ...this.members.filter(({ user }) => user.id !== step.id),
          {
            ...naiveMember(step.id),
            roleIds: step.roles,
            communicationDisabledUntil: step.timeout === null ? null : wall + step.timeout,
          },
        ];
        break;
      case 'memberGone':
        this.members = this.members.filter(({ user }) => user.id !== step.id);
        break;
      case 'owner':
        this.guild = { ...this.guild, ownerId: step.id };
        break;
    }
    return publication;
  }

  /** Forgets roles and parents that are not there, as a database does. Made again under their ids they are others. */
  tidy(): void {
    const isRole = (roleId: string): boolean => this.roles.some(({ id }) => id === roleId);
    this.members = this.members.map((member) => ({ ...member, roleIds: member.roleIds.filter(isRole) }));
    this.channels = this.channels.map((channel) => ({
      ...channel,
      parentId: this.channels.some(({ id }) => id === channel.parentId) ? channel.parentId : null,
      overwrites: channel.overwrites.filter(
        ({ targetType, targetId }) => targetType === 1 || isRole(targetId),
      ),
    }));
  }

  /** What the database says of it. */
  snapshot(): GuildSnapshot {
    const { guild, roles, channels, members } = this;
    return { guild, roles, channels, members, memberCount: members.length };
  }

  private publicationOf(step: GuildStep, wall: number): Publication {
    switch (step.do) {
      case 'role': {
        const known = this.roles.some(({ id }) => id === step.id);
        const { name } = naiveRole(step.id, 0n);
        const role = { id: step.id, name, permissions: String(step.permissions) };
        return { name: known ? 'GUILD_ROLE_UPDATE' : 'GUILD_ROLE_CREATE', data: { role } };
      }
      case 'roleGone':
        return { name: 'GUILD_ROLE_DELETE', data: { role_id: step.id } };
      case 'channel': {
        const type = this.cast.channels.get(step.id) ?? 0;
        const thread = isNaiveThread(type);
        const event = this.channel(step.id) === undefined ? 'CREATE' : 'UPDATE';
        const overwrites = step.overwrites.map(({ targetId, targetType, allow, deny }) => ({
          id: targetId,
          type: targetType,
          allow: String(allow),
          deny: String(deny),
        }));
        return {
          name: `${thread ? 'THREAD' : 'CHANNEL'}_${event}`,
          data: {
            id: step.id,
            name: naiveChannelOf(step.id, type).name,
            type,
            parent_id: step.parent,
            ...(!thread && { permission_overwrites: overwrites }),
          },
        };
      }
      case 'channelGone': {
        const { type, parentId } = this.channel(step.id) ?? { type: 0, parentId: null };
        return {
          name: isNaiveThread(type) ? 'THREAD_DELETE' : 'CHANNEL_DELETE',
          data: { id: step.id, type, parent_id: parentId },
        };
      }
      case 'member': {
        const until = step.timeout === null ? null : new Date(wall + step.timeout).toISOString();
        return {
          name: this.member(step.id) === undefined ? 'GUILD_MEMBER_ADD' : 'GUILD_MEMBER_UPDATE',
          data: {
            user: { id: step.id, username: naiveMember(step.id).user.username },
            roles: step.roles,
            communication_disabled_until: until,
          },
        };
      }
      case 'memberGone':
        return { name: 'GUILD_MEMBER_REMOVE', data: { user: { id: step.id } } };
      case 'owner':
        return { name: 'GUILD_UPDATE', data: { owner_id: step.id } };
    }
  }
}

function naiveRole(id: string, permissions: bigint): Role {
  return { id, name: `role ${id}`, permissions, position: 0, color: 0, hoist: false };
}

function naiveChannelOf(id: string, type: number): Channel {
  return {
    id,
    name: `channel ${id}`,
    type,
    position: 0,
    topic: null,
    parentId: null,
    lastMessageId: null,
    overwrites: [],
  };
}

function naiveMember(id: string): Member {
  const user = { id, username: `user${id}`, discriminator: '0', avatar: null, email: null };
  return {
    user: { ...user, flags: 0, bot: false, system: false },
    nick: null,
    joinedAt: '2024-01-01T00:00:00.000Z',
    communicationDisabledUntil: null,
    roleIds: [],
  };
}
