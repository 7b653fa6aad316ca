import { StaticCluster } from '@derailed/platform/cluster';
import { InProcessNetwork, type MessageOf } from '@derailed/platform/mesh';
import { Drain } from '@derailed/platform/runtime';
import { seededRng } from '@derailed/shared/kernel';
import { VirtualClock } from '@derailed/testing';
import { Registry } from 'prom-client';
import { PresenceNode } from './presence-node';

const cluster = new StaticCluster([
  { id: 'guilds', roles: ['guild-node'] },
  { id: 'presences', roles: ['presence-node'] },
]);
const settled = () => new Promise((resolve) => setImmediate(resolve));

function start() {
  const clock = new VirtualClock();
  const network = new InProcessNetwork({ clock, rng: seededRng(1), graceMs: 5000 });
  const registry = new Registry();
  const node = new PresenceNode(
    { coalesce: 1000, grace: 10_000 },
    network.join('presences'),
    cluster,
    clock,
    registry,
    new Drain(),
    { info: () => undefined, warn: () => undefined } as never,
  );
  node.onApplicationBootstrap();
  const told: MessageOf<'presenceChanged'>[] = [];
  const boards: MessageOf<'presenceBoard'>[] = [];
  /** A guild-node that has just been heard of. */
  const joinGuilds = async () => {
    const mesh = network.join('guilds');
    mesh.onMessage('presenceChanged', (value) => void told.push(value));
    mesh.onMessage('presenceBoard', (value) => void boards.push(value));
    mesh.send('presences', 'x', {
      $case: 'presenceClear',
      value: { guildIds: [], userId: '', sessionId: '' },
    });
    await settled();
    return mesh;
  };
  const sessions = network.join('sessions');
  const upsert = (userId: string, status: string) =>
    sessions.send('presences', `p:${userId}`, {
      $case: 'presenceUpsert',
      value: {
        guildIds: ['1', '2'],
        userId,
        sessionId: `s${userId}`,
        presence: { status, activities: '[]', client: 'web' },
        hop: 1,
      },
    });
  return { clock, network, registry, node, sessions, told, boards, joinGuilds, upsert };
}

describe('PresenceNode', () => {
  it('tells the owner of each guild what the merged presence is', async () => {
    const { told, joinGuilds, upsert } = start();
    await joinGuilds();
    upsert('5', 'online');
    await settled();
    const change = { userId: '5', status: 'online', activities: '[]', clientStatus: '{"web":"online"}' };
    expect(told).toEqual([
      { guildId: '1', ...change },
      { guildId: '2', ...change },
    ]);
  });

  it('tells a guild-node that asks all that it knows, behind what it has told', async () => {
    const { told, boards, joinGuilds, upsert } = start();
    const guilds = await joinGuilds();
    upsert('5', 'online');
    upsert('6', 'invisible');
    guilds.send('presences', 'p', { $case: 'presenceSync', value: { guildIds: ['1', '3'], generation: 1 } });
    await settled();
    await settled();
    expect(told).toHaveLength(2);
    expect(boards).toMatchObject([
      { guildId: '1', presences: [{ userId: '5', status: 'online' }], recent: [true] },
      { guildId: '3', presences: [], recent: [] },
    ]);
  });

  it('keeps a change that nobody could be told', async () => {
    const { told, clock, joinGuilds, upsert } = start();
    upsert('5', 'online');
    await settled();
    expect(told).toEqual([]);
    await joinGuilds();
    clock.advance(1000);
    await settled();
    expect(new Set(told.map(({ guildId, status }) => `${guildId} ${status}`))).toEqual(
      new Set(['1 online', '2 online']),
    );
  });

  it('takes a session that was let go, and that nobody has, for offline after the grace period', async () => {
    const { told, clock, sessions, joinGuilds, upsert } = start();
    await joinGuilds();
    upsert('5', 'online');
    const value = { guildIds: ['1', '2'], userId: '5', sessionId: 's5' };
    sessions.send('presences', 'p:5', { $case: 'presenceMoved', value });
    await settled();
    clock.advance(9999);
    await settled();
    expect(told).toHaveLength(2);
    clock.advance(1);
    await settled();
    expect(told.slice(2).map(({ status }) => status)).toEqual(['offline', 'offline']);
  });

  it('takes the sessions of a session-node that is gone for offline after the grace period, and forgets them', async () => {
    const { told, clock, network, registry, joinGuilds, upsert } = start();
    await joinGuilds();
    upsert('5', 'online');
    await settled();
    network.leave('sessions');
    await settled();
    clock.advance(9999);
    expect(told).toHaveLength(2);
    clock.advance(1);
    await settled();
    expect(told.slice(2).map(({ status }) => status)).toEqual(['offline', 'offline']);
    clock.advance(1000);
    expect(await registry.metrics()).toContain('derailed_presence_guilds 0');
  });
});
