import { setTimeout } from 'node:timers/promises';
import { type ClusterApp, describeWithEtcd } from '@derailed/testing';
import { HashRing } from '@derailed/shared/hash-ring';
import { decodeSessionId, sessionRingKey } from '@derailed/shared/protocol';
import { demo } from './demo';
import { underLoad } from './under-load';

const layout: readonly ClusterApp[] = [
  'session-node',
  'session-node',
  'guild-node',
  'guild-node',
  'presence-node',
  'tunnel',
  'ws-gateway',
];

/** A session-node stands still so long, which is less than its lease, */
const stopped = 4500;
/** and keys move so long after it stopped: its guild has gone on without it (ACK_TIMEOUT). */
const meanwhile = 2500;

describeWithEtcd('while a session-node that is behind stands still for less than its lease', () => {
  const load = underLoad(layout, { LEASE_TTL: '8s' });

  const ownerOf = (app: ClusterApp, key: string): number => {
    const nodes = [0, 1].map((nth) => load.wiring.cluster.app(app, nth).door('link'));
    return nodes.indexOf(HashRing.of(nodes).owner(key)!);
  };

  /** The listener's session-node stops, goes on, and something is done between. */
  const standStill = async <T>(act: () => Promise<T>): Promise<T> => {
    const place = decodeSessionId(String(load.listener.client.named('READY')[0]?.d['session_id']));
    const still = load.wiring.cluster.app('session-node', ownerOf('session-node', sessionRingKey(place!)));
    still.pause();
    try {
      await setTimeout(meanwhile);
      const acting = act();
      await setTimeout(stopped - meanwhile);
      still.resume();
      return await acting;
    } finally {
      still.resume();
    }
  };

  it('the owner of its guild is told to stop, and comes back: no session ends, and nothing is missing', async () => {
    const { cluster } = load.wiring;
    const nth = ownerOf('guild-node', demo.guild);
    expect(await standStill(() => cluster.app('guild-node', nth).stop())).toBe(0);
    await load.stream.caughtUp();
    await standStill(() => cluster.restart('guild-node', nth));
    await load.listener.expectUnbroken(load.stream);
  }, 60_000);
});
