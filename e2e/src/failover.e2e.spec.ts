import { setTimeout } from 'node:timers/promises';
import { type ClusterApp, describeWithEtcd } from '@derailed/testing';
import { HashRing } from '@derailed/shared/hash-ring';
import { VALID_INTENTS, decodeSessionId, sessionRingKey } from '@derailed/shared/protocol';
import { demo } from './demo';
import { Publisher } from './publisher';
import { type Payload, RawClient } from './raw-client';
import { Listener, Stream, gauge, perSecond, underLoad } from './under-load';

const layout: readonly ClusterApp[] = [
  'session-node',
  'session-node',
  'guild-node',
  'guild-node',
  'presence-node',
  'tunnel',
  'tunnel',
  'ws-gateway',
  'ws-gateway',
];

/** Comes back as clients do: again when nobody is there, and after a close with 4000, which a node gets whose links are not there yet. */
async function resume(
  gateway: string,
  token: string,
  { session, lastSeq }: Pick<RawClient, 'session' | 'lastSeq'>,
): Promise<RawClient> {
  for (;;) {
    const client = new RawClient(gateway);
    const resumed = client.resume(token, session, lastSeq).then(() => client.event('RESUMED'));
    const isBack = await resumed.then(
      () => true,
      () => false,
    );
    if (isBack) return client;
    expect(await client.closed.catch(() => 4000)).toBe(4000);
    await setTimeout(100);
  }
}

