import fc from 'fast-check';
import { entities } from '../entities';
import {
  type RunningDatabase,
  type RunningPersistence,
  databases,
  startPersistence,
} from '../persistence.fixture';
import { reads } from '../reads';

const ada = '100000000000000001';
const grace = '100000000000000002';
const mary = '100000000000000004';
const bot = '100000000000000005';
const workshop = '200000000000000001';
const lounge = '200000000000000002';
const staff = '300000000000000001';
const staffOnly = '400000000000000004';
const crowd = '210000000000000000';
const unknown = '999';
/** When nobody has joined yet (ms). */
const later = Date.parse('2100-01-01T00:00:00Z');
/** A snowflake that PostgreSQL's bigint can't hold. */
const huge = '18446744073709551615';

describe.each(Object.keys(databases) as (keyof typeof databases)[])('the repositories on %s', (kind) => {
  let server: RunningDatabase;
  let persistence: RunningPersistence;

  const sql = <Row>(text: string, parameters: unknown[] = []): Promise<Row[]> =>
    persistence.dataSource.query<Row[]>(text, parameters);

  beforeAll(async () => {
    server = await databases[kind]();
    persistence = await startPersistence(server.url);
    await sql(`INSERT INTO guilds (id, name, owner_id) VALUES ($1, 'Crowd', $2)`, [crowd, ada]);
    await sql(`INSERT INTO users (id, username, password)
      SELECT 700000000000000000 + n, (CASE WHEN n % 10 = 0 THEN 'Zed' ELSE 'user' END) || n, 'x'
      FROM generate_series(1, 200) n`);
    await sql(
      `INSERT INTO members (guild_id, user_id, nick)
        SELECT $1, 700000000000000000 + n, CASE WHEN n = 7 THEN 'zealous' WHEN n = 8 THEN '100%_sure\\' END
        FROM generate_series(1, 200) n`,
      [crowd],
    );
  }, 60_000);

  afterAll(async () => {
    await persistence.stop();
    await server.stop();
  });

  describe('users', () => {
    it('credentials carry the stored hash and whether the user is suspended', async () => {
      const credentials = await persistence.users.credentials(ada);
      expect(credentials).toEqual({
        user: {
          id: ada,
          username: 'ada',
          discriminator: '0001',
          avatar: null,
          email: 'ada@example.com',
          flags: 0,
          bot: false,
          system: false,
        },
        passwordHash: 'demo-password-hash-of-ada',
        suspended: false,
      });
    });

    it('a user who does not or can not exist is null', async () => {
      await expect(persistence.users.credentials(unknown)).resolves.toBeNull();
      await expect(persistence.users.credentials(huge)).resolves.toBeNull();
      await expect(persistence.users.readiness(unknown)).resolves.toBeNull();
      await expect(persistence.users.readiness(huge)).resolves.toBeNull();
    });

    it('guildCount counts the guilds that there are', async () => {
      await expect(persistence.users.guildCount(ada)).resolves.toBe(2);
      await expect(persistence.users.guildCount(unknown)).resolves.toBe(0);
      await expect(persistence.users.guildCount(huge)).resolves.toBe(0);
    });

    it('readiness is all that READY needs', async () => {
      await expect(persistence.users.readiness(ada)).resolves.toEqual({
        user: expect.objectContaining({ id: ada }),
        settings: { status: 'online' },
        guildIds: [workshop, lounge],
        guildPositions: [
          { guildId: lounge, position: 0 },
          { guildId: workshop, position: 1 },
        ],
        activities: [{ type: 0, content: 'Analytical Engine' }],
      });
      await expect(persistence.users.readiness(bot)).resolves.toMatchObject({
        user: { bot: true, flags: 0x7000 },
        settings: null,
        guildIds: [workshop, lounge],
        guildPositions: [],
        activities: [],
      });
    });
  });

  describe('guilds', () => {
    it('a snapshot has the guild, its roles, its channels with overwrites, and its members', async () => {
      const snapshot = await persistence.guilds.snapshot(workshop, 10);
      expect(snapshot?.guild).toEqual({
        id: workshop,
        name: 'Workshop',
        icon: null,
        ownerId: ada,
        permissions: expect.any(BigInt),
        flags: 0,
      });
      expect(snapshot?.roles.map(({ name }) => name)).toEqual(['@everyone', 'helpers', 'staff']);
      expect(snapshot?.roles[2]).toEqual({
        id: staff,
        name: 'staff',
        permissions: 1n << 13n,
        position: 2,
        color: 0xd9480f,
        hoist: true,
      });
      expect(snapshot?.channels.map(({ name }) => name)).toEqual([
        'Text',
        'general',
        'random',
        'staff-only',
        'Voice',
      ]);
      expect(snapshot?.channels.find(({ id }) => id === staffOnly)?.overwrites).toEqual([
        { targetId: workshop, targetType: 0, allow: 0n, deny: 1024n },
        { targetId: staff, targetType: 0, allow: 1024n, deny: 0n },
      ]);
      expect(snapshot?.memberCount).toBe(5);
      expect(snapshot?.members?.map(({ user }) => user.username)).toEqual([
        'ada',
        'grace',
        'linus',
        'mary',
        'demo-bot',
      ]);
      expect(snapshot?.members?.[1]).toEqual({
        user: expect.objectContaining({ id: grace }),
        nick: 'Admiral',
        joinedAt: '2024-01-02T00:00:00.000000+00:00',
        communicationDisabledUntil: null,
        roleIds: [staff],
      });
    });

    it('a guild with more members than asked for comes without them', async () => {
      await expect(persistence.guilds.snapshot(workshop, 4)).resolves.toMatchObject({
        memberCount: 5,
        members: null,
      });
    });

    it('a guild that does not or can not exist is null', async () => {
      await expect(persistence.guilds.snapshot(unknown, 10)).resolves.toBeNull();
      await expect(persistence.guilds.snapshot(huge, 10)).resolves.toBeNull();
    });

    it('a snapshot with members has, where it leaves members out, those who were asked for', async () => {
      const [one, other] = ['700000000000000001', '700000000000000150'];
      const found = await persistence.guilds.snapshotWith(crowd, 10, [other, unknown, huge, ada, one], later);
      expect(found.snapshot).toMatchObject({ guild: { id: crowd }, memberCount: 200, members: null });
      expect(found.members.map(({ user }) => user.id).sort()).toEqual([one, other]);
      await expect(persistence.guilds.snapshotWith(workshop, 4, [grace], later)).resolves.toMatchObject({
        members: [{ nick: 'Admiral', roleIds: [staff] }],
      });
      const { members, joined } = await persistence.guilds.snapshotWith(crowd, 10, [], later);
      expect([members, joined]).toEqual([[], []]);
    });

    it('a snapshot with members is the same snapshot, and has them all where there are few', async () => {
      const nobody = { members: [], joined: [] };
      await expect(persistence.guilds.snapshotWith(workshop, 10, [grace, unknown], 0)).resolves.toEqual({
        snapshot: await persistence.guilds.snapshot(workshop, 10),
        ...nobody,
      });
      for (const id of [unknown, huge]) {
        const found = await persistence.guilds.snapshotWith(id, 10, [grace], 0);
        expect(found).toEqual({ snapshot: null, ...nobody });
      }
    });

    it('a snapshot with members names who has joined since, the last ones first', async () => {
      const [one, other] = ['700000000000000011', '700000000000000012'];
      const join = 'UPDATE members SET joined_at = $3 WHERE guild_id = $1 AND user_id = $2';
      await sql(join, [crowd, one, '2090-01-01T00:00:00Z']);
      await sql(join, [crowd, other, '2090-01-01T00:00:01Z']);
      const since = async (time: string) =>
        (await persistence.guilds.snapshotWith(crowd, 10, [], Date.parse(time))).joined;
      expect(await since('2090-01-01T00:00:00Z')).toEqual([other, one]);
      expect(await since('2090-01-01T00:00:00.500Z')).toEqual([other]);
      for (const id of [one, other]) await sql(join, [crowd, id, '2024-01-01T00:00:00Z']);
    });

    it('a snapshot and its members are of one moment, whatever is written meanwhile', async () => {
      const writer = '700000000000000020';
      const write = (name: string, nick: string | null): Promise<void> =>
        persistence.dataSource.transaction(async (manager) => {
          await manager.query('UPDATE guilds SET name = $2 WHERE id = $1', [crowd, name]);
          await manager.query('UPDATE members SET nick = $3 WHERE guild_id = $1 AND user_id = $2', [
            crowd,
            writer,
            nick,
          ]);
        });
      await write('v0', 'v0');
      let writing = true;
      const writes = (async () => {
        for (let n = 1; n <= 40; n++) await write(`v${n}`, `v${n}`);
        writing = false;
      })();
      const moments = new Set<string>();
      while (writing) {
        const { snapshot, members } = await persistence.guilds.snapshotWith(crowd, 10, [writer], later);
        expect(members.map(({ nick }) => nick)).toEqual([snapshot?.guild.name]);
        moments.add(snapshot?.guild.name ?? '');
      }
      await writes;
      expect(moments.size).toBeGreaterThan(1);
      await write('Crowd', null);
    });

    it('members come in one batch, whoever is unknown is left out', async () => {
      const found = await persistence.guilds.members(workshop, [mary, unknown, huge, ada]);
      expect(found.map(({ user }) => user.id)).toEqual([ada, mary]);
    });

    it('a snapshot reads in one transaction that can neither write nor see what others write meanwhile', async () => {
      const isolation = await persistence.database.snapshot(
        async (query) => (await query<{ transaction_isolation: string }>('SHOW transaction_isolation'))[0],
      );
      expect(isolation?.transaction_isolation).toBe('repeatable read');
      const write = persistence.database.snapshot((query) => query(`UPDATE guilds SET name = 'changed'`));
      await expect(write).rejects.toThrow('read-only transaction');
    });
  });

  describe('members', () => {
    it('pages of any size cover every member once, in order', async () => {
      const all = (await persistence.members.page(crowd, { limit: 1000 })).map(({ user }) => user.id);
      expect(all).toHaveLength(200);
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 7, max: 220 }), async (limit) => {
          const seen: string[] = [];
          for (;;) {
            const page = await persistence.members.page(crowd, { afterUserId: seen.at(-1), limit });
            seen.push(...page.map(({ user }) => user.id));
            if (page.length < limit) break;
          }
          expect(seen).toEqual(all);
        }),
        { numRuns: 10 },
      );
    });

    it('search finds prefixes of usernames and nicks, whatever the case, by username', async () => {
      const names = async (query: string, limit = 100) =>
        (await persistence.members.search(crowd, query, limit)).map(
          ({ user, nick }) => nick ?? user.username,
        );
      await expect(names('zE')).resolves.toEqual([
        'zealous',
        ...Array.from({ length: 20 }, (_, at) => `Zed${(at + 1) * 10}`).sort(),
      ]);
      await expect(names('ze', 2)).resolves.toEqual(['zealous', 'Zed10']);
      await expect(names('ed')).resolves.toEqual([]);
      await expect(names('', 500)).resolves.toHaveLength(200);
    });

    it('search takes what LIKE and PostgreSQL find special literally', async () => {
      const found = await persistence.members.search(crowd, '100%_S', 10);
      expect(found.map(({ nick }) => nick)).toEqual(['100%_sure\\']);
      await expect(persistence.members.search(crowd, '%', 10)).resolves.toEqual([]);
      await expect(persistence.members.search(crowd, '_', 10)).resolves.toEqual([]);
      await expect(persistence.members.search(crowd, '100%_sure\\', 10)).resolves.toHaveLength(1);
      await expect(persistence.members.search(crowd, 'a\0b', 10)).resolves.toEqual([]);
      await expect(persistence.members.search(huge, 'a', 10)).resolves.toEqual([]);
    });

    it('search can use its indexes', async () => {
      const plans = await persistence.dataSource.transaction(async (manager) => {
        await manager.query('SET LOCAL enable_seqscan = off');
        const explain = async (condition: string) =>
          JSON.stringify(await manager.query(`EXPLAIN SELECT 1 FROM users u, members n WHERE ${condition}`));
        return [
          await explain(`n.guild_id = ${crowd} AND lower(n.nick) LIKE lower('Ze%') AND u.id = n.user_id`),
          await explain(`lower(u.username) LIKE lower('Ze%') AND n.user_id = u.id AND n.guild_id = ${crowd}`),
        ];
      });
      expect(plans[0]).toContain('members_guild_id_lower_nick');
      expect(plans[1]).toContain('users_lower_username');
    });

    it('they are counted', async () => {
      await expect(persistence.members.count(crowd)).resolves.toBe(200);
      await expect(persistence.members.count(unknown)).resolves.toBe(0);
      await expect(persistence.members.count(huge)).resolves.toBe(0);
    });

    it('a timeout is milliseconds since the epoch', async () => {
      await sql(`UPDATE members SET communication_disabled_until = $2 WHERE guild_id = $1 AND user_id = $3`, [
        lounge,
        '2030-01-01T00:00:00.5Z',
        grace,
      ]);
      const [member] = await persistence.members.byIds(lounge, [grace]);
      expect(member?.communicationDisabledUntil).toBe(Date.UTC(2030, 0, 1, 0, 0, 0, 500));
    });
  });

  it('many reads at once each get their own answer', async () => {
    const reads = Array.from({ length: 100 }, async (_, n) => {
      const id = String(700000000000000001n + BigInt(n));
      if (n % 3 === 0) return (await persistence.users.credentials(id))?.user.id === id;
      if (n % 3 === 1) return (await persistence.members.byIds(crowd, [id]))[0]?.user.id === id;
      return (await persistence.guilds.snapshot(crowd, 0))?.memberCount === 200;
    });
    expect(new Set(await Promise.all(reads))).toEqual(new Set([true]));
  });

  it('the migrations make the tables that the entities and the reference describe', async () => {
    const columns = await sql<{ name: string; type: string; nullable: string }>(
      `SELECT table_name || '.' || column_name AS name, data_type AS type, is_nullable AS nullable
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'gateway_migrations'`,
    );
    const described = entities.flatMap((entity) => {
      const { tableName, columns } = persistence.dataSource.getMetadata(entity);
      return columns.map((column) => ({
        name: `${tableName}.${column.databaseName}`,
        type: column.type,
        nullable: column.isNullable ? 'YES' : 'NO',
      }));
    });
    const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
    expect(columns.sort(byName)).toEqual(described.sort(byName));

    const indexes = await sql<{ tablename: string; indexname: string; indexdef: string }>(
      `SELECT tablename, indexname, indexdef FROM pg_indexes
        WHERE schemaname = 'public' AND tablename <> 'gateway_migrations'`,
    );
    const documented = Object.entries(reads).flatMap(([table, { indexes }]) =>
      indexes.map(({ name, on }) => `${table}.${name} ${on}`),
    );
    const existing = indexes.map(
      ({ tablename, indexname, indexdef }) =>
        `${tablename}.${indexname} ${indexdef.replace(/^.* USING btree /, '')}`,
    );
    expect(existing.sort()).toEqual(documented.sort());
  });

  it('rows that break the contract are logged once and left out, and the rest is served', async () => {
    await sql('ALTER TABLE members DROP CONSTRAINT members_user_id_fkey');
    await sql('ALTER TABLE guilds DROP CONSTRAINT guilds_owner_id_fkey');
    const broken = '220000000000000000';
    await sql(`INSERT INTO guilds (id, name, owner_id) VALUES ($1, 'Broken', 555)`, [broken]);
    await sql(`INSERT INTO roles (id, guild_id, name) VALUES (221, $1, 'own')`, [broken]);
    await sql(`INSERT INTO members (guild_id, user_id) VALUES ($1, $2), ($1, 666)`, [broken, ada]);
    await sql(`INSERT INTO member_roles (guild_id, user_id, role_id) VALUES ($1, $2, 221), ($1, $2, $3)`, [
      broken,
      ada,
      staff,
    ]);
    await sql(`INSERT INTO channels (id, guild_id, name, type, parent_id) VALUES (222, $1, 'c', 0, $2)`, [
      broken,
      staffOnly,
    ]);
    await sql(`INSERT INTO channel_overwrites (channel_id, target_id, target_type)
      VALUES (222, 221, 0), (222, ${broken}, 0), (222, 777, 0), (222, 888, 1)`);

    for (let time = 0; time < 2; time++) {
      const snapshot = await persistence.guilds.snapshot(broken, 10);
      expect(snapshot).toMatchObject({ guild: { ownerId: '555' }, memberCount: 1 });
      expect(snapshot?.members).toEqual([expect.objectContaining({ roleIds: ['221'] })]);
      expect(snapshot?.channels).toMatchObject([{ id: '222', parentId: null }]);
      expect(snapshot?.channels[0]?.overwrites.map(({ targetId }) => targetId)).toEqual([
        '221',
        '888',
        broken,
      ]);
    }
    const logged = persistence.lines.filter((line) => line['guildId'] === broken);
    expect(logged.map(({ msg }) => msg).sort()).toEqual([
      'a member has a role that is not of its guild: the role is left out',
      'a member is no user: left out',
      'an overwrite is for no role of its guild and no member: left out',
      'the owner of a guild is not one of its members: served without an owner',
      'the parent of a channel is not of its guild: served without a parent',
    ]);
  });
});
