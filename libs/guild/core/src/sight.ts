import type { Snowflake } from '@derailed/shared/kernel';
import {
  basePermissions,
  channelPermissions,
  type Member,
  Permission,
  shows,
} from '@derailed/shared/protocol';
import type { GuildState } from './guild-state';

/** What a member can see and do in the guild. Two members see the same exactly when their keys are equal. */
export interface Sight {
  readonly key: string;
  readonly channelIds: readonly Snowflake[];
  /** Those of them in which it has MANAGE_CHANNELS. */
  readonly managedIds: readonly Snowflake[];
  /** Guild-wide permissions, decimal. */
  readonly permissions: string;
}

/**
 * Computes sights from the state, and remembers them by set of roles: of a thousand members with the same roles one
 * is computed. The owner, members with an overwrite of their own and members in a timeout are computed each for
 * themselves. After a change of roles, channels or the guild a new one is made.
 */
export class Sights {
  private readonly byRoles = new Map<string, Sight>();
  private readonly byKey = new Map<string, Sight>();
  /** Members that some channel has an overwrite for. */
  private readonly singled = new Set<Snowflake>();

  constructor(private readonly state: GuildState) {
    for (const channel of state.channels.values()) {
      for (const { targetType, targetId } of channel.overwrites)
        if (targetType === 1) this.singled.add(targetId);
    }
  }

  /** @param wall milliseconds since the Unix epoch, for timeouts */
  of(member: Member, wall: number): Sight {
    if (this.isSingled(member, wall)) return this.compute(member, wall);
    const roles = [...member.roleIds].sort().join();
    let sight = this.byRoles.get(roles);
    if (sight === undefined) {
      sight = this.compute(member, wall);
      this.byRoles.set(roles, sight);
    }
    return sight;
  }

  private isSingled({ user, communicationDisabledUntil }: Member, wall: number): boolean {
    if (user.id === this.state.guild.ownerId || this.singled.has(user.id)) return true;
    return communicationDisabledUntil !== null && communicationDisabledUntil > wall;
  }

  private compute(member: Member, wall: number): Sight {
    const { guild, roles, channels } = this.state;
    const base = basePermissions(member, guild, roles);
    const channelIds: Snowflake[] = [];
    const managedIds: Snowflake[] = [];
    for (const channel of channels.values()) {
      const parent = channel.parentId === null ? undefined : channels.get(channel.parentId);
      const inChannel = channelPermissions(member, base, guild.id, roles, channel, parent, wall);
      if (!shows(channel.type, inChannel)) continue;
      channelIds.push(channel.id);
      if ((inChannel & Permission.MANAGE_CHANNELS) !== 0n) managedIds.push(channel.id);
    }
    const permissions = base.toString();
    // Channels are always walked in the order of the state, so equal sets make equal keys.
    const key = `${permissions}:${channelIds.join()}:${managedIds.join()}`;
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const sight = { key, channelIds, managedIds, permissions };
    this.byKey.set(key, sight);
    return sight;
  }
}
