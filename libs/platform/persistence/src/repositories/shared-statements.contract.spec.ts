import {
  type RunningDatabase,
  type RunningPersistence,
  databases,
  startPersistence,
} from '../persistence.fixture';

const ada = '100000000000000001';
const grace = '100000000000000002';
const mary = '100000000000000004';
const bot = '100000000000000005';
const workshop = '200000000000000001';
const lounge = '200000000000000002';
const crowd = '210000000000000000';
const unknown = '999';
/** A snowflake that PostgreSQL's bigint can't hold. */
const huge = '18446744073709551615';

describe.each(Object.keys(databases) as (keyof typeof databases)[])(
  'reads that share statements on %s',
  (kind) => {
    let server: RunningDatabase;
    let persistence: RunningPersistence;

    beforeAll(async () => {
      server = await databases[kind]();
      persistence = await startPersistence(server.url);
      const { dataSource } = persistence;
      await dataSource.query(`INSERT INTO guilds (id, name, owner_id) VALUES ($1, 'Crowd', $2)`, [
        crowd,
        ada,
      ]);
      await dataSource.query(
        `INSERT INTO users (id, username, password) SELECT 700000000000000000 + n, 'user' || n, 'x' FROM generate_series(1, 200) n`,
      );
      await dataSource.query(
        'INSERT INTO members (guild_id, user_id) SELECT $1, 700000000000000000 + n FROM generate_series(1, 200) n',
        [crowd],
      );
    }, 60_000);

    afterAll(async () => {
      await persistence.stop();
      await server.stop();
    });

    it('many users who are asked for at once each get their own, also twice', async () => {
      const ids = [ada, unknown, grace, bot, mary, huge, ada, ...Array<string>(20).fill(grace)];
      const before = await persistence.statements();
      const credentials = await Promise.all(ids.map((id) => persistence.users.credentials(id)));
      const readiness = await Promise.all(ids.map((id) => persistence.users.readiness(id)));
      const found = ids.map((id) => (id === unknown || id === huge ? undefined : id));
      expect(credentials.map((one) => one?.user.id)).toEqual(found);
      expect(readiness.map((one) => one?.user.id)).toEqual(found);
      expect((await persistence.statements()) - before).toBe(4);
    });

    it('snapshots of many guilds are what each would be alone, in as many statements as one takes', async () => {
      const ids = [lounge, unknown, workshop, crowd, huge];
      const alone = [];
      for (const id of ids) alone.push(await persistence.guilds.snapshot(id, 100));
      const before = await persistence.statements();
      const together = await persistence.guilds.snapshots(ids, 100);
      expect((await persistence.statements()) - before).toBe(6);
      expect(ids.map((id) => together.get(id) ?? null)).toEqual(alone);
      expect(together.get(crowd)).toMatchObject({ memberCount: 200, members: null });
      expect(together.get(workshop)?.members?.length).toBeGreaterThan(0);
    });
  },
);
