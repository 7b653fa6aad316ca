import { loadConfig } from '@derailed/platform/config';
import { migrate, persistenceSettings } from '@derailed/platform/persistence';
import { Client } from 'pg';
import type { World } from '../plan/world';

export interface WorldUser {
  readonly id: string;
  readonly username: string;
  readonly passwordHash: string;
}

const viewChannel = 1n << 10n;
const sendMessages = 1n << 11n;
const typeOfMember = 1;
const typeOfRole = 0;

const nameOf = (id: string): string => `user-${id}`;
const hashOf = (id: string): string => `hash-of-${id}`;

/** Puts the world into an empty database. @returns the users that have clients, in their order */
export async function storeWorld(databaseUrl: string, world: World): Promise<readonly WorldUser[]> {
  await migrate(loadConfig({ database: persistenceSettings }, { DATABASE_URL: databaseUrl }).database);
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await insert(client, world);
  } finally {
    await client.end();
  }
  return world.users.map((id) => ({ id, username: nameOf(id), passwordHash: hashOf(id) }));
}

async function insert(client: Client, { users, owner, guilds }: World): Promise<void> {
  const everybody = [...users, owner];
  await client.query(
    `INSERT INTO users (id, username, password)
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[])`,
    [everybody, everybody.map(nameOf), everybody.map(hashOf)],
  );
  const ids = guilds.map(({ id }) => id);
  const permissions = viewChannel | sendMessages;
  await client.query(
    `INSERT INTO guilds (id, name, owner_id, permissions)
     SELECT id, 'guild-' || id, $2, $3 FROM unnest($1::bigint[]) AS id`,
    [ids, owner, permissions],
  );
  await client.query(
    `INSERT INTO roles (id, guild_id, name, permissions) SELECT id, id, '@everyone', $2 FROM unnest($1::bigint[]) AS id`,
    [ids, permissions],
  );
  await client.query(
    `INSERT INTO channels (id, guild_id, name, type)
     SELECT id, guild, name, 0 FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS c (id, guild, name)`,
    [
      guilds.flatMap(({ openChannel, closedChannel }) => [openChannel, closedChannel]),
      guilds.flatMap(({ id }) => [id, id]),
      guilds.flatMap(() => ['open', 'closed']),
    ],
  );
  const members = guilds.flatMap(({ id, members: numbers }) =>
    [...numbers.map((number) => users[number] as string), owner].map((user) => [id, user] as const),
  );
  await client.query(
    `INSERT INTO members (guild_id, user_id) SELECT * FROM unnest($1::bigint[], $2::bigint[])`,
    [members.map(([guild]) => guild), members.map(([, user]) => user)],
  );
  const overwrites = guilds.flatMap(({ id, closedChannel, initiates }) => [
    { channel: closedChannel, target: id, type: typeOfRole, allow: 0n, deny: viewChannel },
    ...[...initiates].map((number) => ({
      channel: closedChannel,
      target: users[number] as string,
      type: typeOfMember,
      allow: viewChannel,
      deny: 0n,
    })),
  ]);
  await client.query(
    `INSERT INTO channel_overwrites (channel_id, target_id, target_type, allow, deny)
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::bigint[], $5::bigint[])`,
    [
      overwrites.map(({ channel }) => channel),
      overwrites.map(({ target }) => target),
      overwrites.map(({ type }) => type),
      overwrites.map(({ allow }) => allow),
      overwrites.map(({ deny }) => deny),
    ],
  );
  await client.query('ANALYZE');
}
