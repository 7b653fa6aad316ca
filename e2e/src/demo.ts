/** What the demo data has (libs/platform/persistence) that the tests lean on. */
export const demo = {
  bot: 'demo-bot',
  guilds: ['200000000000000001', '200000000000000002'],
  guild: '200000000000000001',
  channel: '400000000000000002',
  privateChannel: '400000000000000004',
  /** Sees the private channel by a role. */
  insider: 'grace',
  insiderId: '100000000000000002',
  /** Does not. */
  outsider: 'linus',
  outsiderId: '100000000000000003',
  /** Comes online in one test only. */
  newcomer: 'ada',
  newcomerId: '100000000000000001',
  /** Is in one guild only. */
  loner: 'mary',
  lonerId: '100000000000000004',
} as const;
