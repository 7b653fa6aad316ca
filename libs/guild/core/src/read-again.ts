import type { Snowflake } from '@derailed/shared/kernel';
import type { GuildSnapshot, Member } from '@derailed/shared/protocol';
import type { StateChange } from './change';
import { GuildState } from './guild-state';

/** What a later read of the guild has brought. */
export interface Reading {
  readonly snapshot: GuildSnapshot;
  readonly members: readonly Member[];
  /** Who has joined since the read before, as far as the snapshot leaves members out. */
  readonly joined: readonly Snowflake[];
  /** Published since the read began. */
  readonly changes: readonly StateChange[];
  /** Whose members were asked for. */
  readonly asked: ReadonlySet<Snowflake>;
}

/** For how long an owner of the guild may have known of a member whom it had not called yet when it died (ms). */
const lately = 60_000;

/** Who joined not long ago: an owner before may have heard of it, and not have called them any more. */
export function joinedLately(snapshot: GuildSnapshot | null, wall: number): readonly Snowflake[] {
  const members = snapshot?.members ?? [];
  return members.flatMap(({ user, joinedAt }) =>
    Math.abs(wall - Date.parse(joinedAt)) <= lately ? user.id : [],
  );
}

/**
 * The guild as it is read again.
 * @param subscribed users with subscribers
 * @returns the state; who is subscribed and no member any more; members that no event told of, as far as that can be known
 */
export function readAgain(
  before: GuildState,
  { snapshot, members, joined: joinedLately, changes, asked }: Reading,
  subscribed: readonly Snowflake[],
): {
  readonly state: GuildState;
  readonly gone: readonly Snowflake[];
  readonly joined: readonly Snowflake[];
} {
  const state = GuildState.again(snapshot, members, changes);
  const gone: Snowflake[] = [];
  for (const userId of subscribed) {
    const known = before.members.get(userId);
    if (state.members.has(userId)) continue;
    if (known !== undefined && !asked.has(userId)) state.addMember(known);
    else gone.push(userId);
  }
  const present = before.complete && state.complete ? state.members.keys() : joinedLately;
  return { state, gone, joined: [...present].filter((userId) => !before.members.has(userId)) };
}
