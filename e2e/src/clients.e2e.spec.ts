import { type TcpProxy, startTcpProxy } from '@derailed/testing';
import { createGatewayManager } from '@discordeno/gateway';
import { Client as DiscordJs, Events } from 'discord.js';
import Eris from 'eris';
import { Client as Oceanic } from 'oceanic.js';
import { type Player, cast, hall, north } from './acceptance/cast';
import { proves } from './acceptance/proves';
import { type Stage, everything, stages } from './acceptance/stage';
import { DiscordClient } from './discord-client';
import { messageSaying } from './message';

interface Packet {
  readonly op: number;
  readonly s?: number | null;
  readonly t?: string | null;
  readonly d: unknown;
}

/** What a library let through, in the order in which it did. */
class Tape {
  readonly packets: Packet[] = [];
  private readonly waiting = new Set<() => void>();

  take(packet: Packet): void {
    this.packets.push(packet);
    for (const wake of [...this.waiting]) wake();
  }

  async until(enough: () => boolean): Promise<void> {
    while (!enough())
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.waiting.delete(wake);
          resolve();
        };
        this.waiting.add(wake);
      });
  }

  named(name: string): Packet[] {
    return this.packets.filter(({ t }) => t === name);
  }

  messages(): string[] {
    return this.named('MESSAGE_CREATE').map(({ d }) => (d as { content: string }).content);
  }
}

const quiet = (): void => undefined;
const sessionStartLimit = { total: 1000, remaining: 1000, resetAfter: 0, maxConcurrency: 1 };

jest.setTimeout(45_000);

