import {
  basePermissions,
  canView,
  type Channel,
  type GuildSnapshot,
  type Member,
  Permission,
  type Role,
} from '@derailed/shared/protocol';
import * as fc from 'fast-check';
import { channel, GuildRig, guildId, member, ownerId, role, snapshot } from './guild.fixture';

const bits = [
  Permission.VIEW_CHANNEL,
  Permission.MANAGE_THREADS,
  Permission.ADMINISTRATOR,
  Permission.CONNECT,
  Permission.VIEW_AUDIT_LOG,
] as const;
const roleIds = ['10', '11', '12'];
const channelIds = ['200', '201', '202', '203', '204'];
const userIds = [ownerId, '2', '3', '4', '5'];

const permissions = fc.subarray([...bits]).map((some) => some.reduce((all, bit) => all | bit, 0n));
const quiet = fc
  .subarray([...bits].filter((bit) => bit !== Permission.ADMINISTRATOR))
  .map((some) => some.reduce((all, bit) => all | bit, 0n));
const overwrite = fc.oneof(
  fc.record({
    id: fc.constantFrom(guildId, ...roleIds),
    type: fc.constant(0 as const),
    allow: quiet,
    deny: quiet,
  }),
  fc.record({ id: fc.constantFrom(...userIds), type: fc.constant(1 as const), allow: quiet, deny: quiet }),
);
const overwrites = fc.uniqueArray(overwrite, { maxLength: 3, selector: ({ id, type }) => `${type}:${id}` });
/** By channel: what is a thread stays one. */
const types: Readonly<Record<string, number>> = { 200: 0, 201: 2, 202: 4, 203: 11, 204: 12 };
const roles = fc.subarray(roleIds);

type OverwriteJson = { id: string; type: 0 | 1; allow: bigint; deny: bigint };
const json = (list: OverwriteJson[]) =>
  list.map(({ allow, deny, ...rest }) => ({ ...rest, allow: `${allow}`, deny: `${deny}` }));
const fields = (list: OverwriteJson[]) =>
  list.map(({ id, type: targetType, allow, deny }) => ({ targetId: id, targetType, allow, deny }));

/** A change as the monolith publishes it, and what it does to a model that knows nothing of classes. */
type Step =
  | { do: 'role'; id: string; permissions: bigint }
  | { do: 'roleGone'; id: string }
  | { do: 'channel'; id: string; parent: string | null; overwrites: OverwriteJson[] }
  | { do: 'channelGone'; id: string }
  | { do: 'member'; id: string; roles: string[]; timeout: number | null }
  | { do: 'owner'; id: string }
  | { do: 'wait'; ms: number }
  | { do: 'stall'; on: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('role' as const), id: fc.constantFrom(guildId, ...roleIds), permissions }),
  fc.record({ do: fc.constant('roleGone' as const), id: fc.constantFrom(...roleIds) }),
  fc.record({
    do: fc.constant('channel' as const),
    id: fc.constantFrom(...channelIds),
    parent: fc.constantFrom(null, ...channelIds),
    overwrites,
  }),
  fc.record({ do: fc.constant('channelGone' as const), id: fc.constantFrom(...channelIds) }),
  fc.record({
    do: fc.constant('member' as const),
    id: fc.constantFrom(...userIds),
    roles,
    timeout: fc.option(fc.integer({ min: 1, max: 5000 }), { nil: null }),
  }),
  fc.record({ do: fc.constant('owner' as const), id: fc.constantFrom(...userIds) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.nat(3000) }),
  fc.record({ do: fc.constant('stall' as const), on: fc.boolean() }),
);

/** What becomes of threads is said otherwise. */
const isThread = (kind: number | undefined): boolean => kind !== undefined && kind >= 10 && kind <= 12;

/** The guild without classes, caches and streams: every question is computed anew. */
class Oracle {
  ownerId = ownerId;
  readonly roles = new Map<string, Role>([[guildId, role(guildId, Permission.VIEW_CHANNEL)]]);
  readonly channels = new Map<string, Channel>();
  readonly members = new Map<string, Member>(userIds.map((id) => [id, member(id)]));

  sees(userId: string, channelId: string, wall: number): boolean {
    const who = this.members.get(userId);
    const where = this.channels.get(channelId);
    if (who === undefined || where === undefined) return false;
    const parent = where.parentId === null ? undefined : this.channels.get(where.parentId);
    const base = basePermissions(who, { id: guildId, ownerId: this.ownerId, permissions: 0n }, this.roles);
    return canView(who, base, guildId, where, parent, wall);
  }
}

/** What the database says of a guild like this. */
function databaseOf({ ownerId: owner, roles, channels, members }: Oracle): GuildSnapshot {
  const all = [...members.values()];
  const base = snapshot({
    roles: [...roles.values()],
    channels: [...channels.values()],
    members: all,
    memberCount: all.length,
  });
  return { ...base, guild: { ...base.guild, ownerId: owner } };
}

/** The change in the database alone. */
function applyTo(oracle: Oracle, action: Step, wall: number): void {
  switch (action.do) {
    case 'role':
      oracle.roles.set(action.id, role(action.id, action.permissions));
      break;
    case 'roleGone':
      oracle.roles.delete(action.id);
      break;
    case 'channel':
      oracle.channels.set(
        action.id,
        channel(action.id, fields(action.overwrites), {
          type: types[action.id] ?? 0,
          parentId: action.parent,
        }),
      );
      break;
    case 'channelGone':
      oracle.channels.delete(action.id);
      break;
    case 'member': {
      const until = action.timeout === null ? null : wall + action.timeout;
      oracle.members.set(action.id, member(action.id, action.roles, { communicationDisabledUntil: until }));
      break;
    }
    case 'owner':
      oracle.ownerId = action.id;
      break;
    case 'wait':
    case 'stall':
      break;
  }
}

