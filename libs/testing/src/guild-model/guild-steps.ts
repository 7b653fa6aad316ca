import { type Overwrite, Permission } from '@derailed/shared/protocol';
import * as fc from 'fast-check';

/** Who and what a guild of the model is made of. The roles beside @everyone, whose id is the guild's. */
export interface GuildCast {
  readonly guildId: string;
  readonly userIds: readonly string[];
  readonly roleIds: readonly string[];
  /** Type by id: what is a thread stays one. */
  readonly channels: ReadonlyMap<string, number>;
}

/** A change of a guild. What is not there is made by it; what has the id already is changed. */
export type GuildStep =
  | { readonly do: 'role'; readonly id: string; readonly permissions: bigint }
  | { readonly do: 'roleGone'; readonly id: string }
  | {
      readonly do: 'channel';
      readonly id: string;
      readonly parent: string | null;
      readonly overwrites: readonly Overwrite[];
    }
  | { readonly do: 'channelGone'; readonly id: string }
  /** timeout: milliseconds from then on. */
  | {
      readonly do: 'member';
      readonly id: string;
      readonly roles: readonly string[];
      readonly timeout: number | null;
    }
  | { readonly do: 'memberGone'; readonly id: string }
  | { readonly do: 'owner'; readonly id: string };

/** Something that is said in a guild and changes nothing. A channel of '' is the whole guild. */
export interface Talk {
  readonly do: 'talk';
  readonly name:
    | 'MESSAGE_CREATE'
    | 'INVITE_CREATE'
    | 'GUILD_AUDIT_LOG_ENTRY_CREATE'
    | 'OF_THE_PLATFORM'
    | 'THREAD_MEMBERS_UPDATE';
  readonly channelId: string;
  /** Named by who publishes it: one of these bits is asked for, whatever the name of the event asks for. */
  readonly permissions?: bigint;
  /** Whom THREAD_MEMBERS_UPDATE names. */
  readonly userIds?: readonly string[];
}

/** What sight, and what goes by permissions beside it, depends on. ADMINISTRATOR is rare, or everybody saw everything. */
const bits = [
  Permission.VIEW_CHANNEL,
  Permission.MANAGE_THREADS,
  Permission.MANAGE_CHANNELS,
  Permission.CONNECT,
  Permission.VIEW_AUDIT_LOG,
] as const;
const sum = (some: readonly bigint[]): bigint => some.reduce((all, one) => all | one, 0n);
const quiet = fc.subarray([...bits]).map(sum);
const permissions = fc
  .tuple(quiet, fc.integer({ min: 0, max: 9 }))
  .map(([some, luck]) => (luck === 0 ? some | Permission.ADMINISTRATOR : some));

export function overwritesOf({ guildId, roleIds, userIds }: GuildCast): fc.Arbitrary<Overwrite[]> {
  const forRole = fc.record({
    targetId: fc.constantFrom(guildId, guildId, ...roleIds),
    targetType: fc.constant(0 as const),
    allow: quiet,
    deny: quiet,
  });
  const forMember = fc.record({
    targetId: fc.constantFrom(...userIds),
    targetType: fc.constant(1 as const),
    allow: quiet,
    deny: quiet,
  });
  return fc.uniqueArray(fc.oneof(forRole, forRole, forMember), {
    maxLength: 4,
    selector: ({ targetType, targetId }) => `${targetType}:${targetId}`,
  });
}

export interface StepWeights {
  /** How often members come and go; 0: never. */
  readonly members?: number;
  /** How often a timeout is set, of ten changes of a member. */
  readonly timeouts?: number;
}

/** One change of a guild of this cast, as a monolith might make it. */
export function guildSteps(
  cast: GuildCast,
  { members = 1, timeouts = 5 }: StepWeights = {},
): fc.Arbitrary<GuildStep> {
  const { guildId, userIds } = cast;
  const roleIds = [...cast.roleIds];
  const channelIds = [...cast.channels.keys()];
  const timeout = fc
    .tuple(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 0, max: 9 }))
    .map(([ms, luck]) => (luck < timeouts ? ms : null));
  return fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('role' as const),
        id: fc.constantFrom(guildId, ...roleIds),
        permissions,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('roleGone' as const), id: fc.constantFrom(...roleIds) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('channel' as const),
        id: fc.constantFrom(...channelIds),
        parent: fc.constantFrom(null, ...channelIds),
        overwrites: overwritesOf(cast),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('channelGone' as const), id: fc.constantFrom(...channelIds) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('member' as const),
        id: fc.constantFrom(...userIds),
        roles: fc.subarray(roleIds, { maxLength: Math.min(3, roleIds.length) }),
        timeout,
      }),
    },
    {
      weight: members,
      arbitrary: fc.record({ do: fc.constant('memberGone' as const), id: fc.constantFrom(...userIds) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('owner' as const), id: fc.constantFrom(...userIds) }),
    },
  );
}

/** Something said in a guild of this cast. */
export function talk(cast: GuildCast): fc.Arbitrary<Talk> {
  const channelId = fc.constantFrom(...cast.channels.keys());
  const said = (name: Talk['name'], where: fc.Arbitrary<string>) =>
    fc.record({ do: fc.constant('talk' as const), name: fc.constant(name), channelId: where });
  return fc.oneof(
    { weight: 6, arbitrary: said('MESSAGE_CREATE', channelId) },
    { weight: 1, arbitrary: said('INVITE_CREATE', channelId) },
    { weight: 1, arbitrary: said('OF_THE_PLATFORM', channelId) },
    { weight: 1, arbitrary: said('OF_THE_PLATFORM', fc.constant('')) },
    { weight: 1, arbitrary: said('GUILD_AUDIT_LOG_ENTRY_CREATE', fc.constant('')) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('talk' as const),
        name: fc.constantFrom('OF_THE_PLATFORM', 'INVITE_CREATE', 'GUILD_AUDIT_LOG_ENTRY_CREATE'),
        channelId,
        permissions: fc.subarray([...bits], { minLength: 1 }).map(sum),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('talk' as const),
        name: fc.constant('THREAD_MEMBERS_UPDATE' as const),
        channelId,
        userIds: fc.subarray([...cast.userIds], { maxLength: 5 }),
      }),
    },
  );
}
