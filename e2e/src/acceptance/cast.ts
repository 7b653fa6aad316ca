/** Who plays in the acceptance suite, beside the demo data. Ids: 11… users, 21… and the two of the shards guilds. */

/** Of guilds the shard is `(id >> 22) % count`: these two differ by one there. */
const northId = String((500n << 22n) + 1n);
const southId = String((501n << 22n) + 1n);

const VIEW = 1n << 10n;
const MANAGE_CHANNELS = 1n << 4n;
const CONNECT = 1n << 20n;
const everyday = VIEW | (1n << 11n) | (1n << 16n);

/** A guild with every kind of channel and of member; ann owns it. */
export const hall = {
  id: '210000000000000001',
  roles: {
    mod: '310000000000000001',
    red: '310000000000000002',
    blue: '310000000000000003',
    admin: '310000000000000004',
  },
  channels: {
    open: '410000000000000001',
    mods: '410000000000000002',
    /** Red may look, blue may not. */
    colors: '410000000000000003',
    /** Denied to red, allowed to ben himself. */
    bens: '410000000000000004',
    /** Public thread in open, public thread in mods, private thread in open. */
    thread: '410000000000000005',
    modThread: '410000000000000006',
    privateThread: '410000000000000007',
  },
} as const;

/** 2,500 members: three chunks, and large. */
export const crowd = { id: '210000000000000002', channel: '410000000000000021', members: 2500 } as const;
/** 60 members, of which one has a role and one a nick: large for the smallest large_threshold only. */
export const club = { id: '210000000000000003', role: '310000000000000031', members: 60 } as const;
export const north = { id: northId, channel: '410000000000000041' } as const;
export const south = { id: southId, channel: '410000000000000051' } as const;
/** For a test that keeps the gateway from reading it. Nobody else may be subscribed. */
export const vault = { id: '210000000000000009', channel: '410000000000000091' } as const;
/** 300 members: more than a guild-node holds as a whole, fewer than a large guild has. Tom and uma alone ever connect. */
export const throng = {
  id: '210000000000000010',
  voice: '410000000000000101',
  members: 300,
  /** Of those who never connect. */
  extra: '120000000000000003',
} as const;
/** Nobody is in it at first. */
export const spare = { id: '210000000000000006', channel: '410000000000000061' } as const;

/** What the rules of permissions leave alone: categories, voice, timeouts, overwrites of nobody. Eve owns it. */
export const annex = {
  id: '210000000000000007',
  /** Each with one permission. */
  roles: { log: '310000000000000071', ban: '310000000000000072', rule: '310000000000000073' },
  channels: {
    /** Hidden from all but eve. */
    secret: '410000000000000071',
    /** A category that is hidden too, and a channel in it that is not. */
    category: '410000000000000072',
    child: '410000000000000073',
    /** Hidden from a role and a member that do not exist. */
    strange: '410000000000000074',
    /** Nobody may connect. */
    voice: '410000000000000075',
    /** Gus and fay may manage it; fay is in a timeout. */
    managed: '410000000000000076',
    /** For voice, hidden from all but eve. */
    lounge: '410000000000000077',
  },
} as const;

const granted = (1n << 12n) | (1n << 13n) | (1n << 14n);
/** Of bots that were not granted all. */
const flagsOf: Readonly<Record<string, bigint>> = {
  plain: 0n,
  seer: 1n << 12n,
  counter: 1n << 13n,
  reader: 1n << 14n,
};

/** People and bots by name. Bots wait between two identifies, so each test that identifies one has its own. */
export const cast = {
  ann: { id: '110000000000000001', bot: false },
  ben: { id: '110000000000000002', bot: false },
  cat: { id: '110000000000000003', bot: false },
  dan: { id: '110000000000000004', bot: false },
  /** In the hall, with ADMINISTRATOR. */
  ada2: { id: '110000000000000005', bot: false },
  /** In no guild. */
  zoe: { id: '110000000000000006', bot: false },
  /** In the vault alone. */
  val: { id: '110000000000000051', bot: false },
  /** For what goes on beside the other tests. */
  sam: { id: '110000000000000007', bot: false },
  /** In the annex. */
  eve: { id: '110000000000000008', bot: false },
  fay: { id: '110000000000000009', bot: false },
  gus: { id: '110000000000000010', bot: false },
  /** In the annex, each with the role of that name. */
  log: { id: '110000000000000061', bot: false },
  ban: { id: '110000000000000062', bot: false },
  rule: { id: '110000000000000063', bot: false },
  /** In the throng. */
  tom: { id: '110000000000000064', bot: false },
  uma: { id: '110000000000000065', bot: false },
  /** In no guild; each was granted one privileged intent. */
  seer: { id: '110000000000000066', bot: true },
  counter: { id: '110000000000000067', bot: true },
  reader: { id: '110000000000000068', bot: true },
  plain: { id: '110000000000000011', bot: true },
  able: { id: '110000000000000012', bot: true },
  huge: { id: '110000000000000013', bot: true },
  daily: { id: '110000000000000014', bot: true },
  paced: { id: '110000000000000015', bot: true },
  shards: { id: '110000000000000016', bot: true },
  shown: { id: '110000000000000017', bot: true },
  'discordjs-ws': { id: '110000000000000021', bot: true },
  'discord-js': { id: '110000000000000022', bot: true },
  eris: { id: '110000000000000023', bot: true },
  oceanic: { id: '110000000000000024', bot: true },
  discordeno: { id: '110000000000000025', bot: true },
  'discordjs-zlib': { id: '110000000000000031', bot: true },
  'discordjs-payload': { id: '110000000000000032', bot: true },
  'discordeno-zlib': { id: '110000000000000033', bot: true },
  'discordeno-payload': { id: '110000000000000034', bot: true },
  'eris-zlib': { id: '110000000000000035', bot: true },
  'eris-etf': { id: '110000000000000036', bot: true },
  'eris-etf-zlib': { id: '110000000000000037', bot: true },
  'oceanic-zlib': { id: '110000000000000038', bot: true },
  'oceanic-etf': { id: '110000000000000039', bot: true },
  'oceanic-zstd': { id: '110000000000000041', bot: true },
  'oceanic-zstd-24': { id: '110000000000000042', bot: true },
  'oceanic-etf-zstd': { id: '110000000000000043', bot: true },
  'discord-py-zlib': { id: '110000000000000044', bot: true },
  'discord-py-zstd': { id: '110000000000000045', bot: true },
  'hikari-zlib': { id: '110000000000000046', bot: true },
  'hikari-zstd': { id: '110000000000000047', bot: true },
} as const;
export type Player = keyof typeof cast;

