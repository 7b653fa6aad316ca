import * as zlib from 'node:zlib';
import type { RawClient } from '../raw-client';
import { cast, hall } from './cast';
import { type MannerName, manners } from './manners';
import { proves, provesEach } from './proves';
import { type Stage, everything } from './stage';
import { takeApart, term } from './term-tags';

const names = Object.keys(manners) as MannerName[];

/** Of JSON every kind of value that an encoding could change. */
const rich = {
  channel_id: hall.channels.open,
  text: 'é "quoted" \u0000 \u2028 \u{1f600}',
  numbers: [0, -1, 255, 256, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 1.5, -0.25, 1e300, 1_790_000_000_000],
  words: [true, false, null, 'nil', 'true', ''],
  deep: [[[{ a: [{ b: {} }, []] }]]],
  long: 'x'.repeat(20_000),
};

const flushed = Buffer.of(0x00, 0x00, 0xff, 0xff);
const endsFlushed = (frame: Buffer): boolean => frame.subarray(-4).equals(flushed);
const magicOfZstd = Buffer.of(0x28, 0xb5, 0x2f, 0xfd);

/** Encodings and compressions, by hand. */
export function encodingsSuite(stage: () => Stage): void {
  let said = 0;
  /** Tells the hall, and waits until all of them know. */
  const say = async (...clients: RawClient[]): Promise<number> => {
    const n = ++said;
    await stage().publisher.publish({ guildId: hall.id }, 'RICH', { n, ...rich });
    await Promise.all(clients.map((client) => client.first(({ t, d }) => t === 'RICH' && d['n'] === n)));
    return n;
  };
  const dispatches = (client: RawClient) => client.received.filter(({ op }) => op === 0);
  /** Without the presences of who has left in a test before: those come when they come. */
  const told = (client: RawClient) => dispatches(client).filter(({ t }) => t !== 'PRESENCE_UPDATE');
  const guildCreates = (client: RawClient) =>
    dispatches(client)
      .filter(({ t }) => t === 'GUILD_CREATE')
      .map(({ d }) => d)
      .sort((one, other) => String(one['id']).localeCompare(String(other['id'])));

  describe('a connection in', () => {
    provesEach(
      ['out.zlib-stream', 'out.etf', 'out.etf-compressed', 'out.payload-compressed', 'in.etf'],
      '%s is told what one in plain JSON is told, beats, asks for members, and resumes',
      names.map((name): [MannerName] => [name]),
      async (name) => {
        const manner = manners[name];
        const plain = await stage().enter('ben');
        const client = await stage().enter('ben', { compress: name === 'compress in Identify' }, manner);
        expect(guildCreates(client)).toEqual(guildCreates(plain));
        const n = await say(client, plain);
        const rich_ = ({ t, d }: { t: string | null; d: object }) => t === 'RICH' && 'n' in d && d.n === n;
        expect((await client.first(rich_)).d).toEqual({ n, ...rich });
        client.send({ op: 1, d: client.lastSeq });
        expect(await client.op(11)).toEqual({ op: 11, d: null, s: null, t: null });
        client.send({
          op: 8,
          d: { guild_id: hall.id, user_ids: [cast.cat.id], limit: 0, query: null, nonce: 'né' },
        });
        const chunk = await client.event('GUILD_MEMBERS_CHUNK');
        expect(chunk.d).toMatchObject({ guild_id: hall.id, chunk_count: 1, not_found: [], nonce: 'né' });
        const seen = client.lastSeq;
        client.drop();
        const missed = await say(plain);
        const again = await stage().resume('ben', client.session, seen, manner);
        const resumed = await again.event('RESUMED');
        expect(told(again)[0]?.d).toEqual({ n: missed, ...rich });
        const live = await say(again);
        expect(told(again).at(-1)).toMatchObject({ t: 'RICH', d: { n: live } });
        expect(dispatches(again).indexOf(resumed)).toBeLessThan(dispatches(again).length - 1);
        const seqs = [client, again].flatMap(dispatches).map(({ s }) => s);
        expect(seqs).toEqual(seqs.map((_, at) => at + 1));
      },
    );

    proves(
      ['resume.encoding', 'resume.fresh-stream'],
      'one encoding is resumed in each of the others',
      async () => {
        let client = await stage().enter('ben');
        const { session } = client;
        for (const name of [...names.slice(1), ...names]) {
          const seen = client.lastSeq;
          client.drop();
          const n = await say();
          client = await stage().resume('ben', session, seen, manners[name]);
          const resumed = await client.event('RESUMED');
          expect(client.received[0]?.op).toBe(10);
          expect(dispatches(client)[0]?.s).toBe(seen + 1);
          expect(told(client)[0]).toMatchObject({ t: 'RICH', d: { n, ...rich } });
          expect(dispatches(client).indexOf(resumed)).toBe((resumed.s ?? 0) - seen - 1);
        }
      },
    );
  });

  describe('a stream of zlib', () => {
    proves(
      ['out.zlib-stream', 'resume.fresh-stream'],
      'has one binary frame for each payload, which ends in a flush, HELLO and ACK too',
      async () => {
        const client = await stage().enter('ben', {}, manners.zlib);
        client.send({ op: 1, d: null });
        await client.op(11);
        await say(client);
        client.drop();
        const again = await stage().resume('ben', client.session, client.lastSeq, manners.zlib);
        await again.event('RESUMED');
        for (const { frames, binary } of [client, again]) {
          expect(binary).toBe(frames.length);
          expect(frames.filter((frame) => !endsFlushed(frame))).toEqual([]);
          // A header of its own (deflate, a check over both of its bytes) at the beginning of each connection.
          expect((frames[0]?.[0] ?? 0) & 15).toBe(8);
          expect((frames[0]?.readUInt16BE() ?? 1) % 31).toBe(0);
        }
        // All of them are one stream, for any inflater.
        const whole = zlib.inflateSync(Buffer.concat(client.frames), {
          finishFlush: zlib.constants.Z_SYNC_FLUSH,
        });
        expect(whole.toString()).toBe(client.received.map((payload) => JSON.stringify(payload)).join(''));
      },
    );

    provesEach(
      ['out.compress-beside'],
      'means the same with compress in Identify: %j',
      [[true], ['zlib-stream'], [1], [null], [{}]],
      async (compress) => {
        for (const manner of [manners.zlib, manners['zlib of etf'], manners.etf]) {
          const client = await stage().enter('ben', { compress }, manner);
          await say(client);
          expect(client.binary).toBe(client.frames.length);
        }
      },
    );
  });

  describe('compress in Identify', () => {
    provesEach(
      ['out.payload-compressed'],
      '%j brings text and whole zlib documents, after a HELLO in text',
      [[true], ['zlib-stream']],
      async (compress) => {
        const client = await stage().enter('ben', { compress }, manners['compress in Identify']);
        await say(client);
        const isText = (frame: Buffer): boolean => frame[0] === 0x7b;
        expect(client.frames.filter((frame) => !isText(frame))).toHaveLength(client.binary);
        expect(client.binary).toBeGreaterThan(0);
        expect(client.frames[0]?.toString()).toContain('heartbeat_interval');
      },
    );

    provesEach(
      ['out.payload-compressed'],
      '%j brings text only',
      [[false], [null], [0]],
      async (compress) => {
        const client = await stage().enter('ben', { compress });
        await say(client);
        expect(client.binary).toBe(0);
      },
    );
  });

  describe('zstd-stream', () => {
    proves(['out.zstd-stream', 'out.zstd-absent'], 'is served or refused, by what Node has', async () => {
      const client = stage().connect('v=10&compress=zstd-stream', undefined, undefined, {
        read: () => ({ op: 10 }),
        write: () => '',
      });
      if ('createZstdCompress' in zlib) {
        await client.op(10);
        expect(client.frames[0]?.subarray(0, 4)).toEqual(magicOfZstd);
      } else {
        expect(await client.closed).toBe(4002);
        expect(client.reason).toBe('No zstd-stream here: it needs Node 22.15 or the package zstd-napi.');
      }
    });
  });

  describe('terms', () => {
    proves(
      ['out.etf', 'out.etf-numbers'],
      'are of the tags that erlpack reads, whatever they say',
      async () => {
        const client = await stage().enter('ben', { intents: everything }, manners.etf);
        await say(client);
        client.send({ op: 1, d: null });
        await client.op(11);
        const parts = client.frames.map(takeApart);
        const all = <T>(of: (part: (typeof parts)[number]) => Iterable<T>): T[] =>
          parts.flatMap((part) => [...of(part)]);
        expect([...new Set(all(({ tags }) => tags))].sort((one, other) => one - other)).toEqual([
          70, 97, 98, 106, 108, 109, 115, 116,
        ]);
        expect([...new Set(all(({ atoms }) => atoms))].sort()).toEqual(['false', 'nil', 'true']);
        const numbers = all((part) => part.numbers);
        const mistaken = numbers.filter(
          ([, tag, value]) =>
            tag !==
            (value >= 0 && value <= 255 && Number.isInteger(value) ? 97 : value === (value | 0) ? 98 : 70),
        );
        expect(mistaken.filter(([, , value]) => value !== -(2 ** 31))).toEqual([]);
        const ids = /(^|\.|_)id$/;
        expect(numbers.filter(([path]) => ids.test(path))).toEqual([]);
        expect(all(({ texts }) => texts).filter(([path]) => ids.test(path)).length).toBeGreaterThan(10);
      },
    );

    proves(
      ['in.etf', 'in.etf-nil', 'in.etf-ids'],
      'of clients may have every tag, ids of every kind, and nil for what is not there',
      async () => {
        const client = stage().speak(manners.etf);
        await client.op(10);
        const nils = [term.smallAtom('nil'), term.smallAtom('null'), term.atom('nil'), term.utf8Atom('nil')];
        for (const nil of nils)
          client.send(term.document(term.map({ op: term.integer(1), d: nil, s: nil, t: nil })));
        await client.count(({ op }) => op === 11, nils.length);
        const [nil] = nils as [Buffer];
        const d = term.map({
          token: term.text(stage().token('ben')),
          intents: term.integer(everything),
          properties: term.map({ os: term.text('linux') }),
          shard: term.bytes([0, 1]),
          large_threshold: term.float(50),
          compress: term.atom('false'),
          presence: nil,
        });
        client.send(term.document(term.map({ op: term.byte(2), d })));
        await client.guilds(3);
        const guild = BigInt(hall.id);
        const request = (fields: Record<string, Buffer>): void => {
          const common = { guild_id: term.big(guild), limit: term.float(0), query: nil, presences: nil };
          client.send(term.document(term.map({ op: term.byte(8), d: term.map({ ...common, ...fields }) })));
        };
        request({ user_ids: term.list([term.big(BigInt(cast.cat.id)), term.text(cast.ben.id)]) });
        request({ user_ids: term.text(cast.dan.id), guild_id: term.text(hall.id) });
        request({ user_ids: nil, query: term.text('ann'), limit: term.byte(5) });
        const chunks = await client.count(({ t }) => t === 'GUILD_MEMBERS_CHUNK', 3);
        const found = chunks.map(({ d: { members } }) =>
          (members as { user: { username: string } }[]).map(({ user }) => user.username).sort(),
        );
        expect(found).toEqual([['ben', 'cat'], ['dan'], ['ann']]);
        const presence = term.map({
          since: term.float(1_790_000_000_000),
          activities: nil,
          status: term.text('idle'),
          afk: term.utf8Atom('true'),
        });
        client.send(term.document(term.map({ op: term.byte(3), d: presence })));
        client.send(term.document(term.map({ op: term.byte(1), d: term.integer(client.lastSeq) })));
        await client.count(({ op }) => op === 11, nils.length + 1);
      },
    );

    const heartbeat = term.map({ op: term.byte(1), d: term.smallAtom('nil') });
    provesEach(
      ['in.etf-refused', 'in.size', 'close.kept'],
      'that are %s are closed with 4002, and the session may be resumed',
      [
        ['text', '{"op":1,"d":null}'],
        ['JSON in a binary frame', Buffer.from('{"op":1,"d":null}')],
        ['nothing', Buffer.alloc(0)],
        ['of no version', heartbeat],
        ['two', Buffer.concat([term.document(heartbeat), heartbeat])],
        ['cut short', term.document(heartbeat).subarray(0, -1)],
        ['no map', term.document(term.list([heartbeat]))],
        ['with atoms as keys', term.document(term.map({ op: term.byte(1) }, term.smallAtom))],
        ['with an op that is text', term.document(term.map({ op: term.text('1') }))],
        ['with an op with a fraction', term.document(term.map({ op: term.float(1.5) }))],
        [
          'compressed',
          Buffer.concat([Buffer.of(131, 80, 0, 0, 0, heartbeat.length), zlib.deflateSync(heartbeat)]),
        ],
        ['a list of four billion', Buffer.of(131, 108, 255, 255, 255, 255, 97, 1)],
        ['a map of four billion', Buffer.of(131, 116, 255, 255, 255, 255, 109, 0)],
        ['lists in lists, hundreds deep', Buffer.from('6c00000001'.repeat(700), 'hex')],
        ['of 4,097 bytes', term.document(term.map({ op: term.byte(1), d: term.text('x'.repeat(4071)) }))],
      ] as [string, string | Buffer][],
      async (_what, message) => {
        const client = await stage().enter('zoe', {}, manners.etf);
        client.send(message);
        expect(await client.closed).toBe(4002);
        const again = await stage().resume('zoe', client.session, 1, manners.etf);
        expect((await again.event('RESUMED')).s).toBe(2);
      },
    );

    proves(['in.size'], 'of 4,096 bytes are taken', async () => {
      const client = stage().speak(manners.etf);
      await client.op(10);
      const message = term.document(term.map({ op: term.byte(1), d: term.text('x'.repeat(4070)) }));
      expect(message).toHaveLength(4096);
      client.send(message);
      await client.op(11);
    });
  });
}
