import { loadConfig } from '@derailed/platform/config';
import { migrate, persistenceSettings } from '@derailed/platform/persistence';
import { Client } from 'pg';

/** A guild with one channel that everybody in it sees. */
export interface SeededGuild {
  readonly id: string;
  readonly channelId: string;
}

/** Users with consecutive ids, and the guilds that all of them are in. */
export interface Population {
  readonly users: readonly { readonly id: string; readonly passwordHash: string }[];
  readonly guilds: readonly SeededGuild[];
}

const firstUser = 100_000_000_000_000_000n;
const firstGuild = 200_000_000_000_000_000n;
const firstChannel = 400_000_000_000_000_000n;
/** VIEW_CHANNEL and SEND_MESSAGES. */
const permissions = (1n << 10n) | (1n << 11n);

const passwordHash = (userId: string): string => `hash-of-${userId}`;

/** Fills an empty database: each population is `users` people who are together in `guilds` guilds. */
export async function seed(
  databaseUrl: string,
  plan: readonly { readonly users: number; readonly guilds: number }[],
): Promise<Population[]> {
  await migrate(loadConfig({ database: persistenceSettings }, { DATABASE_URL: databaseUrl }).database);
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  let user = firstUser;
  let guild = 0n;
  const populations: Population[] = [];
  for (const { users: count, guilds: times } of plan) {
    const users = Array.from({ length: count }, (_, at) => String(user + BigInt(at)));
    const guilds = Array.from({ length: times }, (_, at) => ({
      id: String(firstGuild + guild + BigInt(at)),
      channelId: String(firstChannel + guild + BigInt(at)),
    }));
    await insertUsers(client, users);
    for (const { id, channelId } of guilds) await insertGuild(client, id, channelId, users);
    populations.push({ users: users.map((id) => ({ id, passwordHash: passwordHash(id) })), guilds });
    user += BigInt(count);
    guild += BigInt(times);
  }
  await client.query('ANALYZE');
  await client.end();
  return populations;
}

async function insertUsers(client: Client, ids: readonly string[]): Promise<void> {
  await client.query(
    `INSERT INTO users (id, username, password) SELECT id, 'user-' || id, 'hash-of-' || id FROM unnest($1::bigint[]) AS id`,
    [ids],
  );
}

async function insertGuild(
  client: Client,
  id: string,
  channelId: string,
  members: readonly string[],
): Promise<void> {
  const [name, owner] = [`guild-${id}`, members[0]];
  await client.query('INSERT INTO guilds (id, name, owner_id, permissions) VALUES ($1, $2, $3, $4)', [
    id,
    name,
    owner,
    permissions,
  ]);
  await client.query(`INSERT INTO roles (id, guild_id, name, permissions) VALUES ($1, $1, '@everyone', $2)`, [
    id,
    permissions,
  ]);
  await client.query(`INSERT INTO channels (id, guild_id, name, type) VALUES ($1, $2, 'general', 0)`, [
    channelId,
    id,
  ]);
  await client.query('INSERT INTO members (guild_id, user_id) SELECT $1, unnest($2::bigint[])', [
    id,
    members,
  ]);
}
