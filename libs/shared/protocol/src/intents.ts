/**
 * Which intent lets an event through.
 * @see https://docs.discord.com/developers/events/gateway#list-of-intents
 */
export const Intent = {
  GUILDS: 1 << 0,
  GUILD_MEMBERS: 1 << 1,
  GUILD_MODERATION: 1 << 2,
  GUILD_EXPRESSIONS: 1 << 3,
  GUILD_INTEGRATIONS: 1 << 4,
  GUILD_WEBHOOKS: 1 << 5,
  GUILD_INVITES: 1 << 6,
  GUILD_VOICE_STATES: 1 << 7,
  GUILD_PRESENCES: 1 << 8,
  GUILD_MESSAGES: 1 << 9,
  GUILD_MESSAGE_REACTIONS: 1 << 10,
  GUILD_MESSAGE_TYPING: 1 << 11,
  DIRECT_MESSAGES: 1 << 12,
  DIRECT_MESSAGE_REACTIONS: 1 << 13,
  DIRECT_MESSAGE_TYPING: 1 << 14,
  MESSAGE_CONTENT: 1 << 15,
  GUILD_SCHEDULED_EVENTS: 1 << 16,
  AUTO_MODERATION_CONFIGURATION: 1 << 20,
  AUTO_MODERATION_EXECUTION: 1 << 21,
  GUILD_MESSAGE_POLLS: 1 << 24,
  DIRECT_MESSAGE_POLLS: 1 << 25,
} as const;

/** Every bit that has a meaning. */
export const VALID_INTENTS = 53_608_447;

/** Bits that a bot may use only when its user's flags grant them. */
export const PRIVILEGED_INTENTS = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT;

const grants: ReadonlyMap<number, number> = new Map([
  [Intent.GUILD_PRESENCES, 1 << 12],
  [Intent.GUILD_MEMBERS, 1 << 13],
  [Intent.MESSAGE_CONTENT, 1 << 14],
]);

/** The privileged intents that these flags of a bot's user grant. */
export function grantedIntents(userFlags: number): number {
  let granted = 0;
  for (const [intent, flag] of grants) if ((userFlags & flag) !== 0) granted |= intent;
  return granted;
}

/**
 * No bit of the client's: among nodes, a session whose client itself named GUILD_PRESENCES has it. User accounts that name no
 * intents get everything but the presences of large guilds.
 */
export const PRESENCES_NAMED = 1 << 30;

interface EventIntents {
  readonly inGuild: number;
  readonly direct: number;
  /** Enough for the users whom the event itself names. */
  readonly named: number;
}

