import { type DataSource, In, type ObjectLiteral } from 'typeorm';
import {
  ActivityRow,
  ChannelOverwriteRow,
  ChannelRow,
  GuildPositionRow,
  GuildRow,
  MemberRoleRow,
  MemberRow,
  RoleRow,
  SettingsRow,
  UserRow,
} from '../entities';

/** A user that the demo data brings, with all that is needed to make a token for it. */
export interface DemoUser {
  readonly id: string;
  readonly username: string;
  readonly passwordHash: string;
  readonly bot: boolean;
}

/** Ids that are easy to tell apart: 1… users, 2… guilds (and their everybody roles), 3… roles, 4… channels. */
const ada = '100000000000000001';
const grace = '100000000000000002';
const linus = '100000000000000003';
const mary = '100000000000000004';
const bot = '100000000000000005';
const workshop = '200000000000000001';
const lounge = '200000000000000002';
const staff = '300000000000000001';
const helpers = '300000000000000002';
const regulars = '300000000000000003';
const workshopText = '400000000000000001';
const general = '400000000000000002';
const random = '400000000000000003';
const staffOnly = '400000000000000004';
const voice = '400000000000000005';
const lobby = '400000000000000006';
const music = '400000000000000007';

/** https://docs.discord.com/developers/topics/permissions */
const VIEW_CHANNEL = 1n << 10n;
const MANAGE_MESSAGES = 1n << 13n;
/** View, send, embed, attach, read history, connect, speak. */
const everyday = (
  VIEW_CHANNEL |
  (1n << 11n) |
  (1n << 14n) |
  (1n << 15n) |
  (1n << 16n) |
  (1n << 20n) |
  (1n << 21n)
).toString();
/** Bits of users.flags that grant a bot the privileged intents. */
const privilegedIntents = ((1n << 12n) | (1n << 13n) | (1n << 14n)).toString();

const users = [
  { id: ada, username: 'ada', discriminator: '0001', email: 'ada@example.com' },
  { id: grace, username: 'grace', discriminator: '0002', email: 'grace@example.com' },
  { id: linus, username: 'linus', discriminator: '0003', email: 'linus@example.com' },
  { id: mary, username: 'mary', discriminator: '0004', email: 'mary@example.com' },
  { id: bot, username: 'demo-bot', discriminator: '0005', bot: true, flags: privilegedIntents },
].map((user) => ({ ...user, password: `demo-password-hash-of-${user.username}` }));

/** Everybody is in the workshop; mary is not in the lounge. */
const members = [ada, grace, linus, mary, bot]
  .map((userId) => ({ guildId: workshop, userId }))
  .concat([ada, grace, linus, bot].map((userId) => ({ guildId: lounge, userId })))
  .map((member, at) => ({ ...member, joinedAt: new Date(Date.UTC(2024, 0, 1 + at)) }));

/** Rows in an order that keeps every reference. */
const rows = [
  [UserRow, users],
  [
    SettingsRow,
    [
      { userId: ada, status: 'online' },
      { userId: grace, status: 'idle' },
    ],
  ],
  [
    ActivityRow,
    [{ userId: ada, type: 0, content: 'Analytical Engine', createdAt: new Date(Date.UTC(2024, 0, 1)) }],
  ],
  [
    GuildRow,
    [
      { id: workshop, name: 'Workshop', ownerId: ada, permissions: everyday },
      { id: lounge, name: 'Lounge', ownerId: grace, permissions: everyday },
    ],
  ],
  [
    GuildPositionRow,
    [
      { userId: ada, guildId: lounge, position: 0 },
      { userId: ada, guildId: workshop, position: 1 },
    ],
  ],
  [
    RoleRow,
    [
      { id: workshop, guildId: workshop, name: '@everyone', permissions: everyday },
      {
        id: staff,
        guildId: workshop,
        name: 'staff',
        permissions: MANAGE_MESSAGES.toString(),
        position: 2,
        color: 0xd9480f,
        hoist: true,
      },
      { id: helpers, guildId: workshop, name: 'helpers', position: 1, color: 0x1971c2 },
      { id: lounge, guildId: lounge, name: '@everyone', permissions: everyday },
      { id: regulars, guildId: lounge, name: 'regulars', position: 1, color: 0x2f9e44, hoist: true },
    ],
  ],
  [MemberRow, members.map((member) => ({ ...member, nick: member.userId === grace ? 'Admiral' : null }))],
  [
    MemberRoleRow,
    [
      { guildId: workshop, userId: ada, roleId: staff },
      { guildId: workshop, userId: grace, roleId: staff },
      { guildId: workshop, userId: linus, roleId: helpers },
      { guildId: lounge, userId: grace, roleId: regulars },
    ],
  ],
  [
    ChannelRow,
    [
      { id: workshopText, guildId: workshop, name: 'Text', type: 4, position: 0 },
      {
        id: general,
        guildId: workshop,
        name: 'general',
        type: 0,
        position: 1,
        topic: 'Anything',
        parentId: workshopText,
      },
      { id: random, guildId: workshop, name: 'random', type: 0, position: 2, parentId: workshopText },
      { id: staffOnly, guildId: workshop, name: 'staff-only', type: 0, position: 3, parentId: workshopText },
      { id: voice, guildId: workshop, name: 'Voice', type: 2, position: 4 },
      { id: lobby, guildId: lounge, name: 'lobby', type: 0, position: 0 },
      { id: music, guildId: lounge, name: 'music', type: 0, position: 1 },
    ],
  ],
  [
    ChannelOverwriteRow,
    // Only staff (ada and grace) see the private channel: linus, mary and the bot do not.
    [
      { channelId: staffOnly, targetId: workshop, targetType: 0, deny: VIEW_CHANNEL.toString() },
      { channelId: staffOnly, targetId: staff, targetType: 0, allow: VIEW_CHANNEL.toString() },
    ],
  ],
] as const;

/** Creates the tables that are missing, and the demo data where there are no users yet; closes the data source. */
export async function prepareDemo(dataSource: DataSource): Promise<DemoUser[]> {
  try {
    await dataSource.runMigrations();
    await seed(dataSource);
    return await readDemoUsers(dataSource);
  } finally {
    await dataSource.destroy();
  }
}

async function seed(dataSource: DataSource): Promise<void> {
  await dataSource.transaction(async (manager) => {
    if (await manager.exists(UserRow)) return;
    for (const [entity, values] of rows) await manager.insert<ObjectLiteral>(entity, [...values]);
  });
}

/** The demo users as they are now: somebody may have changed a hash, suspended or removed them. */
async function readDemoUsers(dataSource: DataSource): Promise<DemoUser[]> {
  const found = await dataSource.manager.find(UserRow, {
    where: { id: In(users.map((user) => user.id)), suspended: false },
    order: { id: 'ASC' },
  });
  return found.map((user) => ({
    id: user.id,
    username: user.username,
    passwordHash: user.password,
    bot: user.bot,
  }));
}
