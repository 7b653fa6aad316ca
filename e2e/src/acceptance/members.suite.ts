import type { Stage } from './stage';
import { toldStatus } from './told-status';
import { proves, provesEach } from './proves';
import { cast, club, crowd, hall, north, south } from './cast';
import type { Payload, RawClient } from '../raw-client';

type Json = Record<string, unknown>;
const withMembers = 1 | 2;
const withPresences = withMembers | (1 << 8);
const namesIn = (chunk: Payload): string[] =>
  (chunk.d['members'] as { user: { username: string } }[]).map(({ user }) => user.username).sort();
const idsIn = (chunk: Payload): string[] =>
  (chunk.d['members'] as { user: { id: string } }[]).map(({ user }) => user.id).sort();

const hundredAndOne = Array.from({ length: 101 }, (_, at) => String(1000 + at));

/** Request Guild Members, and presence. */
export function membersSuite(stage: () => Stage): void {
  const ask = async (client: RawClient, d: Json): Promise<Payload> => {
    const before = client.received.filter(({ t }) => t === 'GUILD_MEMBERS_CHUNK').length;
    client.send({ op: 8, d });
    return (await client.count(({ t }) => t === 'GUILD_MEMBERS_CHUNK', before + 1))[before] as Payload;
  };

  describe('a request for members', () => {
    proves(
      ['members.all', 'members.rate', 'members.nonce', 'members.replay'],
      'brings all of them in chunks of 1,000, and the next within 30 s RATE_LIMITED',
      async () => {
        const client = await stage().enter('ben', { intents: withMembers });
        const all = { op: 8, d: { guild_id: crowd.id, query: '', limit: 0, nonce: 'x'.repeat(32) } };
        client.send(all);
        const chunks = await client.count(({ t }) => t === 'GUILD_MEMBERS_CHUNK', 3);
        expect(
          chunks.map(({ d }) => [d['guild_id'], d['chunk_index'], d['chunk_count'], d['nonce']]),
        ).toEqual([0, 1, 2].map((index) => [crowd.id, index, 3, 'x'.repeat(32)]));
        expect(chunks.map((chunk) => idsIn(chunk).length)).toEqual([1000, 1000, 500]);
        expect(new Set(chunks.flatMap(idsIn)).size).toBe(crowd.members);
        expect(chunks.some(({ d }) => 'not_found' in d || 'presences' in d)).toBe(false);
        client.send(all);
        const limited = await client.event('RATE_LIMITED');
        expect(limited.d).toEqual({
          opcode: 8,
          retry_after: expect.any(Number),
          meta: { guild_id: crowd.id, nonce: 'x'.repeat(32) },
        });
        expect(limited.d['retry_after']).toBeGreaterThan(20);
        expect(limited.s).toBe(client.lastSeq);
        // Requests by name or id are not limited by it, and the connection stays.
        expect(namesIn(await ask(client, { guild_id: crowd.id, query: 'extra-99', limit: 3 }))).toHaveLength(
          3,
        );
        client.drop();
        const again = await stage().resume('ben', client.session, (chunks[0]?.s ?? 0) - 1);
        await again.event('RESUMED');
        expect(again.received.filter(({ t }) => t === 'GUILD_MEMBERS_CHUNK').slice(0, 3)).toEqual(chunks);
      },
    );

    proves(['members.account'], 'of a user account needs no intent', async () => {
      const client = await stage().enter('ann', { intents: 1 });
      const chunk = await ask(client, { guild_id: club.id, query: '', limit: 0 });
      expect(idsIn(chunk)).toHaveLength(club.members);
    });

    proves(['members.stranger'], 'of a guild of another shard gets no answer', async () => {
      const client = await stage().enter('shards', { shard: [1, 2] });
      client.send({ op: 8, d: { guild_id: north.id, user_ids: cast.shards.id } });
      const answer = await ask(client, { guild_id: south.id, user_ids: cast.shards.id });
      expect([answer.d['guild_id'], idsIn(answer)]).toEqual([south.id, [cast.shards.id]]);
    });

    proves(
      ['members.all-intent', 'members.stranger'],
      'without the intent, or of a strange guild, gets no answer',
      async () => {
        const client = await stage().enter('plain', { intents: 1 });
        client.send({ op: 8, d: { guild_id: hall.id, query: '', limit: 0 } });
        client.send({ op: 8, d: { guild_id: '1', query: 'a', limit: 1 } });
        const answer = await ask(client, { guild_id: hall.id, query: 'ben', limit: 1, nonce: 'last' });
        expect(answer.d['nonce']).toBe('last');
        expect(client.received.filter(({ t }) => t === 'GUILD_MEMBERS_CHUNK')).toHaveLength(1);
      },
    );

    provesEach(
      ['members.query', 'members.limit', 'members.empty'],
      'for names that begin with %j, at most %i, brings %j',
      [
        ['CA', 10, ['cat']],
        ['hIkAri', 100, ['hikari-zlib', 'hikari-zstd']],
        ['hikari', 1, 1],
        ['', 2, 2],
        ['nobody', 5, []],
        ['%', 5, []],
        ['c_t', 5, []],
      ] as [string, number, string[] | number][],
      async (query, limit, expected) => {
        const client = await stage().enter('ann', { intents: withMembers });
        const { d, ...chunk } = await ask(client, { guild_id: hall.id, query, limit });
        expect(d).toMatchObject({ chunk_index: 0, chunk_count: 1 });
        const names = namesIn({ d, ...chunk });
        if (typeof expected === 'number') expect(names).toHaveLength(expected);
        else expect(names).toEqual(expected);
      },
    );

    proves(['members.query', 'members.limit'], 'finds nicks too, and 100 at most', async () => {
      const client = await stage().enter('ann', { intents: withMembers });
      expect(idsIn(await ask(client, { guild_id: club.id, query: 'nick', limit: 9 }))).toEqual([
        '120000000000000002',
      ]);
      const crowded = await stage().enter('ben', { intents: withMembers });
      for (const limit of [1000, 0])
        expect(idsIn(await ask(crowded, { guild_id: crowd.id, query: 'extra', limit }))).toHaveLength(100);
    });

    provesEach(
      ['members.user-ids', 'members.empty', 'in.bare-ids'],
      'by ids %j brings them, and says who was not found',
      [
        [[cast.ben.id, cast.cat.id], 2, []],
        [cast.ben.id, 1, []],
        [[cast.ben.id, '999'], 1, ['999']],
        [['999', '998'], 0, ['999', '998']],
        [[], 0, []],
        // Of more than 100 ids the first 100 are answered.
        [hundredAndOne, 0, hundredAndOne.slice(0, 100)],
      ] as [string | string[], number, string[]][],
      async (ids, found, missing) => {
        const client = await stage().enter('ann', { intents: 1 });
        const { d } = await ask(client, {
          guild_id: [hall.id],
          user_ids: ids,
          limit: 0,
          nonce: 'é'.repeat(17),
        });
        expect(d['members']).toHaveLength(found);
        expect(d['not_found']).toEqual(missing);
        // 34 bytes: too long.
        expect(d).not.toHaveProperty('nonce');
      },
    );

    proves(['members.presences'], 'brings presences with the intent GUILD_PRESENCES only', async () => {
      const request = { guild_id: hall.id, user_ids: [cast.ben.id, cast.cat.id], presences: true };
      const ben = await stage().enter('ben', {
        presence: { status: 'dnd', activities: [], since: null, afk: false },
      });
      await ben.first(({ t, d }) => t === 'PRESENCE_UPDATE' && d['status'] === 'dnd');
      const may = await stage().enter('ann', { intents: withPresences });
      const { d } = await ask(may, request);
      expect(d['presences']).toEqual([expect.objectContaining({ user: { id: cast.ben.id }, status: 'dnd' })]);
      const mayNot = await stage().enter('ann', { intents: withMembers });
      expect((await ask(mayNot, request)).d).not.toHaveProperty('presences');
    });
  });

  describe('a presence', () => {
    const of = (player: keyof typeof cast) => (payload: Payload) =>
      payload.t === 'PRESENCE_UPDATE' &&
      payload.d['guild_id'] === hall.id &&
      (payload.d['user'] as Json)['id'] === cast[player].id;
    const set = (client: RawClient, status: string, activities: unknown = []): void => {
      client.send({ op: 3, d: { since: null, afk: false, status, activities } });
    };
    const watch = () => stage().enter('dan', { intents: withPresences });

    proves(
      ['presence.update', 'presence.client-status', 'presence.same'],
      'is told as it was set, once',
      async () => {
        const watcher = await watch();
        const plain = await stage().enter('ada2', { intents: 1 });
        const cat = await stage().enter('cat', { properties: { browser: 'Derailed Client', os: 'linux' } });
        await watcher.first(of('cat'));
        set(cat, 'dnd', [{ name: 'a game', type: 0, details: 'level 3' }]);
        const told = await watcher.first((payload) => of('cat')(payload) && payload.d['status'] === 'dnd');
        expect(told.d).toEqual({
          user: { id: cast.cat.id },
          guild_id: hall.id,
          status: 'dnd',
          activities: [{ name: 'a game', type: 0, details: 'level 3', created_at: expect.any(Number) }],
          client_status: { desktop: 'dnd' },
        });
        set(cat, 'idle', null);
        set(cat, 'idle', null);
        await watcher.first((payload) => of('cat')(payload) && payload.d['status'] === 'idle');
        set(cat, 'online');
        await watcher.first(
          (payload) =>
            of('cat')(payload) && payload.d['status'] === 'online' && payload.s === watcher.lastSeq,
        );
        const statuses = watcher.received.filter(of('cat')).map(({ d }) => d['status']);
        expect(statuses.filter((status, at) => status === statuses[at - 1])).toEqual([]);
        expect(plain.received.some(({ t }) => t === 'PRESENCE_UPDATE')).toBe(false);
      },
    );

    provesEach(
      ['presence.client-status'],
      'of a client that runs on %j is shown as %s',
      [
        [{ browser: 'Derailed iOS', os: 'ios' }, 'mobile'],
        [{ browser: 'Derailed VR' }, 'vr'],
        [{ $browser: 'Derailed Android' }, 'mobile'],
        [{ browser: 'Firefox', os: 'linux' }, 'web'],
      ] as [Json, string][],
      async (properties, kind) => {
        const watcher = await watch();
        await stage().enter('cat', { properties });
        // Of the session before it may still be told, in GUILD_CREATE too.
        await watcher.first(({ t, d }) => {
          const told = t === 'GUILD_CREATE' ? (d['presences'] as Json[]) : t === 'PRESENCE_UPDATE' ? [d] : [];
          return told.some(
            ({ user, status, client_status }) =>
              (user as Json)['id'] === cast.cat.id && (client_status as Json)[kind] === status,
          );
        });
      },
    );

    proves(['presence.invisible'], 'that is invisible is offline to others', async () => {
      const watcher = await watch();
      const cat = await stage().enter('cat');
      set(cat, 'idle', [{ name: 'x', type: 0 }]);
      await watcher.first((payload) => of('cat')(payload) && payload.d['status'] === 'idle');
      set(cat, 'invisible', [{ name: 'secret', type: 0 }]);
      const gone = await watcher.first((payload) => of('cat')(payload) && payload.d['status'] === 'offline');
      expect(gone.d).toMatchObject({ activities: [], client_status: {} });
      expect(JSON.stringify(watcher.received)).not.toMatch(/invisible|secret/);
    });

    proves(['presence.own'], 'that is invisible is shown to oneself', async () => {
      const cat = await stage().enter('cat', { presence: { status: 'invisible', activities: [] } });
      const { d } = await cat.first(({ t, d: guild }) => t === 'GUILD_CREATE' && guild['id'] === hall.id);
      const own = (d['presences'] as Json[]).filter(({ user }) => (user as Json)['id'] === cast.cat.id);
      expect(own).toMatchObject([{ status: 'invisible' }]);
      const watcher = await watch();
      await watcher.first(() => (toldStatus(watcher, 'cat', hall.id) ?? 'offline') === 'offline');
    });

    proves(['presence.large'], 'in a large guild is told to those alone who named the intent', async () => {
      const named = await stage().enter('ben', { intents: withPresences });
      const unnamed = await stage().enter('ben', { intents: undefined });
      await stage().enter('cat', { presence: { status: 'dnd', activities: [] } });
      const ofCrowd = ({ t, d }: Payload): boolean =>
        t === 'PRESENCE_UPDATE' &&
        d['guild_id'] === crowd.id &&
        (d['user'] as Json)['id'] === cast.cat.id &&
        d['status'] === 'dnd';
      await named.first(ofCrowd);
      await stage().publisher.publish({ guildId: crowd.id }, 'BEHIND_IT', {});
      await unnamed.event('BEHIND_IT');
      expect(unnamed.received.filter(ofCrowd)).toEqual([]);
      await unnamed.first((payload) => of('cat')(payload) && payload.d['status'] === 'dnd');
    });

    proves(
      ['presence.bot-offline', 'presence.bot-activity'],
      'of a bot is never offline, and keeps four fields',
      async () => {
        const watcher = await watch();
        const bot = await stage().enter('able');
        set(bot, 'dnd', [
          { name: 'n', type: 1, url: 'https://twitch.tv/x', state: 's', details: 'd', buttons: [] },
          { name: 'n', type: 0, url: 'https://twitch.tv/x' },
          { name: 'n', type: 1, url: 'https://example.org' },
        ]);
        const told = await watcher.first((payload) => of('able')(payload) && payload.d['status'] === 'dnd');
        const created_at = expect.any(Number);
        expect(told.d['activities']).toEqual([
          { name: 'n', type: 1, url: 'https://twitch.tv/x', state: 's', created_at },
          { name: 'n', type: 0, created_at },
          { name: 'n', type: 1, created_at },
        ]);
        expect(told.d['client_status']).toEqual({ web: 'dnd' });
        set(bot, 'offline');
        await watcher.first(
          (payload) =>
            of('able')(payload) && payload.d['status'] === 'online' && payload.s === watcher.lastSeq,
        );
      },
    );

    proves(['presence.merge'], 'of several sessions is the highest of them', async () => {
      const watcher = await watch();
      const one = await stage().enter('cat', { presence: { status: 'dnd' } });
      await watcher.first((payload) => of('cat')(payload) && payload.d['status'] === 'dnd');
      const other = await stage().enter('cat', { presence: { status: 'idle' } });
      await watcher.first((payload) => of('cat')(payload) && payload.d['status'] === 'idle');
      await other.close(1000);
      await watcher.first(
        (payload) => of('cat')(payload) && payload.d['status'] === 'dnd' && payload.s === watcher.lastSeq,
      );
      one.drop();
    });

    proves(
      ['presence.goodbye', 'presence.grace', 'resume.resumed'],
      'ends at once with a goodbye, and after a while with a drop',
      async () => {
        const watcher = await watch();
        const offline = (payload: Payload) => of('cat')(payload) && payload.d['status'] === 'offline';
        const leaves = await stage().enter('cat');
        await watcher.first((payload) => of('cat')(payload) && payload.d['status'] === 'online');
        await leaves.close(1000);
        await watcher.first(offline);
        const drops = await stage().enter('cat');
        await watcher.count((payload) => of('cat')(payload) && payload.d['status'] === 'online', 2);
        drops.drop();
        await watcher.count(offline, 2);
        const again = await stage().resume('cat', drops.session, drops.lastSeq);
        await again.event('RESUMED');
        await watcher.count((payload) => of('cat')(payload) && payload.d['status'] === 'online', 3);
      },
    );
  });

  describe('HTTP', () => {
    const get = async (path: string, authorization?: string) => {
      const response = await fetch(`http://${stage().gateway}/api/v10${path}`, {
        headers: authorization === undefined ? {} : { authorization },
      });
      return {
        status: response.status,
        type: response.headers.get('content-type'),
        body: (await response.json()) as Json,
      };
    };

    proves(['http.gateway-bot'], 'says how to start', async () => {
      expect(await get('/gateway/bot', `Bot ${stage().token('able')}`)).toEqual({
        status: 200,
        type: 'application/json',
        body: {
          url: `ws://${stage().gateway}`,
          shards: 1,
          session_start_limit: {
            total: expect.any(Number),
            remaining: expect.any(Number),
            reset_after: expect.any(Number),
            max_concurrency: expect.any(Number),
          },
        },
      });
    });

    provesEach(
      ['http.unauthorized'],
      'refuses %j with 401',
      [['Bot nobody'], [undefined], ['']],
      async (token) => {
        expect(await get('/gateway/bot', token)).toEqual({
          status: 401,
          type: 'application/json',
          body: { message: '401: Unauthorized', code: 0 },
        });
      },
    );

    proves(['http.me'], 'says who the bot is', async () => {
      const authorization = `Bot ${stage().token('able')}`;
      const me = await get('/users/@me', authorization);
      const { d: ready } = await (await stage().enter('able')).event('READY');
      expect(me).toEqual({ status: 200, type: 'application/json', body: ready['user'] });
      const { status, type, body: application } = await get('/oauth2/applications/@me', authorization);
      expect([status, type]).toEqual([200, 'application/json']);
      expect(application).toMatchObject({
        id: cast.able.id,
        owner: { id: cast.able.id, username: 'able', discriminator: '0', avatar: null },
        team: null,
        rpc_origins: [],
      });
      expect(Object.keys(application)).toEqual(
        expect.arrayContaining(
          'id name icon description bot_public bot_require_code_grant verify_key flags owner team rpc_origins'.split(
            ' ',
          ),
        ),
      );
    });
  });
}