function apply(rig: GuildRig, oracle: Oracle, action: Step): void {
  switch (action.do) {
    case 'role': {
      const known = oracle.roles.has(action.id);
      oracle.roles.set(action.id, role(action.id, action.permissions));
      const data = { role: { id: action.id, permissions: `${action.permissions}` } };
      rig.publish(known ? 'GUILD_ROLE_EDIT' : 'GUILD_ROLE_CREATE', data);
      break;
    }
    case 'roleGone':
      oracle.roles.delete(action.id);
      rig.publish('GUILD_ROLE_DELETE', { role_id: action.id });
      break;
    case 'channel': {
      const { id, parent: parentId, overwrites: list } = action;
      const known = oracle.channels.has(id);
      oracle.channels.set(id, channel(id, fields(list), { type: types[id] ?? 0, parentId }));
      const data = { id, type: types[id] ?? 0, parent_id: parentId, permission_overwrites: json(list) };
      rig.publish(known ? 'CHANNEL_UPDATE' : 'CHANNEL_CREATE', data);
      break;
    }
    case 'channelGone':
      oracle.channels.delete(action.id);
      rig.publish('CHANNEL_DELETE', { id: action.id });
      break;
    case 'member': {
      const until = action.timeout === null ? null : rig.at.wall + action.timeout;
      oracle.members.set(action.id, member(action.id, action.roles, { communicationDisabledUntil: until }));
      const stamp = until === null ? null : new Date(until).toISOString();
      rig.publish('GUILD_MEMBER_UPDATE', {
        user: { id: action.id },
        roles: action.roles,
        communication_disabled_until: stamp,
      });
      break;
    }
    case 'owner':
      oracle.ownerId = action.id;
      rig.publish('GUILD_UPDATE', { owner_id: action.id });
      break;
    case 'wait':
      rig.wait(action.ms);
      break;
    case 'stall':
      if (action.on) rig.full.add('n2');
      else rig.full.delete('n2');
      break;
  }
}

describe('Reconciliation', () => {
  it('leaves every client with just what the database allows, whatever became of the events', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(step, fc.constantFrom('told', 'twice', 'late', 'never')), { maxLength: 30 }),
        (steps) => {
          const rig = new GuildRig({ idle: 1e9, nodeGrace: 1e9 });
          const oracle = new Oracle();
          const late: Step[] = [];
          userIds.forEach((id, at) => rig.subscribe(`s${id}`, id, { node: `n${1 + (at % 2)}` }));
          rig.load(databaseOf(oracle));
          const publish = (action: Step) => apply(rig, new Oracle(), action);
          for (const [action, fate] of steps) {
            if (action.do === 'wait' || action.do === 'stall') continue;
            const at = rig.at.wall;
            applyTo(oracle, action, at);
            if (fate === 'late') late.unshift(action);
            else if (fate !== 'never') publish(action);
            if (fate === 'twice') publish(action);
          }
          for (const action of late) publish(action);
          // Timeouts of the test end long before.
          rig.wait(30_000);
          if (rig.asked.at(-1)?.kind !== 'reread') rig.wait(2_000_000);
          rig.reread(databaseOf(oracle));
          for (const userId of userIds) {
            const sights = channelIds.filter(
              (id) => !isThread(types[id]) && oracle.sees(userId, id, rig.at.wall),
            );
            const shown = channelIds.filter(
              (id) => !isThread(types[id]) && rig.shownTo(`s${userId}`).has(id),
            );
            expect([userId, shown]).toEqual([userId, sights]);
            for (const id of channelIds) {
              const before = rig.got(`s${userId}`).length;
              rig.publish('PROBE', {}, { channelId: id });
              const got = rig.got(`s${userId}`).length > before;
              expect([userId, id, got]).toEqual([userId, id, oracle.sees(userId, id, rig.at.wall)]);
            }
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('Visibility classes', () => {
  it('let a member have an event exactly when that member can view its channel, whatever was changed before', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const rig = new GuildRig({ idle: 1e9, nodeGrace: 1e9 });
        const oracle = new Oracle();
        userIds.forEach((id, at) => rig.subscribe(`s${id}`, id, { node: `n${1 + (at % 2)}` }));
        const members = [...oracle.members.values()];
        rig.load(
          snapshot({ roles: [...oracle.roles.values()], channels: [], members, memberCount: members.length }),
        );
        const expected = new Map<string, string[]>(userIds.map((id) => [id, []]));
        let probes = 0;
        const sights = (userId: string) =>
          channelIds.filter((id) => !isThread(types[id]) && oracle.sees(userId, id, rig.at.wall));
        const shown = (userId: string) =>
          channelIds.filter((id) => !isThread(types[id]) && rig.shownTo(`s${userId}`).has(id));
        for (const action of steps) {
          apply(rig, oracle, action);
          for (const userId of userIds.filter((_, at) => at % 2 === 0))
            expect([userId, shown(userId)]).toEqual([userId, sights(userId)]);
          for (const id of channelIds) {
            const name = `PROBE_${++probes}`;
            for (const userId of userIds)
              if (oracle.sees(userId, id, rig.at.wall)) expected.get(userId)?.push(name);
            rig.publish(name, {}, { channelId: id });
          }
        }
        rig.full.clear();
        rig.wait(1000);
        for (const userId of userIds) {
          expect([userId, shown(userId)]).toEqual([userId, sights(userId)]);
          expect(rig.got(`s${userId}`).filter((name) => name.startsWith('PROBE'))).toEqual(
            expected.get(userId),
          );
        }
      }),
      { numRuns: 300 },
    );
  });
});