describe.each(stages)('client libraries, %s', (_, start) => {
  let proxy: TcpProxy;
  let stage: Stage;
  const closers: (() => unknown)[] = [];

  beforeAll(async () => {
    proxy = await startTcpProxy();
    stage = await start({
      GATEWAY_PUBLIC_URL: `ws://${proxy.address}`,
      HEARTBEAT_INTERVAL: '41250ms',
      RESUME_WINDOW: '60s',
    });
    proxy.retarget(stage.gateway);
  }, 60_000);
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
    await stage.clear();
  });
  afterAll(async () => {
    await stage.stop();
    await proxy.close();
  }, 30_000);

  const publish = (n: number) =>
    stage.publisher.publish({ guildId: hall.id }, 'MESSAGE_CREATE', messageSaying(String(n)));

  /** Who may look into the channel of the mods, beside them: written, then published. */
  const overwriteMods = async (
    ...more: readonly { id: string; type: number; allow: string; deny: string }[]
  ) => {
    const { mods } = hall.channels;
    const list = [
      { id: hall.id, type: 0, allow: '0', deny: '1024' },
      { id: hall.roles.mod, type: 0, allow: '1024', deny: '0' },
      ...more,
    ];
    const rows = list.map(({ id, type, allow, deny }) => `(${mods}, ${id}, ${type}, ${allow}, ${deny})`);
    await stage.query(
      `begin; delete from channel_overwrites where channel_id = ${mods};
       insert into channel_overwrites (channel_id, target_id, target_type, allow, deny) values ${rows.join()}; commit;`,
    );
    const data = { id: mods, type: 0, permission_overwrites: list };
    await stage.publisher.publish({ guildId: hall.id }, 'CHANNEL_UPDATE', data);
  };

  /** READY, a message, a cut, messages meanwhile, RESUMED, and live again: nothing is missing, nothing twice. */
  const cycle = async (tape: Tape): Promise<void> => {
    await tape.until(() => tape.named('GUILD_CREATE').length === 2);
    await publish(1);
    await tape.until(() => tape.messages().includes('1'));
    proxy.retarget('');
    proxy.cut();
    await publish(2);
    await publish(3);
    proxy.retarget(stage.gateway);
    await tape.until(() => tape.named('RESUMED').length === 1);
    expect(tape.messages()).toEqual(['1', '2', '3']);
    await publish(4);
    await tape.until(() => tape.messages().includes('4'));
    expect(tape.messages()).toEqual(['1', '2', '3', '4']);
    expect(tape.named('READY')).toHaveLength(1);
    const numbers = tape.packets.filter(({ op }) => op === 0).map(({ s }) => s);
    expect(numbers).toEqual(numbers.map((_number, at) => at + 1));
  };
  const api = () => `http://${proxy.address}/api`;
  const token = (player: Player) => stage.token(player);

  proves(['client.discordjs-ws'], '@discordjs/ws goes through the cycle', async () => {
    const client = await DiscordClient.connect(proxy.address, token('discordjs-ws'), everything);
    closers.push(() => client.close());
    const tape = new Tape();
    const feed = (): boolean => {
      for (const packet of client.received.slice(tape.packets.length)) tape.take({ op: 0, ...packet });
      return false;
    };
    void client.until(feed);
    feed();
    await cycle(tape);
  });

  proves(
    ['client.discord.js'],
    'discord.js 14 logs in, caches its guilds, sees messages, presences, members, channels that come and go, and resumes',
    async () => {
      const client = new DiscordJs({ intents: everything, rest: { api: api() } });
      closers.push(() => client.destroy());
      const tape = new Tape();
      client.on(Events.Raw as never, (packet: Packet) => {
        tape.take(packet);
      });
      const ready = new Promise((resolve) => client.once(Events.ClientReady, resolve));
      await client.login(token('discord-js'));
      await ready;
      expect([...client.guilds.cache.keys()].sort()).toEqual([hall.id, north.id].sort());
      const guild = client.guilds.cache.get(hall.id);
      expect(guild).toMatchObject({ name: 'Hall', available: true, ownerId: cast.ann.id });
      expect(guild?.channels.cache.has(hall.channels.open)).toBe(true);
      expect(guild?.channels.cache.has(hall.channels.mods)).toBe(false);
      const members = await guild?.members.fetch();
      expect(members?.get(cast.dan.id)?.roles.cache.has(hall.roles.mod)).toBe(true);
      const presence = new Promise((resolve) => {
        client.on(Events.PresenceUpdate, (_old, { userId, status }) => {
          if (userId === cast.cat.id && status === 'dnd') resolve(userId);
        });
      });
      await stage.enter('cat', { presence: { status: 'dnd', activities: [] } });
      await presence;
      const sight = (event: Events.ChannelCreate | Events.ChannelDelete) =>
        new Promise<string>((resolve) => {
          client.once(event, ({ id }) => {
            resolve(id);
          });
        });
      const mayLook = { id: cast['discord-js'].id, type: 1, allow: '1024', deny: '0' };
      const gained = sight(Events.ChannelCreate);
      await overwriteMods(mayLook);
      expect(await gained).toBe(hall.channels.mods);
      expect(guild?.channels.cache.get(hall.channels.mods)).toMatchObject({ name: 'mods', guildId: hall.id });
      const lost = sight(Events.ChannelDelete);
      await overwriteMods();
      expect(await lost).toBe(hall.channels.mods);
      expect(guild?.channels.cache.has(hall.channels.mods)).toBe(false);
      const created = new Promise<string>((resolve) => {
        client.once(Events.MessageCreate, ({ content }) => {
          resolve(content);
        });
      });
      await cycle(tape);
      expect(await created).toBe('1');
    },
  );

  proves(['client.eris'], 'eris goes through the cycle', async () => {
    const client = Eris(`Bot ${token('eris')}`, {
      intents: everything,
      autoreconnect: true,
    } as Eris.ClientOptions);
    closers.push(() => {
      client.disconnect({ reconnect: false });
    });
    const limit = { total: 1000, remaining: 1000, reset_after: 0, max_concurrency: 1 };
    client.getBotGateway = () =>
      Promise.resolve({ url: `ws://${proxy.address}`, shards: 1, session_start_limit: limit });
    client.on('error', () => undefined);
    const tape = new Tape();
    client.on('rawWS', (packet) => {
      tape.take(packet as Packet);
    });
    await client.connect();
    await cycle(tape);
  });

  proves(['client.oceanic'], 'oceanic.js goes through the cycle', async () => {
    const client = new Oceanic({
      auth: `Bot ${token('oceanic')}`,
      rest: { baseURL: `${api()}/v10` },
      gateway: { intents: everything as never },
    });
    closers.push(() => {
      client.disconnect(false);
    });
    client.on('error', () => undefined);
    const tape = new Tape();
    client.on('packet', (packet) => {
      tape.take(packet as Packet);
    });
    await client.connect();
    await cycle(tape);
  });

  proves(['client.discordeno'], '@discordeno/gateway goes through the cycle', async () => {
    const tape = new Tape();
    const url = `ws://${proxy.address}`;
    const manager = createGatewayManager({
      token: token('discordeno'),
      intents: everything,
      url,
      connection: { url, shards: 1, sessionStartLimit },
      preferSnakeCase: true,
      spawnShardDelay: 0,
      logger: { debug: quiet, info: quiet, warn: quiet, error: quiet, fatal: quiet },
      resharding: { enabled: false } as never,
      events: {
        message: (_shard: unknown, packet: unknown) => {
          tape.take(packet as Packet);
        },
      },
    } as never);
    // Its own code for a shutdown; after any other it connects again.
    closers.push(() => manager.shutdown(3000, 'done'));
    await manager.spawnShards();
    await cycle(tape);
  });
});