const families: readonly (readonly [names: string, inGuild: number, direct?: number, named?: number])[] = [
  ['GUILD_CREATE GUILD_UPDATE GUILD_DELETE', Intent.GUILDS],
  ['GUILD_ROLE_CREATE GUILD_ROLE_UPDATE GUILD_ROLE_DELETE', Intent.GUILDS],
  ['CHANNEL_CREATE CHANNEL_UPDATE CHANNEL_DELETE', Intent.GUILDS],
  ['CHANNEL_PINS_UPDATE', Intent.GUILDS, Intent.DIRECT_MESSAGES],
  ['THREAD_CREATE THREAD_UPDATE THREAD_DELETE THREAD_LIST_SYNC THREAD_MEMBER_UPDATE', Intent.GUILDS],
  ['THREAD_MEMBERS_UPDATE', Intent.GUILD_MEMBERS, 0, Intent.GUILDS],
  ['STAGE_INSTANCE_CREATE STAGE_INSTANCE_UPDATE STAGE_INSTANCE_DELETE', Intent.GUILDS],
  ['VOICE_CHANNEL_STATUS_UPDATE VOICE_CHANNEL_START_TIME_UPDATE', Intent.GUILDS],
  ['GUILD_MEMBER_ADD GUILD_MEMBER_UPDATE GUILD_MEMBER_REMOVE', Intent.GUILD_MEMBERS],
  ['GUILD_AUDIT_LOG_ENTRY_CREATE GUILD_BAN_ADD GUILD_BAN_REMOVE', Intent.GUILD_MODERATION],
  ['GUILD_EMOJIS_UPDATE GUILD_STICKERS_UPDATE GUILD_SOUNDBOARD_SOUNDS_UPDATE', Intent.GUILD_EXPRESSIONS],
  [
    'GUILD_SOUNDBOARD_SOUND_CREATE GUILD_SOUNDBOARD_SOUND_UPDATE GUILD_SOUNDBOARD_SOUND_DELETE',
    Intent.GUILD_EXPRESSIONS,
  ],
  [
    'GUILD_INTEGRATIONS_UPDATE INTEGRATION_CREATE INTEGRATION_UPDATE INTEGRATION_DELETE',
    Intent.GUILD_INTEGRATIONS,
  ],
  ['WEBHOOKS_UPDATE', Intent.GUILD_WEBHOOKS],
  ['INVITE_CREATE INVITE_DELETE', Intent.GUILD_INVITES],
  ['VOICE_STATE_UPDATE VOICE_CHANNEL_EFFECT_SEND', Intent.GUILD_VOICE_STATES],
  ['PRESENCE_UPDATE', Intent.GUILD_PRESENCES],
  [
    'MESSAGE_CREATE MESSAGE_UPDATE MESSAGE_DELETE MESSAGE_DELETE_BULK',
    Intent.GUILD_MESSAGES,
    Intent.DIRECT_MESSAGES,
  ],
  [
    'MESSAGE_REACTION_ADD MESSAGE_REACTION_REMOVE MESSAGE_REACTION_REMOVE_ALL MESSAGE_REACTION_REMOVE_EMOJI',
    Intent.GUILD_MESSAGE_REACTIONS,
    Intent.DIRECT_MESSAGE_REACTIONS,
  ],
  ['TYPING_START', Intent.GUILD_MESSAGE_TYPING, Intent.DIRECT_MESSAGE_TYPING],
  [
    'GUILD_SCHEDULED_EVENT_CREATE GUILD_SCHEDULED_EVENT_UPDATE GUILD_SCHEDULED_EVENT_DELETE',
    Intent.GUILD_SCHEDULED_EVENTS,
  ],
  ['GUILD_SCHEDULED_EVENT_USER_ADD GUILD_SCHEDULED_EVENT_USER_REMOVE', Intent.GUILD_SCHEDULED_EVENTS],
  [
    'AUTO_MODERATION_RULE_CREATE AUTO_MODERATION_RULE_UPDATE AUTO_MODERATION_RULE_DELETE',
    Intent.AUTO_MODERATION_CONFIGURATION,
  ],
  ['AUTO_MODERATION_ACTION_EXECUTION', Intent.AUTO_MODERATION_EXECUTION],
  ['MESSAGE_POLL_VOTE_ADD MESSAGE_POLL_VOTE_REMOVE', Intent.GUILD_MESSAGE_POLLS, Intent.DIRECT_MESSAGE_POLLS],
];

const intentsByName: ReadonlyMap<string, EventIntents> = new Map(
  families.flatMap(([names, inGuild, direct = 0, named = 0]) =>
    names.split(' ').map((name) => [name, { inGuild, direct, named }] as const),
  ),
);

/** Names that belong together, separated by spaces, and the intents of which a session needs one to get them. */
export const eventFamilies: readonly (EventIntents & { readonly names: string })[] = families.map(
  ([names, inGuild, direct = 0, named = 0]) => ({ names, inGuild, direct, named }),
);

/** The platform's older names: `X_EDIT` means `X_UPDATE`, for state, intents and visibility. Clients get the name as published. */
export function canonicalName(name: string): string {
  return name.endsWith('_EDIT') ? `${name.slice(0, -'EDIT'.length)}UPDATE` : name;
}

/** Bits of which a session needs at least one to get the event; 0 when it needs none, as for names that nobody knows. */
export function intentsOfEvent(name: string, inGuild: boolean): number {
  const intents = intentsByName.get(canonicalName(name));
  if (!intents) return 0;
  return inGuild ? intents.inGuild : intents.direct;
}

/** Bits with one of which the users get an event of a guild whom it names, beside those of `intentsOfEvent`; 0: with none. */
export function intentsOfNamed(name: string): number {
  return intentsByName.get(canonicalName(name))?.named ?? 0;
}
