import type { Channel, Guild, Member, Overwrite, Role } from '@derailed/shared/protocol';

// The second implementation of permissions: the pseudo code of the protocol, line by line, on plain objects. It shares
// no constant and no function with what it checks, and is as slow as it reads.

const bit = (place: number): bigint => 2n ** BigInt(place);
const bits = (...places: number[]): bigint => places.map(bit).reduce((sum, one) => sum + one, 0n);
const ADMINISTRATOR = bit(3);
const VIEW_CHANNEL = bit(10);
const READ_MESSAGE_HISTORY = bit(16);
const CONNECT = bit(20);
const MANAGE_THREADS = bit(34);
const SEND_MESSAGES = bit(11);
const SEND_MESSAGES_IN_THREADS = bit(38);
/** MENTION_EVERYONE, SEND_TTS, ATTACH_FILES, EMBED_LINKS. */
const takesSending = bits(17, 12, 15, 14);
/** MANAGE_CHANNELS, and what is of voice alone. */
const takesConnecting = bits(4, 8, 9, 21, 22, 23, 24, 25, 32, 39, 42, 45, 48);
const ALL = bits(...[...Array(53).keys()].filter((place) => place !== 47));

/** As much of a guild as permissions depend on. */
export interface NaiveWorld {
  readonly guild: Guild;
  readonly roles: readonly Role[];
  readonly channels: readonly Channel[];
  readonly members: readonly Member[];
}

/** What the member may do in the guild, before any channel. */
export function naiveBase(member: Member, { guild, roles }: NaiveWorld): bigint {
  if (member.user.id === guild.ownerId) return ALL;
  const role = (id: string) => roles.find((one) => one.id === id);
  let p = role(guild.id)?.permissions ?? guild.permissions;
  for (const r of member.roleIds) {
    const known = role(r);
    if (known) p |= known.permissions;
  }
  if (p & ADMINISTRATOR) return ALL;
  return p;
}

/** What the member may do in the channel. @param now wall time in milliseconds */
export function naiveChannel(member: Member, asked: Channel, world: NaiveWorld, now: number): bigint {
  const { guild } = world;
  let p = naiveBase(member, world);
  if (p === ALL) return ALL;
  const isThread = (one: Channel) => [10, 11, 12].includes(one.type);
  let ch = asked;
  if (isThread(asked)) {
    const parent = world.channels.find((one) => one.id === asked.parentId);
    if (!parent || isThread(parent)) return 0n;
    ch = parent;
  }
  const ow = (type: number, id: string): Overwrite | undefined =>
    ch.overwrites.find((one) => one.targetType === type && one.targetId === id);
  const e = ow(0, guild.id);
  if (e) p = (p & ~e.deny) | e.allow;
  let A = 0n;
  let D = 0n;
  for (const r of member.roleIds) {
    if (!world.roles.some((role) => role.id === r)) continue;
    const o = ow(0, r);
    if (o) {
      A |= o.allow;
      D |= o.deny;
    }
  }
  p = (p & ~D) | A;
  const m = ow(1, member.user.id);
  if (m) p = (p & ~m.deny) | m.allow;
  const until = member.communicationDisabledUntil;
  if (until !== null && until > now) p &= VIEW_CHANNEL | READ_MESSAGE_HISTORY;
  if (!(p & VIEW_CHANNEL)) return 0n;
  if ((ch.type === 2 || ch.type === 13) && !(p & CONNECT)) p &= ~takesConnecting;
  if (!(p & (isThread(asked) ? SEND_MESSAGES_IN_THREADS : SEND_MESSAGES))) p &= ~takesSending;
  return p;
}

/** Whether the member sees the channel. */
export function naiveCanSee(member: Member, channel: Channel, world: NaiveWorld, now: number): boolean {
  const p = naiveChannel(member, channel, world, now);
  if (!(p & VIEW_CHANNEL)) return false;
  return channel.type !== 12 || (p & MANAGE_THREADS) !== 0n;
}
