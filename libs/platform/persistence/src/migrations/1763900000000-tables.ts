import type { MigrationInterface, QueryRunner } from 'typeorm';

const tables = [
  `CREATE TABLE users (
    id bigint PRIMARY KEY,
    username text NOT NULL,
    discriminator text NOT NULL DEFAULT '0',
    avatar text,
    email text,
    password text NOT NULL,
    flags bigint NOT NULL DEFAULT 0,
    bot boolean NOT NULL DEFAULT false,
    system boolean NOT NULL DEFAULT false,
    suspended boolean NOT NULL DEFAULT false
  )`,
  `CREATE INDEX users_lower_username ON users (lower(username) text_pattern_ops)`,
  `CREATE TABLE settings (
    user_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    status text NOT NULL DEFAULT 'online'
  )`,
  `CREATE TABLE activities (
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    type integer NOT NULL,
    content text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, type, created_at)
  )`,
  `CREATE TABLE guilds (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    icon text,
    owner_id bigint NOT NULL REFERENCES users,
    permissions bigint NOT NULL DEFAULT 0,
    flags bigint NOT NULL DEFAULT 0
  )`,
  `CREATE TABLE guild_positions (
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    guild_id bigint NOT NULL REFERENCES guilds ON DELETE CASCADE,
    position integer NOT NULL,
    PRIMARY KEY (user_id, guild_id)
  )`,
  `CREATE TABLE roles (
    id bigint PRIMARY KEY,
    guild_id bigint NOT NULL REFERENCES guilds ON DELETE CASCADE,
    name text NOT NULL,
    permissions bigint NOT NULL DEFAULT 0,
    position integer NOT NULL DEFAULT 0,
    color integer NOT NULL DEFAULT 0,
    hoist boolean NOT NULL DEFAULT false
  )`,
  `CREATE INDEX roles_guild_id ON roles (guild_id)`,
  `CREATE TABLE members (
    guild_id bigint NOT NULL REFERENCES guilds ON DELETE CASCADE,
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    nick text,
    joined_at timestamptz NOT NULL DEFAULT now(),
    communication_disabled_until timestamptz,
    PRIMARY KEY (guild_id, user_id)
  )`,
  `CREATE INDEX members_user_id ON members (user_id)`,
  `CREATE INDEX members_guild_id_lower_nick ON members (guild_id, lower(nick) text_pattern_ops)`,
  `CREATE TABLE member_roles (
    guild_id bigint NOT NULL,
    user_id bigint NOT NULL,
    role_id bigint NOT NULL REFERENCES roles ON DELETE CASCADE,
    PRIMARY KEY (guild_id, user_id, role_id),
    FOREIGN KEY (guild_id, user_id) REFERENCES members ON DELETE CASCADE
  )`,
  `CREATE INDEX member_roles_role_id ON member_roles (role_id)`,
  `CREATE TABLE channels (
    id bigint PRIMARY KEY,
    guild_id bigint NOT NULL REFERENCES guilds ON DELETE CASCADE,
    name text NOT NULL,
    type integer NOT NULL,
    position integer NOT NULL DEFAULT 0,
    topic text,
    parent_id bigint REFERENCES channels ON DELETE SET NULL,
    last_message_id bigint
  )`,
  `CREATE INDEX channels_guild_id ON channels (guild_id)`,
  `CREATE TABLE channel_overwrites (
    channel_id bigint NOT NULL REFERENCES channels ON DELETE CASCADE,
    target_id bigint NOT NULL,
    target_type integer NOT NULL CHECK (target_type IN (0, 1)),
    allow bigint NOT NULL DEFAULT 0,
    deny bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (channel_id, target_id)
  )`,
];

const names = [
  'channel_overwrites',
  'channels',
  'member_roles',
  'members',
  'roles',
  'guild_positions',
  'guilds',
  'activities',
  'settings',
  'users',
];

/** Every table that the gateway reads. A migration that has shipped is never edited: add another. */
export class Tables1763900000000 implements MigrationInterface {
  readonly name = 'Tables1763900000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of tables) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const name of names) await runner.query(`DROP TABLE ${name}`);
  }
}
