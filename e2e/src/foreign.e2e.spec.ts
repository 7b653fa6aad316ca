import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { type TcpProxy, startTcpProxy } from '@derailed/testing';
import { type Player, cast, hall, north } from './acceptance/cast';
import { proves, provesEach } from './acceptance/proves';
import { type Stage, everything, stages } from './acceptance/stage';
import { ForeignClient } from './foreign/foreign-client';
import { type Extra, foreignPython, missing, modernNode, nodePathOf } from './foreign/installed';
import { inflated, plainJson } from './languages';
import { messageSaying } from './message';
import type { RawClient } from './raw-client';

/** A client library and what it speaks. */
interface Part {
  readonly player: Player;
  readonly library: 'discordjs' | 'discordeno' | 'eris' | 'oceanic' | 'discord.py' | 'hikari';
  /** What it is told to use; `payload` is compress in Identify. */
  readonly compression: '' | 'zlib-stream' | 'zstd-stream' | 'payload';
  /** What it must find beside itself, and nothing else. */
  readonly finds: readonly Extra[];
  /** It runs on Node 24, which has zstd. */
  readonly modern?: true;
}

const parts: readonly Part[] = [
  { player: 'discordjs-zlib', library: 'discordjs', compression: 'zlib-stream', finds: [] },
  { player: 'discordjs-payload', library: 'discordjs', compression: 'payload', finds: [] },
  { player: 'discordeno-zlib', library: 'discordeno', compression: 'zlib-stream', finds: [] },
  { player: 'discordeno-payload', library: 'discordeno', compression: 'payload', finds: [] },
  { player: 'eris-zlib', library: 'eris', compression: 'zlib-stream', finds: ['zlib-sync'] },
  { player: 'eris-etf', library: 'eris', compression: '', finds: ['erlpack'] },
  { player: 'eris-etf-zlib', library: 'eris', compression: 'zlib-stream', finds: ['erlpack', 'zlib-sync'] },
  { player: 'oceanic-zlib', library: 'oceanic', compression: 'zlib-stream', finds: ['zlib-sync'] },
  { player: 'oceanic-etf', library: 'oceanic', compression: '', finds: ['erlpack'] },
  { player: 'oceanic-zstd', library: 'oceanic', compression: 'zstd-stream', finds: ['zstd-napi'] },
  { player: 'oceanic-zstd-24', library: 'oceanic', compression: 'zstd-stream', finds: [], modern: true },
  {
    player: 'oceanic-etf-zstd',
    library: 'oceanic',
    compression: 'zstd-stream',
    finds: ['erlpack', 'zstd-napi'],
  },
  { player: 'discord-py-zlib', library: 'discord.py', compression: 'zlib-stream', finds: [] },
  { player: 'discord-py-zstd', library: 'discord.py', compression: 'zstd-stream', finds: [] },
  { player: 'hikari-zlib', library: 'hikari', compression: 'zlib-stream', finds: [] },
  { player: 'hikari-zstd', library: 'hikari', compression: 'zstd-stream', finds: [] },
];

const isPython = ({ library }: Part): boolean => library === 'discord.py' || library === 'hikari';
/** The others are sockets and no more: they cache nothing and have no messages. */
const isWhole = ({ library }: Part): boolean => library !== 'discordjs' && library !== 'discordeno';
/** Libraries inflate payloads beside each other there, and hand them on as they come out. */
const isUnordered = ({ compression }: Part): boolean => compression === 'payload';

/** What has to be installed for it. */
function needs(part: Part): Extra[] {
  const ofGateway: readonly Extra[] = part.compression === 'zstd-stream' ? ['Node 24'] : [];
  const python: readonly Extra[] = isPython(part) ? ['discord.py and hikari'] : [];
  return [...new Set<Extra>([...part.finds, ...python, ...ofGateway])];
}

/** What its URL has to ask for. */
function queryOf(part: Part): string {
  const encoding = part.finds.includes('erlpack') ? 'etf' : 'json';
  return `${encoding} ${part.compression === 'payload' ? '' : part.compression}`.trim();
}

const lacking = missing([...new Set(parts.flatMap(needs))]);
const playing = parts.filter((part) => missing(needs(part)).length === 0);
if (lacking.length > 0) {
  const left = parts.filter((part) => !playing.includes(part)).map(({ player }) => player);
  process.stderr.write(
    `left out: ${left.join(', ')}; not installed: ${lacking.join(', ')} (e2e/README.md)\n`,
  );
}

const hallOf = (dispatches: readonly { readonly t: string | null; readonly d: Record<string, unknown> }[]) =>
  dispatches.find(({ t, d }) => t === 'GUILD_CREATE' && d['id'] === hall.id)?.d;

