import type { Overwrite } from './model';
import {
  ALL_PERMISSIONS,
  Permission,
  type PermissionHolder,
  basePermissions,
  canView,
  channelPermissions,
} from './permissions';

const guildId = '1';
const now = 1_000_000;

const VIEW = 0x400n;
const SEND = 0x800n;
/** Beside @everyone, of which they ask nothing. */
const none = new Map<string, unknown>();

function holder(more: Partial<PermissionHolder> = {}): PermissionHolder {
  return { user: { id: '5' }, roleIds: [], communicationDisabledUntil: null, ...more };
}

describe('permissions in a channel', () => {
  it('are all for the owner, whatever the overwrites and a timeout say', () => {
    const deny: Overwrite = { targetId: '5', targetType: 1, allow: 0n, deny: ALL_PERMISSIONS };
    const owner = holder({ communicationDisabledUntil: now + 1 });
    const base = basePermissions(owner, { id: guildId, ownerId: '5', permissions: 0n }, new Map());
    const channel = { type: 0, overwrites: [deny] };
    expect(channelPermissions(owner, base, guildId, none, channel, undefined, now)).toBe(ALL_PERMISSIONS);
  });

  it('are none in a thread whose channel is unknown, or a thread itself', () => {
    const thread = { type: 11, overwrites: [] };
    expect(canView(holder(), VIEW, guildId, none, thread, { type: 0, overwrites: [] }, now)).toBe(true);
    expect(canView(holder(), VIEW, guildId, none, thread, undefined, now)).toBe(false);
    expect(canView(holder(), VIEW, guildId, none, thread, thread, now)).toBe(false);
  });

  it('are not changed by overwrites of roles that are gone, also for who has them still', () => {
    const overwrites: Overwrite[] = [
      { targetId: guildId, targetType: 0, allow: 0n, deny: VIEW },
      { targetId: '10', targetType: 0, allow: VIEW, deny: 0n },
    ];
    const sees = (roles: ReadonlyMap<string, unknown>): boolean =>
      canView(holder({ roleIds: ['10'] }), VIEW, guildId, roles, { type: 0, overwrites }, undefined, now);
    expect([sees(new Map([['10', {}]])), sees(none)]).toEqual([true, false]);
  });

  it('are only to look and to read back in a timeout, until its very end', () => {
    const silenced = holder({ communicationDisabledUntil: now });
    const channel = { type: 0, overwrites: [] };
    expect(channelPermissions(silenced, VIEW | SEND, guildId, none, channel, undefined, now - 1)).toBe(VIEW);
    expect(channelPermissions(silenced, VIEW | SEND, guildId, none, channel, undefined, now)).toBe(
      VIEW | SEND,
    );
  });

  it('fall back to the guild where it has no @everyone role', () => {
    expect(basePermissions(holder(), { id: '1', ownerId: '2', permissions: 1024n }, new Map())).toBe(1024n);
  });

  it('has the bits that Discord documents', () => {
    expect(ALL_PERMISSIONS).toBe((1n << 53n) - 1n - (1n << 47n));
    expect(Permission.VIEW_CHANNEL).toBe(0x400n);
    expect(Permission.MANAGE_THREADS).toBe(0x400000000n);
  });
});