/** Client libraries, each with a bot of its own; with what it speaks where that is not JSON as it is. */
const libraries = (Object.keys(cast) as Player[]).filter((name) =>
  /^(discord|eris|oceanic|hikari)/.test(name),
);

const values = (rows: readonly (readonly (string | number | bigint | boolean | null)[])[]): string =>
  rows
    .map(
      (row) => `(${row.map((value) => (typeof value === 'string' ? `'${value}'` : String(value))).join()})`,
    )
    .join();

/** Everybody in the hall with their roles. */
const inHall: readonly (readonly [Player, readonly (keyof typeof hall.roles)[]])[] = [
  ['ann', []],
  ['ben', ['red']],
  ['cat', ['red', 'blue']],
  ['dan', ['mod']],
  ['ada2', ['admin']],
  ['plain', []],
  ['able', []],
  ['shown', []],
  ...libraries.map((name): [Player, []] => [name, []]),
];

const memberships: readonly (readonly [guild: string, player: Player])[] = [
  ...inHall.map(([player]) => [hall.id, player] as const),
  [crowd.id, 'ben'],
  [crowd.id, 'cat'],
  [club.id, 'ann'],
  [club.id, 'ben'],
  [north.id, 'shards'],
  [south.id, 'shards'],
  [spare.id, 'dan'],
  [annex.id, 'eve'],
  [annex.id, 'fay'],
  [annex.id, 'gus'],
  [annex.id, 'log'],
  [annex.id, 'ban'],
  [annex.id, 'rule'],
  [throng.id, 'tom'],
  [throng.id, 'uma'],
  [vault.id, 'val'],
  ...libraries.map((name) => [north.id, name] as const),
];

const guilds: readonly (readonly [id: string, name: string, owner: Player, channel: string | null])[] = [
  [hall.id, 'Hall', 'ann', null],
  [crowd.id, 'Crowd', 'ben', crowd.channel],
  [club.id, 'Club', 'ann', null],
  [north.id, 'North', 'shards', north.channel],
  [south.id, 'South', 'shards', south.channel],
  [spare.id, 'Spare', 'dan', spare.channel],
  [annex.id, 'Annex', 'eve', null],
  [vault.id, 'Vault', 'val', vault.channel],
  [throng.id, 'Throng', 'tom', null],
];

