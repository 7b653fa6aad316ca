import { setTimeout } from 'node:timers/promises';
import { type ClusterApp, describeWithEtcd } from '@derailed/testing';
import { HashRing } from '@derailed/shared/hash-ring';
import { VALID_INTENTS, decodeSessionId, sessionRingKey } from '@derailed/shared/protocol';
import { demo } from './demo';
import { Publisher } from './publisher';
import { RawClient } from './raw-client';
import { Listener, Stream, underLoad } from './under-load';

/** How long a process stands still: longer than its lease, ACK_TIMEOUT, LINK_GRACE and the time limit of a sync. */
const stopped = 1000 * Number(process.env['STOP_SECONDS'] ?? 7);
const timeLimit = 60_000 + 2 * stopped;
const layout: readonly ClusterApp[] = [
  'session-node',
  'session-node',
  'guild-node',
  'guild-node',
  'presence-node',
  'presence-node',
  'tunnel',
  'tunnel',
  'ws-gateway',
  'ws-gateway',
];

describeWithEtcd(`a process that stands still for ${stopped / 1000} s and goes on`, () => {
  const load = underLoad(layout);

  /** The node of an app that owns a key, by the ring of those that are there. */
  const ownerOf = (app: ClusterApp, key: string): number => {
    const nodes = [0, 1].map((nth) => load.wiring.cluster.app(app, nth).door('link'));
    return nodes.indexOf(HashRing.of(nodes).owner(key)!);
  };

  /** SIGSTOP, and SIGCONT later. It has slept through its lease: it ends by itself, and is started again. */
  const sleepThrough = async (
    app: ClusterApp,
    nth: number,
    meanwhile: Promise<unknown> = setTimeout(stopped),
  ): Promise<void> => {
    const asleep = load.wiring.cluster.app(app, nth);
    asleep.pause();
    await Promise.all([meanwhile, setTimeout(stopped)]);
    asleep.resume();
    expect(await asleep.ended).toBe(1);
    await load.wiring.cluster.restart(app, nth);
  };

  it(
    'as the owner of a guild: another one serves it, and what it still says counts for nothing',
    async () => {
      await sleepThrough('guild-node', ownerOf('guild-node', demo.guild));
      await load.listener.expectUnbroken(load.stream);
    },
    timeLimit,
  );

  it(
    'as a session-node: its sessions identify again, and get no event of the time before from it',
    async () => {
      const { client } = load.listener;
      const place = decodeSessionId(String(client.named('READY')[0]?.d['session_id']));
      const nth = ownerOf('session-node', sessionRingKey(place!));
      await sleepThrough('session-node', nth);
      await client.until(() => client.named('READY').length === 2);
      expect(client.resumes).toBe(0);
      await load.stream.stop();
      expect(load.stream.errors).toEqual([]);
      const last = load.stream.length;
      await client.until(() => load.listener.numbers(true).includes(last - (last % 4)));
      await client.until(() => load.listener.numbers(false).includes(last % 4 === 0 ? last - 1 : last));
      for (const mine of [true, false]) {
        const numbers = load.listener.numbers(mine);
        expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
      }
    },
    timeLimit,
  );

  it(
    'as a session-node: the sessions of the other one notice nothing',
    async () => {
      const place = decodeSessionId(String(load.listener.client.named('READY')[0]?.d['session_id']));
      await sleepThrough('session-node', 1 - ownerOf('session-node', sessionRingKey(place!)));
      await load.listener.expectUnbroken(load.stream);
    },
    timeLimit,
  );

  it(
    'as the owner of presences: another one tells them, each once, and nobody is offline between',
    async () => {
      const other = await Listener.connect(load.wiring, demo.outsider);
      const { client } = await Listener.connect(load.wiring, demo.insider, VALID_INTENTS);
      const seen = (): unknown[] =>
        client.named('PRESENCE_UPDATE').flatMap(({ d }) => {
          const { id } = d['user'] as { id: string };
          return id === demo.outsiderId && d['guild_id'] === demo.guild ? [d['status']] : [];
        });
      const show = async (status: string): Promise<void> => {
        await other.client.send({ op: 3, d: { since: null, activities: [], status, afk: false } });
        await client.until(() => seen().includes(status));
      };
      await show('dnd');
      const before = seen().length;
      await sleepThrough('presence-node', ownerOf('presence-node', demo.guild), show('idle'));
      await show('online');
      expect(seen().slice(before)).toEqual(['idle', 'online']);
      await other.client.close();
      await client.close();
      await load.stream.stop();
      expect(load.stream.errors).toEqual([]);
    },
    timeLimit,
  );

  it(
    'as a ws-gateway: its clients resume elsewhere, and it sends them nothing any more',
    async () => {
      const [first, second] = [0, 1].map((at) => load.wiring.cluster.app('ws-gateway', at).door('WebSocket'));
      const token = load.wiring.token(demo.outsider);
      const client = new RawClient(second!);
      await client.identify(token);
      await client.count(({ t }) => t === 'SOMETHING_OF_OURS', 20);
      // A client finds out by its heartbeats. Much later its session would have lost the beginning of what it missed.
      const resumed = setTimeout(7000).then(async () => {
        const there = new RawClient(first!);
        await there.resume(token, client.session, client.lastSeq);
        await there.event('RESUMED');
        return there;
      });
      await sleepThrough('ws-gateway', 1, resumed);
      const again = await resumed;
      await client.closed;
      const there = again.received.length;
      await again.count(({ t }) => t === 'SOMETHING_OF_OURS', there + 20);
      const seqs = [...client.received, ...again.received].flatMap(({ s }) => s ?? []);
      expect(seqs).toEqual(seqs.map((_, at) => at + 1));
      await again.close();
      await load.listener.expectUnbroken(load.stream);
    },
    timeLimit,
  );

  it(
    'as a tunnel: what was sent again through another one meanwhile is delivered once',
    async () => {
      const [, second] = [0, 1].map((at) => load.wiring.cluster.app('tunnel', at).door('tunnel'));
      const stuck = new Publisher(second!);
      const other = new Stream(stuck, 'GUILD_THING');
      const names = (): number[] => load.listener.client.named('GUILD_THING').map(({ d }) => Number(d['n']));
      await load.listener.client.until(() => names().length >= 50);
      const sendAgain = async (): Promise<void> => {
        // Some that it has not even read.
        const target = other.length + 20;
        while (other.length < target) await setTimeout(5);
        other.end();
        await setTimeout(stopped / 2);
        const sent = other.length;
        for (let n = 1; n <= sent; n++) await other.again(load.publisher, n);
      };
      await sleepThrough('tunnel', 1, sendAgain());
      await other.caughtUp();
      stuck.close();
      await load.listener.expectUnbroken(load.stream);
      expect(names().sort((one, another) => one - another)).toEqual(
        Array.from({ length: other.length }, (_, at) => at + 1),
      );
    },
    timeLimit,
  );
});
