import { createGatewayManager } from '@discordeno/gateway';
import { REST } from '@discordjs/rest';
import { CompressionMethod, WebSocketManager, WebSocketShardEvents } from '@discordjs/ws';
import Eris from 'eris';
import { Client as Oceanic } from 'oceanic.js';

/**
 * A client library as it is, in a process of its own: what it finds in NODE_PATH (erlpack, zlib-sync, zstd-napi) changes
 * its wire and nobody else's. Prints a line of JSON for each dispatch ({t, s, d}), one for what it has cached once it is
 * ready ({ready}), and one for each message that its user is told of ({saw}).
 *
 * LIBRARY HOST:PORT TOKEN COMPRESSION GUILD MEMBER
 */
const [library = '', at = '', token = '', compression = '', guildId = '', memberId = ''] =
  process.argv.slice(2);
const url = `ws://${at}`;
const intents = 53_608_447;
const members = { op: 8, d: { guild_id: guildId, user_ids: [memberId], limit: 0 } } as never;

interface Packet {
  readonly op: number;
  readonly s?: number | null;
  readonly t?: string | null;
  readonly d?: unknown;
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function tell(packet: unknown): void {
  const { op, s, t, d } = packet as Packet;
  if (op === 0) say({ t, s, d });
}

/** Connections are cut on purpose; what that means to a library is told where the rest goes. */
function complain(error: unknown): void {
  process.stderr.write(`${String(error)}\n`);
}

function giveUp(error: unknown): void {
  complain(error);
  process.exit(1);
}

function cached(guilds: Iterable<readonly [string | number, { readonly name: string }]>): void {
  say({ ready: Object.fromEntries([...guilds].map(([id, { name }]) => [id, name])) });
}

/** The guilds of eris, and of oceanic.js, which comes from it. */
type Guilds = Parameters<typeof cached>[0] & {
  get(id: string): { fetchMembers(asked: { userIDs: string[] }): Promise<unknown> } | undefined;
};

function askForMember(guilds: Guilds): void {
  cached(guilds);
  guilds
    .get(guildId)
    ?.fetchMembers({ userIDs: [memberId] })
    .catch(giveUp);
}

async function eris(): Promise<void> {
  const client = Eris(`Bot ${token}`, {
    intents,
    compress: compression !== '',
    autoreconnect: true,
  } as Eris.ClientOptions);
  const limit = { total: 1000, remaining: 1000, reset_after: 0, max_concurrency: 1 };
  // Its REST client speaks HTTPS only.
  client.getBotGateway = () => Promise.resolve({ url, shards: 1, session_start_limit: limit });
  client.on('rawWS', tell);
  client.on('error', complain);
  client.on('messageCreate', ({ content }) => {
    say({ saw: content });
  });
  client.once('ready', () => askForMember(client.guilds));
  await client.connect();
}

async function oceanic(): Promise<void> {
  const client = new Oceanic({
    auth: `Bot ${token}`,
    rest: { baseURL: `http://${at}/api/v10` },
    gateway: { intents: intents as never, ...(compression && { compress: compression as 'zlib-stream' }) },
  });
  client.on('packet', tell);
  client.on('error', complain);
  client.on('messageCreate', ({ content }) => {
    say({ saw: content });
  });
  client.once('ready', () => askForMember(client.guilds));
  await client.connect();
}

async function discordjs(): Promise<void> {
  const manager = new WebSocketManager({
    token,
    intents: intents as never,
    rest: new REST({ version: '10', api: `http://${at}/api` }).setToken(token),
    ...(compression === 'payload'
      ? { useIdentifyCompression: true }
      : { compression: CompressionMethod.ZlibNative }),
  });
  manager.on(WebSocketShardEvents.Dispatch, tell);
  manager.on(WebSocketShardEvents.Error, complain);
  manager.on(WebSocketShardEvents.SocketError, complain);
  manager.once(WebSocketShardEvents.Ready, () => {
    say({ ready: {} });
    Promise.resolve(manager.send(0, members)).catch(giveUp);
  });
  await manager.connect();
}

async function discordeno(): Promise<void> {
  const sessionStartLimit = { total: 1000, remaining: 1000, resetAfter: 0, maxConcurrency: 1 };
  const quiet = (): void => undefined;
  const manager = createGatewayManager({
    token,
    intents,
    url,
    connection: { url, shards: 1, sessionStartLimit },
    preferSnakeCase: true,
    spawnShardDelay: 0,
    logger: { debug: quiet, info: quiet, warn: quiet, error: complain, fatal: complain },
    resharding: { enabled: false } as never,
    ...(compression === 'payload' ? { compress: true } : { transportCompression: compression }),
    events: {
      message: (shard: { send(payload: object): Promise<void> }, packet: Packet) => {
        tell(packet);
        if (packet.t !== 'READY') return;
        say({ ready: {} });
        shard.send(members).catch(giveUp);
      },
    },
  } as never);
  await manager.spawnShards();
}

const libraries: Readonly<Record<string, () => Promise<void>>> = { eris, oceanic, discordjs, discordeno };
(libraries[library] ?? (() => Promise.reject(new Error(`no library ${library}`))))().catch(giveUp);