/** Everything of the cast, as one script for PostgreSQL. Run before anybody connects. */
export function castSql(): string {
  const c = hall.channels;
  const r = hall.roles;
  const a = annex.channels;
  const players = Object.entries(cast).map(([name, { id, bot }]) => [
    id,
    name,
    '0',
    `hash-of-${name}`,
    bot ? (flagsOf[name] ?? granted) : 0n,
    bot,
  ]);
  // Ids from 12… on: members that never connect.
  const extras = (guild: string, from: string, count: number): string => `
    insert into users (id, username, discriminator, password, flags, bot, system, suspended)
      select ${from} + n, 'extra-' || n, '0', 'none', 0, false, false, false from generate_series(1, ${count}) n
      on conflict do nothing;
    insert into members (guild_id, user_id, joined_at)
      select ${guild}, ${from} + n, now() from generate_series(1, ${count}) n;`;
  return `
    begin;
    insert into users (id, username, discriminator, password, flags, bot, system, suspended)
      values ${values(players.map((row) => [...row, false, false]))};
    insert into settings (user_id, status) values (${cast.dan.id}, 'dnd');
    insert into guilds (id, name, owner_id, permissions, flags)
      values ${values(guilds.map(([id, name, owner]) => [id, name, cast[owner].id, everyday, 0]))};
    insert into roles (id, guild_id, name, permissions, position, color, hoist)
      values ${values([
        ...guilds.map(([id]) => [id, id, '@everyone', everyday, 0, 0, false]),
        [r.mod, hall.id, 'mod', (1n << 7n) | (1n << 2n) | (1n << 5n) | (1n << 34n), 4, 255, true],
        [r.red, hall.id, 'red', 0n, 3, 0, false],
        [r.blue, hall.id, 'blue', 0n, 2, 0, false],
        [r.admin, hall.id, 'admin', 1n << 3n, 1, 0, false],
        [club.role, club.id, 'regular', 0n, 1, 0, false],
        [annex.roles.log, annex.id, 'log', 1n << 7n, 1, 0, false],
        [annex.roles.ban, annex.id, 'ban', 1n << 2n, 2, 0, false],
        [annex.roles.rule, annex.id, 'rule', 1n << 5n, 3, 0, false],
      ])};
    insert into members (guild_id, user_id, nick, joined_at)
      values ${values(memberships.map(([guild, player]) => [guild, cast[player].id, null, '2024-05-01T00:00:00Z']))};
    insert into member_roles (guild_id, user_id, role_id)
      values ${values(inHall.flatMap(([player, roles]) => roles.map((role) => [hall.id, cast[player].id, r[role]])))};
    insert into channels (id, guild_id, name, type, position, parent_id)
      values ${values([
        [c.open, hall.id, 'open', 0, 0, null],
        [c.mods, hall.id, 'mods', 0, 1, null],
        [c.colors, hall.id, 'colors', 0, 2, null],
        [c.bens, hall.id, 'bens', 0, 3, null],
        [c.thread, hall.id, 'thread', 11, 0, c.open],
        [c.modThread, hall.id, 'mod-thread', 11, 0, c.mods],
        [c.privateThread, hall.id, 'private-thread', 12, 0, c.open],
        [a.secret, annex.id, 'secret', 0, 0, null],
        [a.category, annex.id, 'category', 4, 1, null],
        [a.child, annex.id, 'child', 0, 2, a.category],
        [a.strange, annex.id, 'strange', 0, 3, null],
        [a.voice, annex.id, 'voice', 2, 4, null],
        [a.managed, annex.id, 'managed', 0, 5, null],
        [a.lounge, annex.id, 'lounge', 2, 6, null],
        [throng.voice, throng.id, 'voice', 2, 0, null],
        ...guilds.flatMap(([id, name, , channel]) =>
          channel === null ? [] : [[channel, id, name, 0, 0, null]],
        ),
      ])};
    insert into channel_overwrites (channel_id, target_id, target_type, allow, deny)
      values ${values([
        [c.mods, hall.id, 0, 0n, VIEW],
        [c.mods, r.mod, 0, VIEW, 0n],
        [c.colors, hall.id, 0, 0n, VIEW],
        [c.colors, r.red, 0, VIEW, 0n],
        [c.colors, r.blue, 0, 0n, VIEW],
        [c.bens, r.red, 0, 0n, VIEW],
        [c.bens, cast.ben.id, 1, VIEW, 0n],
        [a.secret, annex.id, 0, 0n, VIEW],
        [a.category, annex.id, 0, 0n, VIEW],
        [a.lounge, annex.id, 0, 0n, VIEW],
        [a.strange, '999', 0, 0n, VIEW],
        [a.strange, '998', 1, 0n, VIEW],
        [a.voice, annex.id, 0, 0n, CONNECT],
        [a.managed, cast.gus.id, 1, MANAGE_CHANNELS, 0n],
        [a.managed, cast.fay.id, 1, MANAGE_CHANNELS, 0n],
      ])};
    ${extras(crowd.id, '120000000000000000', crowd.members - 2)}
    ${extras(club.id, '120000000000000000', club.members - 2)}
    ${extras(throng.id, '120000000000000000', throng.members - 2)}
    insert into member_roles (guild_id, user_id, role_id)
      values (${club.id}, 120000000000000001, ${club.role}), (${annex.id}, ${cast.log.id}, ${annex.roles.log}),
        (${annex.id}, ${cast.ban.id}, ${annex.roles.ban}), (${annex.id}, ${cast.rule.id}, ${annex.roles.rule});
    update members set nick = 'Nicked' where guild_id in (${club.id}, ${throng.id}) and user_id = 120000000000000002;
    update members set communication_disabled_until = now() + interval '1 hour'
      where guild_id = ${annex.id} and user_id = ${cast.fay.id};
    insert into guilds (id, name, owner_id, permissions, flags)
      select 220000000000000000 + n, 'g', ${cast.huge.id}, 0, 0 from generate_series(1, 2501) n;
    insert into members (guild_id, user_id, joined_at)
      select 220000000000000000 + n, ${cast.huge.id}, now() from generate_series(1, 2501) n;
    commit;`;
}

export const passwordOf = (player: Player): string => `hash-of-${player}`;
