import type { Snowflake } from '@derailed/shared/kernel';
import type { Channel, Guild, GuildSnapshot, Member, Role } from '@derailed/shared/protocol';
import type { Change, StateChange } from './change';
import { type Handover, isHandover } from './handover';

/** What a change touched. */
export interface Folded {
  /** What GUILD_CREATE says to everybody: the guild, its roles or channels. */
  readonly shared: boolean;
  /** Whose sight or permissions may differ now. */
  readonly sight: 'nobody' | 'everybody' | { readonly userId: Snowflake };
}

/** Roles are read again within seconds. */
const mostDoubtful = 1024;

const untouched: Folded = { shared: false, sight: 'nobody' };
const sharedOnly: Folded = { shared: true, sight: 'nobody' };
const everybody: Folded = { shared: true, sight: 'everybody' };

/**
 * A guild as the database had it, with the events since folded in. Folding is idempotent, and a part that the
 * state does not know is not made up from an update: nobody sees a channel of which only an update was heard.
 */
export class GuildState {
  guild: Guild;
  readonly roles: Map<Snowflake, Role>;
  readonly channels: Map<Snowflake, Channel>;
  /** Everybody if `complete`; else those who are subscribed or in voice, as far as they were asked for. */
  readonly members = new Map<Snowflake, Member>();
  /** Of which only an update was heard, as clients were: the database may not have them. */
  readonly doubtfulRoleIds = new Set<Snowflake>();
  /** Whether `members` has every member of the guild. */
  readonly complete: boolean;
  /** Exact if `complete`; else as the snapshot counted, and counted on by joins and leaves. */
  memberCount: number;

  constructor(snapshot: GuildSnapshot | Handover) {
    this.guild = snapshot.guild;
    this.roles = new Map(snapshot.roles.map((role) => [role.id, role]));
    this.channels = new Map(snapshot.channels.map((channel) => [channel.id, channel]));
    this.complete = snapshot.members !== null;
    const members = snapshot.members ?? (isHandover(snapshot) ? snapshot.known : []);
    for (const member of members) this.members.set(member.user.id, member);
    this.memberCount = this.complete ? this.members.size : snapshot.memberCount;
  }

  /** As the database has it now, with what was published since it was asked. @param members if the snapshot left them out */
  static again(
    snapshot: GuildSnapshot,
    members: readonly Member[],
    changes: readonly StateChange[],
  ): GuildState {
    const state = new GuildState(snapshot);
    if (!state.complete) for (const member of members) state.addMember(member);
    for (const change of changes) state.fold(change);
    return state;
  }

  /** Takes in a change, whatever came before it. */
  fold(change: StateChange): Folded {
    switch (change.kind) {
      case 'guild':
        this.guild = { ...this.guild, ...change.patch };
        return 'ownerId' in change.patch || 'permissions' in change.patch ? everybody : sharedOnly;
      case 'channel':
        return this.foldChannel(change);
      case 'channelGone':
        return this.channels.delete(change.id) ? everybody : untouched;
      case 'role':
        return this.foldRole(change);
      case 'roleGone':
        return this.roles.delete(change.id) ? everybody : untouched;
      case 'member':
        return this.foldMember(change);
      case 'memberGone':
        if (this.members.delete(change.userId) || !this.complete)
          this.memberCount = Math.max(0, this.memberCount - 1);
        return { shared: false, sight: { userId: change.userId } };
    }
  }

  /** A member that was read from the database because the snapshot left members out. */
  addMember(member: Member): void {
    if (this.complete && !this.members.has(member.user.id)) this.memberCount++;
    this.members.set(member.user.id, member);
  }

  private foldChannel({ id, isNew, patch }: Extract<Change, { kind: 'channel' }>): Folded {
    const known = this.channels.get(id);
    if (known === undefined && !isNew) return untouched;
    const channel = { ...(known ?? { ...blankChannel, id }), ...patch };
    this.channels.set(id, channel);
    const sightless =
      known !== undefined && !('overwrites' in patch || 'type' in patch || 'parentId' in patch);
    return sightless ? sharedOnly : everybody;
  }

  private foldRole({ id, isNew, patch }: Extract<Change, { kind: 'role' }>): Folded {
    const known = this.roles.get(id);
    if (known === undefined && !isNew) {
      if (this.doubtfulRoleIds.size < mostDoubtful) this.doubtfulRoleIds.add(id);
      return untouched;
    }
    const role = { ...(known ?? { ...blankRole, id }), ...patch };
    this.roles.set(id, role);
    return known?.permissions === role.permissions ? sharedOnly : everybody;
  }

  private foldMember({ userId, isNew, user, patch }: Extract<Change, { kind: 'member' }>): Folded {
    const known = this.members.get(userId);
    if (known !== undefined) {
      this.members.set(userId, { ...known, ...patch, user: { ...known.user, ...user } });
      return { shared: false, sight: { userId } };
    }
    if (isNew) this.memberCount++;
    // Of a guild whose members are not all here, those that matter are read when they subscribe.
    if (!isNew || !this.complete) return untouched;
    this.members.set(userId, { ...blankMember, ...patch, user: { ...blankUser, ...user, id: userId } });
    return { shared: false, sight: { userId } };
  }
}

const blankChannel: Omit<Channel, 'id'> = {
  name: '',
  type: 0,
  position: 0,
  topic: null,
  parentId: null,
  lastMessageId: null,
  overwrites: [],
};

const blankRole: Omit<Role, 'id'> = { name: '', permissions: 0n, position: 0, color: 0, hoist: false };

const blankUser: Omit<Member['user'], 'id'> = {
  username: '',
  discriminator: '0',
  avatar: null,
  email: null,
  flags: 0,
  bot: false,
  system: false,
};

const blankMember: Omit<Member, 'user'> = {
  nick: null,
  joinedAt: '1970-01-01T00:00:00.000Z',
  communicationDisabledUntil: null,
  roleIds: [],
};
