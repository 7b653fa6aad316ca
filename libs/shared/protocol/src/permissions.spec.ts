import * as fc from 'fast-check';
import type { Channel, Overwrite } from './model';
import { ALL_PERMISSIONS, Permission, basePermissions, canView, channelPermissions } from './permissions';

const guildId = '1';
const now = 1_000_000;

interface World {
  readonly owner: boolean;
  readonly everyone: bigint;
  readonly roles: readonly bigint[];
  readonly overwrites: readonly Overwrite[];
  readonly type: number;
  readonly timeout: number | null;
}

/** Bit by bit, in the words of the documents; shares nothing with what it checks. */
function naive(world: World, name: keyof typeof Permission): boolean {
  const bit = Permission[name];
  const has = (mask: bigint, wanted = bit): boolean => (mask / wanted) % 2n === 1n;
  const administrator = (mask: bigint): boolean => has(mask, 8n);
  const mine = new Set(world.roles.map((_, at) => String(at + 10)));
  if (world.owner || administrator(world.everyone) || world.roles.some(administrator)) return true;

  const after = (wanted: bigint): boolean => {
    let granted = has(world.everyone, wanted) || world.roles.some((role) => has(role, wanted));
    for (const { targetId, allow, deny } of world.overwrites.filter(
      (one) => one.targetType === 0 && one.targetId === guildId,
    )) {
      if (has(deny, wanted)) granted = false;
      if (has(allow, wanted)) granted = true;
      void targetId;
    }
    const ofRoles = world.overwrites.filter((one) => one.targetType === 0 && mine.has(one.targetId));
    if (ofRoles.some((one) => has(one.deny, wanted))) granted = false;
    if (ofRoles.some((one) => has(one.allow, wanted))) granted = true;
    for (const { allow, deny } of world.overwrites.filter(
      (one) => one.targetType === 1 && one.targetId === '5',
    )) {
      if (has(deny, wanted)) granted = false;
      if (has(allow, wanted)) granted = true;
    }
    if (world.timeout !== null && world.timeout > now && wanted !== 0x400n && wanted !== 0x10000n)
      granted = false;
    return granted;
  };
  if (!after(0x400n) || !after(bit)) return false;
  const inVoice = [
    'MANAGE_CHANNELS',
    'PRIORITY_SPEAKER',
    'STREAM',
    'SPEAK',
    'MUTE_MEMBERS',
    'DEAFEN_MEMBERS',
    'MOVE_MEMBERS',
    'USE_VAD',
    'REQUEST_TO_SPEAK',
    'USE_EMBEDDED_ACTIVITIES',
    'USE_SOUNDBOARD',
    'USE_EXTERNAL_SOUNDS',
    'SET_VOICE_CHANNEL_STATUS',
  ];
  if ([2, 13].includes(world.type) && !after(Permission.CONNECT) && inVoice.includes(name)) return false;
  const sending = [10, 11, 12].includes(world.type)
    ? Permission.SEND_MESSAGES_IN_THREADS
    : Permission.SEND_MESSAGES;
  return (
    after(sending) || !['MENTION_EVERYONE', 'SEND_TTS_MESSAGES', 'ATTACH_FILES', 'EMBED_LINKS'].includes(name)
  );
}

const names = Object.keys(Permission) as (keyof typeof Permission)[];
const mask = fc
  .array(fc.constantFrom(...names), { maxLength: 12 })
  .map((chosen) => chosen.reduce((bits, name) => bits | Permission[name], 0n));
const rarelyAdministrator = fc
  .tuple(mask, fc.integer({ min: 0, max: 9 }))
  .map(([bits, dice]) => (dice === 0 ? bits : bits & ~Permission.ADMINISTRATOR));
const overwrite = fc.record<Overwrite>({
  targetId: fc.constantFrom(guildId, '5', '6', '10', '11', '12', '99'),
  targetType: fc.constantFrom(0, 1),
  allow: mask,
  deny: mask,
});
const world = fc.record<World>({
  owner: fc.integer({ min: 0, max: 19 }).map((dice) => dice === 0),
  everyone: rarelyAdministrator,
  roles: fc.array(rarelyAdministrator, { maxLength: 3 }),
  overwrites: fc.uniqueArray(overwrite, {
    maxLength: 6,
    selector: (one) => `${one.targetType}:${one.targetId}`,
  }),
  type: fc.constantFrom(0, 2, 4, 5, 10, 11, 12, 13),
  timeout: fc.constantFrom(null, now - 1, now, now + 1),
});

function build(of: World) {
  const member = {
    user: { id: '5' },
    roleIds: [...of.roles.map((_, at) => String(at + 10)), '404'],
    communicationDisabledUntil: of.timeout,
  };
  const roles = new Map([[guildId, { permissions: of.everyone }]]);
  of.roles.forEach((permissions, at) => roles.set(String(at + 10), { permissions }));
  const base = basePermissions(
    member,
    { id: guildId, ownerId: of.owner ? '5' : '7', permissions: 0n },
    roles,
  );
  const thread = of.type >= 10 && of.type <= 12;
  const channel: Pick<Channel, 'type' | 'overwrites'> = {
    type: of.type,
    overwrites: thread ? [] : of.overwrites,
  };
  const parent = thread ? { overwrites: of.overwrites } : undefined;
  return { member, base, channel, parent };
}

describe('permissions in a channel', () => {
  it('are those of the naive reading', () => {
    fc.assert(
      fc.property(world, (of) => {
        const { member, base, channel, parent } = build(of);
        const permissions = channelPermissions(member, base, guildId, channel, parent, now);
        for (const name of names) {
          expect([name, (permissions & Permission[name]) !== 0n]).toEqual([name, naive(of, name)]);
        }
        const sees = naive(of, 'VIEW_CHANNEL') && (of.type !== 12 || naive(of, 'MANAGE_THREADS'));
        expect(canView(member, base, guildId, channel, parent, now)).toBe(sees);
      }),
      { numRuns: 500 },
    );
  });

  it('are all for the owner, whatever the overwrites and a timeout say', () => {
    const deny: Overwrite = { targetId: '5', targetType: 1, allow: 0n, deny: ALL_PERMISSIONS };
    const { member, base, channel } = build({
      owner: true,
      everyone: 0n,
      roles: [],
      overwrites: [deny],
      type: 0,
      timeout: now + 1,
    });
    expect(channelPermissions(member, base, guildId, channel, undefined, now)).toBe(ALL_PERMISSIONS);
  });

  it('are none in a thread whose channel is unknown', () => {
    const { member, base } = build({
      owner: false,
      everyone: Permission.VIEW_CHANNEL,
      roles: [],
      overwrites: [],
      type: 0,
      timeout: null,
    });
    expect(canView(member, base, guildId, { type: 11, overwrites: [] }, undefined, now)).toBe(false);
  });

  it('fall back to the guild where it has no @everyone role', () => {
    const member = { user: { id: '5' }, roleIds: [], communicationDisabledUntil: null };
    expect(basePermissions(member, { id: '1', ownerId: '2', permissions: 1024n }, new Map())).toBe(1024n);
  });

  it('has the bits that Discord documents', () => {
    expect(ALL_PERMISSIONS).toBe((1n << 53n) - 1n - (1n << 47n));
    expect(Permission.VIEW_CHANNEL).toBe(0x400n);
    expect(Permission.MANAGE_THREADS).toBe(0x400000000n);
  });
});
