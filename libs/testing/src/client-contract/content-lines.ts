/** Limits, intents, sharding, members, presence, HTTP, permissions, and the events that the gateway reads. */
export const contentLines = {
  'rate.payloads': 'Over 120 payloads in 60 s on one connection: 4008. A new connection has a new window.',
  'rate.window':
    'The window is fixed: the first payload after one opens the next, so that two bursts may touch.',
  'rate.heartbeats': 'Heartbeats count when the interval is 10 s or more.',
  'rate.heartbeats-free': 'With a shorter interval they do not: clients do not budget for them.',
  'rate.presence': 'Over 5 presence updates in 20 s are dropped; the connection stays.',
  'intents.families':
    'Each event reaches only sessions with an intent that names it, in guilds and to users.',
  'intents.none': 'Events that no intent names reach everybody; MESSAGE_CONTENT filters nothing.',
  'intents.content': 'Without MESSAGE_CONTENT a message comes as it was published.',
  'intents.permissions':
    'The audit log also asks for VIEW_AUDIT_LOG, bans for that or BAN_MEMBERS, automod for MANAGE_GUILD.',
  'intents.invites': 'Events of invites reach those who have MANAGE_CHANNELS in their channel.',
  'intents.own-member': 'GUILD_MEMBER_UPDATE about the user itself needs no intent.',
  'intents.voice':
    'VOICE_STATE_UPDATE reaches who sees the channel; who leaves it, or goes where they do not see, leaves for those who saw it.',
  'intents.thread-members':
    'THREAD_MEMBERS_UPDATE reaches sessions with GUILD_MEMBERS; with GUILDS alone those of users whom it adds or removes.',
  'intents.channels': 'Events of a channel reach only those who can view it.',
  'shard.formula': 'A guild belongs to shard (id >> 22) % count.',
  'shard.users': 'Events to users reach shard 0 only.',
  'shard.several': 'Several sessions of one shard live at once and all get events.',
  'members.all':
    'An empty query and limit 0 answer with all members in chunks of 1,000 with index and count.',
  'members.all-intent': 'Of a bot that needs the intent GUILD_MEMBERS; without it there is no answer.',
  'members.query': 'A query matches the beginning of names, whatever their case.',
  'members.limit': 'limit bounds the matches of a query, 100 at most.',
  'members.user-ids':
    'user_ids may be one id or a list, of which 100 are answered; not_found is always there for them.',
  'members.empty': 'A request without matches gets one empty chunk.',
  'members.presences': 'presences come when asked for with the intent GUILD_PRESENCES, else not.',
  'members.nonce': 'A nonce of up to 32 bytes is echoed; a longer one is left out.',
  'members.nothing-asked': 'Neither query nor user_ids: 4001.',
  'members.stranger': 'A guild that the session is not in, or of another shard, gets no answer.',
  'members.account': 'A user account needs no intent for all members.',
  'members.replay': 'Chunks are dispatches: they have numbers, and are replayed.',
  'members.rate':
    'A second request for the whole list within 30 s gets RATE_LIMITED with opcode, retry_after and meta; the connection stays.',
  'presence.update':
    'Op 3 reaches sessions with GUILD_PRESENCES in each shared guild, status and activities as set.',
  'presence.invisible': 'invisible is offline without activities to others.',
  'presence.own': 'Who is invisible sees itself so, in GUILD_CREATE.',
  'presence.large':
    'In a guild of over LARGE_GUILD members presences are told to clients that named GUILD_PRESENCES alone.',
  'presence.bot-offline': '`offline` from a bot shows it online.',
  'presence.bot-activity': 'Of a bot activities keep name, type, state and url; url only for streaming.',
  'presence.custom': 'A custom status (type 4) shows its state.',
  'presence.activity-types':
    'Activities are of types 0 to 5: another one is 4001 in op 3, and left out of Identify.',
  'presence.strict': 'Op 3 without since, activities or status is closed with 4001; activities may be null.',
  'presence.client-status': 'client_status names the kind of client; bots are web.',
  'presence.merge': 'Several sessions of a user are merged; online beats idle, which beats dnd.',
  'presence.same': 'A presence that changes nothing is not told.',
  'presence.goodbye': 'After a close with 1000 a user is offline at once.',
  'presence.grace': 'After a drop it is offline when the grace has passed without a resume.',
  'http.gateway':
    'GET /gateway names the URL to everybody, with Content-Type application/json and nothing behind it.',
  'http.gateway-bot': 'GET /gateway/bot has url, shards and all four numbers of session_start_limit.',
  'http.unauthorized': 'A wrong token there is 401 with message and code.',
  'http.me': 'GET /users/@me and /oauth2/applications/@me say what discord.py reads.',
  'permissions.owner': 'The owner and who has ADMINISTRATOR see every channel.',
  'permissions.order': '@everyone, then roles (allow beats deny), then the member itself.',
  'permissions.category': 'A channel does not take the overwrites of its category.',
  'permissions.strangers': 'Overwrites of roles and members that do not exist change nothing.',
  'permissions.voice': 'Who may not connect to a voice channel sees it all the same.',
  'permissions.timeout':
    'A timeout leaves the sight of channels, and takes other permissions for as long as it lasts.',
  'permissions.timeout-ends': 'It ends by the clock, without an event.',
  'permissions.thread': 'Public threads follow their parent.',
  'permissions.private-thread':
    'A private thread is seen with MANAGE_THREADS only, unless the event names its audience.',
  'permissions.threads':
    'Threads of a channel that comes into sight are told by THREAD_LIST_SYNC; those of one that is lost get no THREAD_DELETE.',
  'permissions.gain': 'Gaining sight of a channel is CHANNEL_CREATE.',
  'permissions.lose': 'Losing sight of a channel is CHANNEL_DELETE, and nothing of it comes after.',
  'events.pass': 'Events that the gateway does not know pass through untouched.',
  'events.message':
    'A MESSAGE_CREATE with the fields of e2e/src/message.ts, `flags` for hikari among them, is one that every library takes.',
  'events.edit': '*_EDIT counts as *_UPDATE.',
  'events.structure':
    'Channels, threads, roles and the owner change by events: who sees what changes with them, and who sees it is told.',
  'events.partial':
    'Of an event that the gateway reads, fields that are absent change nothing; twice is as once.',
  'events.old-contract':
    "The platform's old service names no channel: what comes through it goes to those who can view the channel of its data.",
  'events.malformed':
    'A malformed event of those that the gateway reads is INVALID_ARGUMENT, and nothing is sent.',
  'events.join': 'GUILD_CREATE to a user subscribes its sessions; GUILD_DELETE ends that.',
  'events.member-add': 'GUILD_MEMBER_ADD subscribes the living sessions of that user.',
  'events.member-remove': 'GUILD_MEMBER_REMOVE ends them; they get GUILD_DELETE.',
  'events.guild-delete':
    'GUILD_DELETE to a guild ends the subscriptions of all; with unavailable: true it is an outage, and ends none.',
  'events.user-update': 'USER_UPDATE to a user passes to its sessions, without an intent.',
  'events.user-delete': 'USER_DELETE closes the sessions of the user with 4004.',
  'events.channel-field':
    'An event without a channel takes the channel_id of its data; a channel-bound one without either is INVALID_ARGUMENT.',
  'events.channel-differs':
    'A channel-bound event whose channel_id differs from the channel named is INVALID_ARGUMENT.',
  'events.channel-unknown': 'An id that is no channel of the guild: nobody sees the event.',
  'events.audience':
    'The monolith may name the audience: users, or of a guild those with a permission, also of a channel. Bits that do not exist, and events that change the guild, are INVALID_ARGUMENT.',
  'events.unavailable':
    'A guild whose permissions can not be read is unavailable to clients, and publishes to it are UNAVAILABLE, until they can.',
  'client.discordjs-ws':
    '@discordjs/ws goes through the cycle: identify, a message, a drop, resume, replay, live.',
  'client.discord.js':
    'discord.js 14 logs in, caches its guilds, sees messages, presences, members, and channels that come and go with permissions, and resumes.',
  'client.eris': 'eris goes through the cycle.',
  'client.oceanic': 'oceanic.js goes through the cycle.',
  'client.discord.py': 'discord.py logs in, caches its guilds, sees messages and members, and resumes.',
  'client.hikari': 'hikari does the same.',
  'client.discordeno': '@discordeno/gateway goes through the cycle.',
} as const;