const scripts = join(__dirname, 'foreign');
const loader = join(__dirname, '../../tools/ts.cjs');

function launch(part: Part, at: string, token: string, nodePath: string): ForeignClient {
  const { library, compression, modern } = part;
  const args = [library, at, token, compression, hall.id, cast.cat.id];
  const command = isPython(part)
    ? [foreignPython, join(scripts, 'clients.py'), ...args]
    : [(modern && modernNode) ?? process.execPath, '-r', loader, join(scripts, 'javascript.ts'), ...args];
  return new ForeignClient(command, { NODE_PATH: nodePath });
}

/** Of memory for compressors: enough for each of them, and soon used up by others. */
const contextMb = 2;
const zlibContext = 96 * 1024;
/** Connections that leave none of it. */
const takers = Math.floor((contextMb * 1024 * 1024) / zlibContext);
const compressors = 'derailed_gateway_compressors';

jest.setTimeout(20_000);

/**
 * All of them go through one life together: READY, guilds, members, a message; a cut, messages meanwhile, RESUMED, and
 * live again. First there is memory for compressors; when they come back there is none, and blocks are shared.
 */
describe.each(stages)('client libraries in all encodings, %s', (_, start) => {
  let proxy: TcpProxy;
  let stage: Stage;
  let witness: RawClient;
  const clients = new Map<Part, ForeignClient>();
  const nodePaths: string[] = [];
  /** Queries of upgrades, before the cut and after it. */
  const asked: string[][] = [];
  /** How many connections had a compressor: before the cut, when the memory was taken, and in the end. */
  const compressing: number[] = [];

  const publish = (n: number) =>
    stage.publisher.publish({ guildId: hall.id }, 'MESSAGE_CREATE', messageSaying(String(n)));
  const all = (what: string, enough: (client: ForeignClient, part: Part) => boolean) =>
    Promise.all([...clients].map(([part, client]) => client.reaches(what, () => enough(client, part))));
  const upgrades = (): string[] =>
    proxy.requests.flatMap((line) => {
      const query = new URL(line.split(' ')[1] ?? '', 'http://gateway').searchParams;
      return query.has('encoding') ? [`${query.get('encoding')} ${query.get('compress') ?? ''}`.trim()] : [];
    });

  beforeAll(async () => {
    proxy = await startTcpProxy();
    const env = {
      GATEWAY_PUBLIC_URL: `ws://${proxy.address}`,
      HEARTBEAT_INTERVAL: '41250ms',
      IDENTIFY_TIMEOUT: '120s',
      RESUME_WINDOW: '60s',
      COMPRESSION_CONTEXT_MB: String(contextMb),
    };
    stage = await start(env, modernNode);
    proxy.retarget(stage.gateway);
    // Nobody is there yet; all who come have it in GUILD_CREATE.
    await stage.publisher.publish({ guildId: hall.id }, 'VOICE_STATE_UPDATE', {
      guild_id: hall.id,
      user_id: cast.cat.id,
      channel_id: hall.channels.open,
      session_id: 'voice',
    });
    witness = stage.keep(await stage.enter('able', { intents: everything }));
    for (const part of playing) {
      const nodePath = nodePathOf(part.finds);
      nodePaths.push(nodePath);
      clients.set(part, launch(part, proxy.address, stage.token(part.player), nodePath));
    }
    await all('guilds and a member', (client) => {
      const has = (name: string, count: number): boolean => client.named(name).length === count;
      return (
        client.ready !== undefined &&
        has('READY', 1) &&
        has('GUILD_CREATE', 2) &&
        has('GUILD_MEMBERS_CHUNK', 1)
      );
    });
    await publish(1);
    await all('message 1', (client) => client.messages().includes('1'));
    asked.push(upgrades());
    compressing.push(await stage.metric(compressors));
    proxy.retarget('');
    proxy.cut();
    await publish(2);
    await publish(3);
    while ((await stage.metric(compressors)) > 0);
    for (let taken = 0; taken < takers; taken++) {
      const client = stage.connect('compress=zlib-stream', undefined, undefined, inflated(plainJson));
      await stage.keep(client).op(10);
    }
    compressing.push(await stage.metric(compressors));
    proxy.retarget(stage.gateway);
    await all('RESUMED', (client) => client.named('RESUMED').length === 1);
    await publish(4);
    await all(
      'message 4',
      (client, part) => client.messages().includes('4') && (!isWhole(part) || client.saw.includes('4')),
    );
    asked.push(upgrades().slice(asked[0]?.length));
    compressing.push(await stage.metric(compressors));
  }, 240_000);

  afterAll(async () => {
    await Promise.all([...clients.values()].map((client) => client.stop()));
    for (const path of nodePaths) rmSync(path, { recursive: true });
    await stage.stop();
    await proxy.close();
  }, 30_000);

  const goesThrough = (_player: string, part: Part): void => {
    const client = clients.get(part);
    if (client === undefined) throw new Error(`${part.player} does not play`);
    client.check();
    const unordered = isUnordered(part);
    const messages = client.messages();
    expect(unordered ? messages.sort() : messages).toEqual(['1', '2', '3', '4']);
    expect(client.named('READY')).toHaveLength(1);
    const numbers = client.dispatches.flatMap(({ s }) => s ?? []);
    if (unordered) numbers.sort((one, other) => one - other);
    expect(numbers).toEqual(numbers.map((_number, at) => at + 1));
    // Who was online when is another matter.
    const guild = { ...hallOf(client.dispatches), presences: [] };
    expect(guild).toEqual({ ...hallOf(witness.received), presences: [] });
    expect(guild).toMatchObject({ voice_states: [{ user_id: cast.cat.id }] });
    expect(client.named('GUILD_MEMBERS_CHUNK')[0]?.d['members']).toMatchObject([
      { user: { username: 'cat' } },
    ]);
    if (!isWhole(part)) return;
    expect(client.ready).toEqual({ [hall.id]: 'Hall', [north.id]: 'North' });
    expect(client.saw).toEqual(['1', '2', '3', '4']);
  };
  const of = (some: (part: Part) => boolean): [string, Part][] =>
    playing.filter(some).map((part) => [part.player, part]);

  proves(['resume.encoding'], 'ask for what they were told to, before the cut and after', () => {
    const wanted = playing.map(queryOf).sort();
    expect(asked.map((queries) => [...queries].sort())).toEqual([wanted, wanted]);
  });

  it('have a compressor each as long as memory for them lasts, and none after that', () => {
    const streams = playing.filter(({ compression }) => compression.endsWith('-stream')).length;
    expect(compressing).toEqual([streams, takers, takers]);
  });

  provesEach(
    ['out.zlib-stream', 'resume.fresh-stream'],
    '%s goes through the cycle with zlib-stream',
    of((part) => queryOf(part) === 'json zlib-stream'),
    goesThrough,
  );

  provesEach(
    ['out.etf', 'out.etf-numbers', 'in.etf'],
    '%s goes through the cycle with etf',
    of((part) => queryOf(part) === 'etf'),
    goesThrough,
  );

  provesEach(
    ['out.etf-compressed', 'in.etf', 'resume.fresh-stream'],
    '%s goes through the cycle with etf in a compressed stream',
    of((part) => /^etf ./.test(queryOf(part))),
    goesThrough,
  );

  provesEach(
    ['out.zstd-stream', 'resume.fresh-stream'],
    '%s goes through the cycle with zstd-stream',
    of((part) => queryOf(part) === 'json zstd-stream'),
    goesThrough,
  );

  provesEach(
    ['out.payload-compressed'],
    '%s goes through the cycle with compress in Identify',
    of(({ compression }) => compression === 'payload'),
    goesThrough,
  );

  provesEach(
    ['client.discord.py', 'out.compress-beside', 'in.bare-ids', 'events.message'],
    '%s logs in, caches its guilds, sees messages and members, and resumes',
    of(({ library }) => library === 'discord.py'),
    goesThrough,
  );

  provesEach(
    ['client.hikari', 'guild-create.keys', 'guild-create.voice', 'events.message'],
    '%s logs in, caches its guilds, sees messages and members, and resumes',
    of(({ library }) => library === 'hikari'),
    goesThrough,
  );
});

const zstdPart = parts.find(({ player }) => player === 'oceanic-zstd-24');
const hasOnlyNapi = !('createZstdCompress' in zlib) && missing(['Node 24', 'zstd-napi']).length === 0;

(hasOnlyNapi ? describe : describe.skip)('a gateway on a Node without zstd, zstd-napi beside it', () => {
  it('speaks zstd to a client that has it', async () => {
    const nodePath = nodePathOf(['zstd-napi']);
    const stage = await stages[0]![1]({ NODE_PATH: nodePath });
    const client = launch(zstdPart!, stage.gateway, stage.token('oceanic-zstd-24'), '');
    await client.reaches('its guilds', () => client.ready !== undefined);
    await stage.publisher.publish({ guildId: hall.id }, 'MESSAGE_CREATE', messageSaying('1'));
    await client.reaches('message 1', () => client.saw.includes('1'));
    expect(await stage.metric(compressors)).toBe(1);
    await client.stop();
    client.check();
    await stage.stop();
    rmSync(nodePath, { recursive: true });
  }, 60_000);
});
