import { runApp } from '@derailed/testing';
import { status } from '@grpc/grpc-js';
import type { Payload, RawClient } from '../raw-client';
import { refusal } from '../refusal';
import { type Player, cast, hall, north, south } from './cast';
import { proves, provesEach } from './proves';
import { type Stage, sizes } from './stage';

type Json = Record<string, unknown>;

/** Nothing is there; no start of these tests gets as far as to look. */
const nowhere = { DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/nothing' };

/** What clients may rely on when nobody has configured anything: section 0 of the contract. */
const defaults = {
  HEARTBEAT_INTERVAL: 41_250,
  PAYLOAD_WINDOW: 60_000,
  RESUME_WINDOW: 180_000,
  REPLAY_EVENTS: 4096,
  REPLAY_BYTES: 16 * 1024 * 1024,
  PRESENCE_GRACE: 10_000,
  IDENTIFY_INTERVAL: 5000,
  IDENTIFIES_PER_DAY: 1000,
  SESSIONS_PER_USER: 100,
  MEMBER_LIST_INTERVAL: 30_000,
  LARGE_GUILD: 75_000,
} as const;

/** Where the contract leaves room: what this gateway does, each for the reason in docs/adr/0015. */
export function decisionsSuite(stage: () => Stage): void {
  const expectGone = async (player: Player, session: string, seq: number): Promise<void> => {
    expect((await (await stage().resume(player, session, seq)).op(9)).d).toBe(false);
  };

  describe('a session that ends at the will of the gateway', () => {
    proves(
      ['close.lost'],
      'because what it still had to replay is not kept any more gets op 9 (false), and its connection takes an Identify',
      async () => {
        const first = await stage().enter('zoe', { intents: 0 });
        const seen = first.lastSeq;
        first.drop();
        const toZoe = (name: string, data: Json) =>
          stage().publisher.publish({ userIds: [cast.zoe.id] }, name, data);
        // More than sockets take, less than a session keeps.
        const big = 'x'.repeat(1_000_000);
        for (let n = 0; n < 15; n++) await toZoe('BIG', { big });
        const client = stage().connect();
        await client.resume(stage().token('zoe'), first.session, seen);
        client.pause();
        for (let n = 0; n <= sizes.replayEvents; n += 32)
          await Promise.all(Array.from({ length: 32 }, () => toZoe('SMALL', {})));
        client.continue();
        expect((await client.op(9)).d).toBe(false);
        expect(client.received.at(-1)?.op).toBe(9);
        client.send({ op: 1, d: null });
        await client.op(11);
        client.send({ op: 2, d: { token: stage().token('zoe'), intents: 0 } });
        const ready = await client.event('READY');
        expect(ready.s).toBe(1);
        expect(ready.d.session_id).not.toBe(first.session);
        await expectGone('zoe', first.session, seen);
      },
    );

    provesEach(
      ['close.disconnect'],
      'by DisconnectUser with %i is closed with %i, the dropped ones too',
      [
        [0, 4003],
        [4000, 4000],
        [4004, 4004],
        [4014, 4014],
      ],
      async (named, code) => {
        const [one, other, dropped] = [
          await stage().enter('zoe'),
          await stage().enter('zoe'),
          await stage().enter('zoe'),
        ];
        dropped.drop();
        expect(await stage().publisher.disconnect(cast.zoe.id, named)).toBe(3);
        expect(await Promise.all([one.closed, other.closed])).toEqual([code, code]);
        for (const { session } of [one, other, dropped]) await expectGone('zoe', session, 1);
      },
    );

    provesEach(
      ['close.disconnect-code'],
      'is not ended by DisconnectUser with %i',
      [[1000], [3000], [4006], [4015], [4200]],
      async (code) => {
        const client = await stage().enter('zoe');
        await expect(stage().publisher.disconnect(cast.zoe.id, code)).rejects.toMatchObject({
          code: status.INVALID_ARGUMENT,
        });
        client.send({ op: 1, d: 1 });
        await client.op(11);
      },
    );
  });

  describe('shards', () => {
    proves(['identify.shard-count'], 'may be any number, and of several numbers at once', async () => {
      const shards: [number, number, string[]][] = [
        [2, 3, [north.id]],
        [3, 7, [north.id]],
        [4, 7, [south.id]],
        [5, 1_000_003, []],
      ];
      for (const [id, count, guilds] of shards) {
        const { d } = await (await stage().enter('shards', { shard: [id, count] })).event('READY');
        expect(d['shard']).toEqual([id, count]);
        expect((d['guilds'] as { id: string }[]).map((guild) => guild.id)).toEqual(guilds);
      }
    });
  });

  describe('activities', () => {
    const watch = () => stage().enter('dan', { intents: 1 | (1 << 8) });
    const set = (client: RawClient, ...activities: readonly Json[]): void => {
      client.send({ op: 3, d: { since: null, afk: false, status: 'dnd', activities } });
    };
    const toldOf = async (watcher: RawClient, player: Player): Promise<unknown> => {
      const isTold = ({ t, d }: Payload): boolean =>
        t === 'PRESENCE_UPDATE' &&
        d['guild_id'] === hall.id &&
        d['status'] === 'dnd' &&
        (d['user'] as Json)['id'] === cast[player].id;
      return (await watcher.first(isTold)).d['activities'];
    };
    const created_at = expect.any(Number);

    provesEach(
      ['presence.custom'],
      'of %s show the state of a custom status',
      [
        ['cat', { emoji: { name: '🌊' } }],
        ['able', {}],
      ] as [Player, Json][],
      async (player, more) => {
        const watcher = await watch();
        const custom = { name: 'Custom Status', type: 4, state: 'at sea' };
        set(await stage().enter(player), { ...custom, emoji: { name: '🌊' } });
        expect(await toldOf(watcher, player)).toEqual([{ ...custom, ...more, created_at }]);
      },
    );

    proves(['presence.activity-types'], 'have types 0 to 5', async () => {
      const watcher = await watch();
      const client = await stage().enter('cat');
      const known = [0, 1, 2, 3, 4, 5].map((type) => ({ name: `n${type}`, type }));
      set(client, ...known);
      expect(await toldOf(watcher, 'cat')).toEqual(known.map((activity) => ({ ...activity, created_at })));
    });

    provesEach(
      ['presence.activity-types'],
      'of type %j are 4001 in op 3',
      [[6], [-1], [1.5], ['0']] as [unknown][],
      async (type) => {
        const client = await stage().enter('zoe');
        set(client, { name: 'n', type });
        expect(await client.closed).toBe(4001);
      },
    );

    proves(['presence.activity-types'], 'of other types are left out of Identify', async () => {
      const watcher = await watch();
      const activities = [
        { name: 'n', type: 6 },
        { name: 'm', type: 5 },
      ];
      await stage().enter('cat', { presence: { status: 'dnd', activities } });
      expect(await toldOf(watcher, 'cat')).toEqual([{ name: 'm', type: 5, created_at }]);
    });
  });

  describe('a configuration', () => {
    const app = (): string => stage().apps[0] ?? '';
    const printed = (name: string, env: Readonly<Record<string, string>> = {}) =>
      runApp(name, { env: { ...nowhere, ...env }, args: ['--print-config'] });

    provesEach(
      ['hello.interval-bounds'],
      'with a heartbeat each %s does not start',
      [['1016ms'], ['1999ms'], ['55001ms'], ['60s']],
      async (interval) => {
        expect(await refusal(app(), { ...nowhere, HEARTBEAT_INTERVAL: interval })).toMatch(
          /^HEARTBEAT_INTERVAL must be .*2s to 55s/,
        );
      },
    );

    proves(['hello.interval-bounds'], 'with one each 2 s or 55 s does', async () => {
      for (const interval of ['2s', '55s'])
        expect(await printed(app(), { HEARTBEAT_INTERVAL: interval })).toMatchObject({ code: 0, stderr: '' });
    });

    provesEach(
      ['url.bare-configured'],
      'with the URL %s does not start',
      [['ws://localhost/?v=10'], ['ws://localhost/#here'], ['http://localhost/']],
      async (url) => {
        expect(await refusal(app(), { ...nowhere, GATEWAY_PUBLIC_URL: url })).toMatch(
          /^GATEWAY_PUBLIC_URL must be a ws:\/\/ or wss:\/\/ URL without a query/,
        );
      },
    );

    proves(['config.defaults'], 'that says nothing is what clients expect', async () => {
      const said = new Map<string, string>();
      for (const name of stage().apps) {
        const { code, stdout } = await printed(name);
        expect(code).toBe(0);
        for (const [, key = '', value = ''] of stdout.matchAll(/^([A-Z_]+)=(.*)$/gm)) said.set(key, value);
      }
      expect(Object.keys(defaults).map((key) => [key, said.get(key)])).toEqual(
        Object.entries(defaults).map(([key, value]) => [key, String(value)]),
      );
    });
  });
}
