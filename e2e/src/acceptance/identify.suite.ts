import { type Stage, sizes } from './stage';
import { toldStatus } from './told-status';
import { proves, provesEach } from './proves';
import { type Player, cast, club, crowd, hall, north, south } from './cast';
import type { Payload, RawClient } from '../raw-client';

type Json = Record<string, unknown>;
const list = (payload: Payload, key: string) => payload.d[key] as Json[];
const guildCreate = (client: RawClient, id: string) =>
  client.first(({ t, d }) => t === 'GUILD_CREATE' && d['id'] === id);
const ids = (members: readonly Json[]) => members.map(({ user }) => (user as { id: string }).id).sort();

/** Keys without which some client library raises. */
const guildKeys =
  'id name icon splash owner_id afk_channel_id afk_timeout verification_level default_message_notifications ' +
  'explicit_content_filter roles emojis features mfa_level application_id system_channel_id system_channel_flags ' +
  'rules_channel_id vanity_url_code description banner premium_tier preferred_locale public_updates_channel_id ' +
  'nsfw_level stickers voice_states members channels threads presences discovery_splash region member_count large ' +
  'joined_at stage_instances guild_scheduled_events soundboard_sounds premium_subscription_count';

/** Identify, READY and GUILD_CREATE. */
export function identifySuite(stage: () => Stage): void {
  const say = async (player: Player, d: object): Promise<RawClient> => {
    const client = stage().connect();
    await client.op(10);
    client.send({ op: 2, d: { token: stage().token(player), intents: 1, properties: {}, ...d } });
    return client;
  };

  /** Op 9 (false), and not at once: some clients would ask hundreds of times a second. */
  const paced = async (ask: () => Promise<RawClient>): Promise<void> => {
    const since = performance.now();
    expect((await (await ask()).op(9)).d).toBe(false);
    expect(performance.now() - since).toBeGreaterThan(1000);
  };

  describe('an identify', () => {
    proves(
      ['identify.token', 'identify.properties'],
      'takes a token with and without Bot in front',
      async () => {
        for (const prefix of ['', 'Bot ']) {
          const client = await say('zoe', { token: prefix + stage().token('zoe'), properties: undefined });
          await client.event('READY');
        }
      },
    );

    proves(['identify.token-form'], 'takes a token that begins with the id of its user', () => {
      const parts = stage().token('plain').split('.');
      expect(parts).toHaveLength(3);
      expect(Buffer.from(parts[0] ?? '', 'base64url').toString()).toBe(cast.plain.id);
    });

    provesEach(
      ['identify.token'],
      '%s is closed with 4004',
      [['x'], ['a.b.c'], ['Bot nobody']],
      async (token) => {
        expect(await (await say('zoe', { token })).closed).toBe(4004);
      },
    );

    provesEach(
      ['identify.intents', 'identify.privileged', 'identify.shard'],
      'of a bot with %j is closed with %i',
      [
        [{ intents: undefined }, 4013],
        [{ intents: null }, 4013],
        [{ intents: 'all' }, 4013],
        [{ intents: -1 }, 4013],
        [{ intents: 1 << 17 }, 4013],
        [{ intents: 2 ** 31 }, 4013],
        [{ intents: 1 << 1 }, 4014],
        [{ intents: 1 << 8 }, 4014],
        [{ intents: 1 << 15 }, 4014],
        [{ shard: [1, 1] }, 4010],
        [{ shard: [-1, 1] }, 4010],
        [{ shard: [0, 0] }, 4010],
        [{ shard: [0] }, 4010],
        [{ shard: ['0', '1'] }, 4010],
        [{ shard: 0 }, 4010],
      ] as [object, number][],
      async (d, code) => {
        expect(await (await say('plain', d)).closed).toBe(code);
      },
    );

    provesEach(
      ['identify.granted'],
      'of %s, to whom one intent was granted, may name that one alone',
      [
        ['seer', 1 << 8],
        ['counter', 1 << 1],
        ['reader', 1 << 15],
      ] as [Player, number][],
      async (player, granted) => {
        for (const intents of [1 << 1, 1 << 8, 1 << 15].filter((bit) => bit !== granted))
          expect(await (await say(player, { intents })).closed).toBe(4014);
        await stage().enter(player, { intents: 1 | granted });
      },
    );

    proves(['identify.user-intents'], 'of a user account needs no intents, and has all events', async () => {
      const client = await stage().enter('ben', { intents: undefined });
      await client.guilds(3);
      await stage().publisher.publish({ guildId: hall.id }, 'GUILD_MEMBER_UPDATE', {
        user: { id: cast.cat.id },
      });
      await client.event('GUILD_MEMBER_UPDATE');
    });

    proves(['identify.too-many-guilds'], 'of a shard with 2,501 guilds is closed with 4011', async () => {
      expect(await (await say('huge', {})).closed).toBe(4011);
    });

    proves(
      ['identify.concurrency', 'invalid.boolean', 'invalid.same-socket'],
      'that comes too soon gets op 9 when its turn is near, and the connection takes another',
      async () => {
        const first = await say('paced', { shard: [0, 16] });
        await first.event('READY');
        const second = await say('paced', { shard: [0, 16] });
        expect((await second.op(9)).d).toBe(false);
        second.send({ op: 1, d: null });
        await second.op(11);
        // It came when the key was free again, not at once: some clients would ask hundreds of times a second.
        second.send({ op: 2, d: { token: stage().token('paced'), intents: 1, shard: [0, 16] } });
        await second.event('READY');
        expect(second.received.filter(({ op }) => op === 9)).toHaveLength(1);
        // Another key does not wait.
        await (await say('paced', { shard: [1, 16] })).event('READY');
      },
    );

    proves(['identify.daily'], `past ${sizes.identifiesPerDay} a day gets op 9`, async () => {
      for (let shard = 0; shard < sizes.identifiesPerDay; shard++)
        await (await say('daily', { shard: [shard, 16] })).event('READY');
      await paced(() => say('daily', { shard: [15, 16] }));
    });

    proves(['identify.sessions'], `of a user with ${sizes.sessions} sessions gets op 9`, async () => {
      for (let n = 0; n < sizes.sessions; n++) await stage().enter('ada2', { intents: 0 });
      await paced(() => say('ada2', { intents: 0 }));
    });

    provesEach(
      ['identify.presence', 'identify.presence-offline'],
      'of %s is lenient: %j is taken for online',
      [
        ['ann', { presence: { activities: null, afk: false, since: null, status: 'offline' } }],
        ['ben', { presence: { status: 'online', game: { name: 'x', type: 0 }, afk: false } }],
        ['cat', { presence: {} }],
        ['shown', { presence: 'none', large_threshold: 'many' }],
      ] as [Player, Json][],
      async (player, d) => {
        const watcher = await stage().enter('dan', { intents: 1 | (1 << 8) });
        await stage().enter(player, d);
        await watcher.first(() => toldStatus(watcher, player, hall.id) === 'online');
        if (JSON.stringify(d).includes('game'))
          expect(JSON.stringify(watcher.received)).toContain('{"name":"x","type":0,"created_at":');
      },
    );
  });

  describe('READY', () => {
    proves(
      ['ready.fields', 'ready.user', 'ready.guilds', 'op.dispatch'],
      'of a bot has all that libraries need',
      async () => {
        const client = await stage().enter('shown', { intents: 1 });
        const ready = await client.event('READY');
        expect(ready.s).toBe(1);
        expect(ready.d).toMatchObject({
          v: 10,
          user: {
            id: cast.shown.id,
            username: 'shown',
            discriminator: '0',
            global_name: null,
            avatar: null,
            bot: true,
            flags: expect.any(Number),
            mfa_enabled: false,
            verified: true,
            email: null,
          },
          guilds: [{ id: hall.id, unavailable: true }],
          session_id: expect.any(String),
          resume_gateway_url: expect.stringMatching(/^wss?:\/\/[^?#]+$/),
          shard: [0, 1],
          application: { id: cast.shown.id, flags: expect.any(Number) },
          private_channels: [],
        });
        expect(client.received.flatMap(({ s }) => s ?? [])).toEqual([1, 2]);
      },
    );

    proves(['ready.account'], 'of a user account has its settings and the order of its guilds', async () => {
      const { d } = await (await stage().enter('dan')).event('READY');
      expect(d['settings']).toMatchObject({ status: 'dnd' });
      expect(d['guild_positions']).toEqual(expect.any(Array));
    });

    proves(
      ['ready.guild-create', 'ready.no-guilds-intent'],
      'is followed by its guilds only with the intent GUILDS',
      async () => {
        const with_ = await stage().enter('ben', { intents: 1 });
        expect(
          with_.received
            .filter(({ t }) => t === 'GUILD_CREATE')
            .map(({ d }) => d['id'])
            .sort(),
        ).toEqual([hall.id, crowd.id, club.id].sort());
        const without = await stage().enter('ben', { intents: 1 << 9 });
        // The subscription stands all the same.
        await publishUntil(without, 'MESSAGE_CREATE', { channel_id: hall.channels.open });
        expect(without.received.some(({ t }) => t === 'GUILD_CREATE')).toBe(false);
      },
    );
  });

  describe('GUILD_CREATE', () => {
    proves(
      ['guild-create.keys', 'guild-create.parts', 'guild-create.own-member'],
      'has every key that some client needs',
      async () => {
        const hallCreate = await guildCreate(await stage().enter('dan', { intents: 1 | (1 << 8) }), hall.id);
        expect(Object.keys(hallCreate.d)).toEqual(expect.arrayContaining(guildKeys.split(' ')));
        expect(hallCreate.d['unavailable']).toBe(false);
        const roles = list(hallCreate, 'roles');
        expect(roles.map(({ id }) => id)).toContain(hall.id);
        for (const role of roles) {
          expect(role['permissions']).toEqual(expect.stringMatching(/^\d+$/));
          expect(role['colors']).toEqual({
            primary_color: role['color'],
            secondary_color: null,
            tertiary_color: null,
          });
          expect(Object.keys(role)).toEqual(
            expect.arrayContaining(['position', 'hoist', 'managed', 'mentionable', 'name']),
          );
        }
        const [own] = list(hallCreate, 'members').filter(({ user }) => (user as Json)['id'] === cast.dan.id);
        expect(own).toMatchObject({ roles: [hall.roles.mod], deaf: false, mute: false, flags: 0 });
        expect(list(hallCreate, 'members').length).toBeGreaterThan(10);
        for (const member of list(hallCreate, 'members')) {
          expect(Object.keys(member)).toEqual(
            expect.arrayContaining('user roles joined_at deaf mute flags'.split(' ')),
          );
          expect(Date.parse(String(member['joined_at']))).not.toBeNaN();
        }
        for (const channel of list(hallCreate, 'channels'))
          expect(Object.keys(channel)).toEqual(
            expect.arrayContaining(
              'id type name position permission_overwrites topic nsfw last_message_id rate_limit_per_user parent_id'.split(
                ' ',
              ),
            ),
          );
      },
    );

    proves(['guild-create.plain'], 'has the own member only without GUILD_PRESENCES', async () => {
      const create = await guildCreate(await stage().enter('ben', { intents: 1 | 2 }), hall.id);
      expect(ids(list(create, 'members'))).toEqual([cast.ben.id]);
      expect(ids(list(create, 'presences')).filter((id) => id !== cast.ben.id)).toEqual([]);
    });

    proves(
      ['guild-create.presences', 'guild-create.large', 'identify.large-threshold'],
      'has all members up to large_threshold, above it those who are online or stand out',
      async () => {
        const intents = 1 | (1 << 8);
        const watcher = await stage().enter('ben', { intents });
        await stage().enter('ann', { presence: { status: 'dnd', activities: [] } });
        await watcher.first(() => toldStatus(watcher, 'ann', club.id) === 'dnd');
        const small = await guildCreate(
          await stage().enter('ben', { intents, large_threshold: 9999 }),
          club.id,
        );
        expect(small.d).toMatchObject({ large: false, member_count: club.members });
        expect(list(small, 'members')).toHaveLength(club.members);
        expect(list(small, 'presences')).toContainEqual(
          expect.objectContaining({ user: { id: cast.ann.id }, status: 'dnd' }),
        );
        expect(list(small, 'presences').some(({ status }) => status === 'offline')).toBe(false);
        const large = await guildCreate(await stage().enter('ben', { intents, large_threshold: 1 }), club.id);
        expect(large.d).toMatchObject({ large: true, member_count: club.members });
        expect(ids(list(large, 'members'))).toEqual(
          [cast.ann.id, cast.ben.id, '120000000000000001', '120000000000000002'].sort(),
        );
      },
    );
  });

  describe('shards', () => {
    proves(
      ['shard.formula', 'shard.users', 'shard.several', 'ready.guilds', 'identify.shard'],
      'have the guilds of the formula; shard 0 has what is sent to users',
      async () => {
        const evens = await stage().enter('shards', { shard: [0, 2] });
        const odds = await stage().enter('shards', { shard: [1, 2] });
        const all = await stage().enter('shards', { shard: [0, 1] });
        const again = await stage().enter('shards', { shard: [1, 2] });
        const guildsOf = async (client: RawClient) =>
          ((await client.event('READY')).d['guilds'] as { id: string }[]).map(({ id }) => id).sort();
        expect(await guildsOf(evens)).toEqual([north.id]);
        expect(await guildsOf(odds)).toEqual([south.id]);
        expect(await guildsOf(all)).toEqual([north.id, south.id]);
        const everyone = [evens, odds, all, again];
        await stage().publisher.publish({ userIds: [cast.shards.id] }, 'ENTITLEMENT_CREATE', {});
        await stage().publisher.publish({ guildId: north.id }, 'MARK', {});
        await stage().publisher.publish({ guildId: south.id }, 'MARK', {});
        await Promise.all(
          everyone.map((client, at) => client.count(({ t }) => t === 'MARK', at === 2 ? 2 : 1)),
        );
        expect(everyone.map((client) => client.received.some(({ t }) => t === 'ENTITLEMENT_CREATE'))).toEqual(
          [true, false, true, false],
        );
      },
    );
  });

  /** A session without GUILD_CREATE does not say when it is subscribed: publishes until it is. */
  const publishUntil = async (client: RawClient, name: string, data: Json): Promise<void> => {
    const come = client.event(name);
    let here = false;
    void come.then(() => (here = true));
    while (!here) await stage().publisher.publish({ guildId: hall.id }, name, data);
    await come;
  };
}