describeWithEtcd('a cluster on etcd under 200 events a second', () => {
  const load = underLoad(layout);

  it.each([0, 1])(
    'loses and doubles nothing when guild-node %i is killed and comes back; its publisher sees a delay',
    async (nth) => {
      await load.wiring.cluster.app('guild-node', nth).kill();
      // It joins when the lease of its earlier start has ended, so the other one was owner of everything meanwhile.
      await load.wiring.cluster.restart('guild-node', nth);
      await load.listener.expectUnbroken(load.stream);
    },
    120_000,
  );

  it.each([0, 1])(
    'loses and doubles nothing when guild-node %i is told to stop, and comes back',
    async (nth) => {
      expect(await load.wiring.cluster.app('guild-node', nth).stop()).toBe(0);
      await load.stream.caughtUp();
      await load.wiring.cluster.restart('guild-node', nth);
      await load.listener.expectUnbroken(load.stream);
    },
    120_000,
  );

  it.each([0, 1])(
    'costs the sessions of session-node %i an identify when it is killed, and others nothing',
    async (nth) => {
      const nodes = [0, 1].map((at) => load.wiring.cluster.app('session-node', at).door('link'));
      const { client } = load.listener;
      // The library names a shard, so the session may be on another node than its user.
      const place = decodeSessionId(String(client.named('READY')[0]?.d['session_id']));
      const isHit = HashRing.of(nodes).owner(sessionRingKey(place!)) === nodes[nth];
      await load.wiring.cluster.app('session-node', nth).kill();
      if (isHit) {
        await client.until(() => client.named('READY').length === 2);
        const [, again] = client.named('READY');
        expect(again?.s).toBe(1);
        expect(client.resumes).toBe(0);
        await client.until(
          (received) =>
            received.filter(({ t, d }) => t === 'GUILD_CREATE' && d['id'] === demo.guild).length === 2,
        );
      }
      await load.wiring.cluster.restart('session-node', nth);
      if (!isHit) return load.listener.expectUnbroken(load.stream);
      await load.stream.stop();
      expect(load.stream.errors).toEqual([]);
      const last = load.stream.length;
      await client.until(() => load.listener.numbers(true).includes(last - (last % 4)));
      for (const mine of [true, false]) {
        const numbers = load.listener.numbers(mine);
        expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
      }
    },
    120_000,
  );

  it('ends no session when one session-node after the other is told to stop, and comes back', async () => {
    const other = await Listener.connect(load.wiring, demo.outsider);
    const watcher = await Listener.connect(load.wiring, demo.newcomer, VALID_INTENTS);
    const detached = new RawClient(load.wiring.gateway);
    const token = load.wiring.token(demo.bot);
    await detached.identify(token);
    await detached.count(({ t }) => t === 'SOMETHING_OF_OURS', 10);
    detached.drop();
    await detached.closed;
    for (const nth of [0, 1]) {
      expect(await load.wiring.cluster.app('session-node', nth).stop()).toBe(0);
      await load.stream.caughtUp();
      await load.wiring.cluster.restart('session-node', nth);
      await load.stream.caughtUp();
    }
    const again = await resume(load.wiring.gateway, token, detached);
    await load.listener.expectUnbroken(load.stream);
    const connected: readonly unknown[] = [demo.insiderId, demo.outsiderId];
    const offline = watcher.client.named('PRESENCE_UPDATE').filter(({ d }) => d['status'] === 'offline');
    expect(offline.filter(({ d }) => connected.includes((d['user'] as { id: string }).id))).toEqual([]);
    for (const { client } of [watcher, other]) {
      expect([client.closes, client.resumes, client.named('READY').length]).toEqual([[], 0, 1]);
      expect(client.received.map(({ s }) => s)).toEqual(client.received.map((_, at) => at + 1));
      await client.close();
    }
    const seqs = [...detached.received, ...again.received].flatMap(({ s }) => s ?? []);
    expect(seqs).toEqual(seqs.map((_, at) => at + 1));
    await again.close();
  }, 120_000);

  it('ends no session when each node is told to stop in turn, and comes back', async () => {
    const token = load.wiring.token(demo.outsider);
    const first = new RawClient(load.wiring.gateway);
    await first.identify(token);
    const comings = [first];
    const last = (): RawClient => comings.at(-1)!;
    let isOver = false;
    const life = (async () => {
      for (;;) {
        await last().closed.catch(() => undefined);
        if (isOver) return;
        const lastSeq = Math.max(...comings.map((client) => client.lastSeq));
        comings.push(await resume(load.wiring.gateway, token, { session: first.session, lastSeq }));
      }
    })();
    for (const app of ['presence-node', 'guild-node', 'session-node', 'ws-gateway', 'tunnel'] as const)
      for (let nth = 0; nth < layout.filter((name) => name === app).length; nth++) {
        expect(await load.wiring.cluster.app(app, nth).stop()).toBe(0);
        await load.wiring.cluster.restart(app, nth);
      }
    await load.stream.stop();
    // What came to a tunnel that was not there has no answer: it is sent again with its id, as a monolith does.
    await load.publisher.connected();
    for (const n of load.stream.unanswered) await load.stream.again(load.publisher, n);
    const received = (): Payload[] => comings.flatMap((client) => client.received);
    const numbers = (): number[] =>
      received().flatMap(({ t, d }) => (t === 'SOMETHING_OF_OURS' ? [Number(d['n'])] : []));
    const after = Math.min(...numbers());
    const expected = Array.from({ length: load.stream.length }, (_, at) => at + 1).filter(
      (n) => n >= after && n % 4 !== 0,
    );
    await last().count(() => numbers().length >= expected.length, 1);
    expect(numbers().sort((one, other) => one - other)).toEqual(expected);
    const seqs = received().flatMap(({ s }) => s ?? []);
    expect(seqs).toEqual(seqs.map((_, at) => at + 1));
    expect(received().filter(({ t }) => t === 'READY')).toHaveLength(1);
    isOver = true;
    await last().close();
    await life;
  }, 120_000);

  it('has presences right again after its presence-node was killed, and shows nobody offline meanwhile', async () => {
    const other = await Listener.connect(load.wiring, demo.outsider);
    const watcher = await Listener.connect(load.wiring, demo.insider, VALID_INTENTS);
    const { client } = watcher;
    const seen = (): unknown[] =>
      client.named('PRESENCE_UPDATE').flatMap(({ d }) => {
        const { id } = d['user'] as { id: string };
        return id === demo.outsiderId && d['guild_id'] === demo.guild ? [d['status']] : [];
      });
    const show = (status: string): Promise<void> =>
      other.client.send({ op: 3, d: { since: null, activities: [], status, afk: false } });
    await show('dnd');
    await client.until(() => seen().includes('dnd'));
    await load.wiring.cluster.app('presence-node').kill();
    await load.wiring.cluster.restart('presence-node');
    await show('idle');
    await client.until(() => seen().includes('idle'));
    expect(seen()).not.toContain('offline');
    expect(seen().at(-1)).toBe('idle');
    await other.client.close();
    await client.close();
    await load.stream.stop();
    expect(load.stream.errors).toEqual([]);
  }, 120_000);

  it('goes on while etcd is away for longer than any lease, moves nothing, and goes on when it is back', async () => {
    const owners = layout.flatMap((app, at) =>
      app.endsWith('-node')
        ? [load.wiring.cluster.app(app, layout.slice(0, at).filter((one) => one === app).length)]
        : [],
    );
    const read = (name: string): Promise<number[]> => Promise.all(owners.map((owner) => gauge(owner, name)));
    const all = (value: number): number[] => owners.map(() => value);
    const before = await read('derailed_cluster_generation');
    const { client } = load.listener;
    await load.etcd.kill();
    // Two leases later.
    const target = load.stream.length + 6 * perSecond;
    await client.until(() => client.named('SOMETHING_OF_OURS').length >= target);
    expect(await read('derailed_cluster_footing{on="outage"')).toEqual(all(1));
    await load.etcd.restart();
    while ((await read('derailed_cluster_footing{on="lease"')).includes(0)) await setTimeout(50);
    const later = load.stream.length + 4 * perSecond;
    await client.until(() => client.named('SOMETHING_OF_OURS').length >= later);
    expect(await read('derailed_cluster_generation')).toEqual(before);
    await load.listener.expectUnbroken(load.stream);
  }, 120_000);

  it('lets a client resume elsewhere, without a gap, when its ws-gateway is killed', async () => {
    const [first, second] = [0, 1].map((at) => load.wiring.cluster.app('ws-gateway', at).door('WebSocket'));
    const token = load.wiring.token(demo.outsider);
    const client = new RawClient(second!);
    await client.identify(token);
    await client.count(({ t }) => t === 'SOMETHING_OF_OURS', 20);
    await load.wiring.cluster.app('ws-gateway', 1).kill();
    await client.closed;
    const again = new RawClient(first!);
    await again.resume(token, client.session, client.lastSeq);
    await again.event('RESUMED');
    await again.count(({ t }) => t === 'SOMETHING_OF_OURS', 20);
    const seqs = [...client.received, ...again.received].flatMap(({ s }) => s ?? []);
    expect(seqs).toEqual(seqs.map((_, at) => at + 1));
    await again.close();
    await load.wiring.cluster.restart('ws-gateway', 1);
  }, 120_000);

  it('delivers once what was sent again through another tunnel, because its first one was killed', async () => {
    const [, second] = [0, 1].map((at) => load.wiring.cluster.app('tunnel', at).door('tunnel'));
    const doomed = new Publisher(second!);
    const other = new Stream(doomed, 'GUILD_THING');
    await load.listener.client.until(() => load.listener.client.named('GUILD_THING').length >= 50);
    await load.wiring.cluster.app('tunnel', 1).kill();
    await other.stop();
    doomed.close();
    expect(other.unanswered.length).toBeGreaterThan(0);
    for (const n of other.unanswered) await other.again(load.publisher, n);
    const names = (): number[] => load.listener.client.named('GUILD_THING').map(({ d }) => Number(d['n']));
    await load.listener.client.until(() => names().length >= other.length);
    expect(names().sort((one, another) => one - another)).toEqual(
      Array.from({ length: other.length }, (_, at) => at + 1),
    );
    await load.wiring.cluster.restart('tunnel', 1);
  }, 120_000);
});
