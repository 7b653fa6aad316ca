/** Opcodes, close codes, identify, READY, resume, invalid session, reconnect. */
export const sessionLines = {
  'op.dispatch': 's begins at 1 and grows by 1 per event sent to that session, after all filters.',
  'op.heartbeat': 'Op 1 is answered with op 11 at once, in any state, before Identify too.',
  'op.heartbeat-value':
    'The value of a heartbeat is never a reason to close: null, 0, stale, too high, absent.',
  'op.heartbeat-asked': 'The gateway does not ask for heartbeats: it never sends op 1.',
  'op.voice-ping': 'Op 5 is closed with 4001.',
  'op.ignored': 'Ops 4, 31 and 43 are checked and then have no effect.',
  'op.unknown': 'An unknown opcode, or one that only the server sends, is closed with 4001.',
  'gate.identify': 'Before Identify or Resume only ops 1, 2 and 6 are legal; others are closed with 4003.',
  'gate.early-identify':
    'An Identify that comes before the client has read HELLO is served; HELLO stays first.',
  'close.kept': 'After 4000, 4002 and 4008 the session can be resumed.',
  'close.dropped': 'After 4001, 4005 and 4007 it is gone: a resume gets op 9 (false), never 4007 again.',
  'close.twice': 'A second Identify or Resume on a bound connection is closed with 4005.',
  'close.disconnect':
    'DisconnectUser closes all connections of a user with 4003, or the code that it names, and ends the sessions, dropped ones too.',
  'close.disconnect-code':
    'DisconnectUser with a code that is not in the table of close codes (4006 ends processes of hikari) is INVALID_ARGUMENT.',
  'close.lost':
    'A session that the gateway itself gives up gets op 9 (false), and its connection stays; 4003 comes of DisconnectUser alone.',
  'close.expired':
    'Of itself the gateway never sends 4009: who resumes too late gets op 9 (false), who misses heartbeats 4000.',
  'close.never': '1000, 4006, 4200 and codes that libraries use for themselves are never sent.',
  'close.slow':
    'A client that does not read is spared volatile events, is closed with 4000 in the end, and its session is kept.',
  'close.goodbye': 'A client that closes first with 1000 or 1001 ends its session at once.',
  'close.other': 'Any other close, or none at all, leaves the session for a resume.',
  'close.echo': 'When the server closes first, the code that the client answers with has no meaning.',
  'heartbeat.timeout': 'No heartbeat for 1.5 to 2 intervals: 4000, and the session is kept.',
  'heartbeat.clock': 'That clock runs from READY or RESUMED on, not before.',
  'identify.silence': 'Who neither identifies nor resumes in time is closed with 4000.',
  'identify.token': 'A token counts with and without `Bot ` in front; one of nobody is closed with 4004.',
  'identify.token-form':
    'A token has three parts, the first of which is the id of its user in base64url: hikari reads it.',
  'identify.properties': 'No property is required.',
  'identify.intents': 'Intents that are no known bits are closed with 4013; so are none at all from a bot.',
  'identify.user-intents': 'A user account without intents gets all events, and may use privileged ones.',
  'identify.privileged': 'A privileged intent that the bot was not granted is closed with 4014.',
  'identify.granted':
    'Each privileged intent has a flag of users.flags that grants it: 12 presences, 13 members, 14 content.',
  'identify.shard':
    'A shard that is not two whole numbers, id below count, is closed with 4010; absent it is [0, 1].',
  'identify.shard-count':
    'Any count of shards is served, and several at once: no bot is assigned one, so none is wrong for its multiple.',
  'identify.too-many-guilds': 'A shard that would hold over 2,500 guilds is closed with 4011.',
  'identify.large-threshold': 'large_threshold is moved into 50..250, not refused.',
  'identify.presence':
    'The presence of Identify is lenient: fields may be missing or null, `game` for activities.',
  'identify.presence-offline': '`offline` in Identify means online.',
  'identify.concurrency':
    'A second Identify of a bot within the interval gets op 9 (false) when the key is free again; the connection stays.',
  'identify.daily': 'Past the identifies of a day: op 9 (false), paced.',
  'identify.sessions': 'Past the sessions that one user may have: op 9 (false), paced.',
  'identify.resume-free': 'A resume does not count as an identify.',
  'ready.fields':
    'READY is s 1 and has v, user, guilds, session_id, resume_gateway_url, shard, application, private_channels.',
  'ready.user': 'Its user has discriminator, avatar, mfa_enabled and flags.',
  'ready.guilds': 'Its guilds are unavailable stubs, of this shard only.',
  'ready.account': 'READY of a user account has its settings and guild_positions.',
  'ready.guild-create': 'A GUILD_CREATE for each guild follows, with the intent GUILDS.',
  'ready.no-guilds-intent': 'Without the intent GUILDS no GUILD_CREATE comes.',
  'guild-create.keys': 'GUILD_CREATE has every key that some library needs, and unavailable: false.',
  'guild-create.parts':
    'Its roles have colors and textual permissions; members flags and joined_at; channels topic and overwrites.',
  'guild-create.own-member': 'The own member is always among its members.',
  'guild-create.plain': 'Without GUILD_PRESENCES it has the own member and those in voice only.',
  'guild-create.presences':
    'With it and at most large_threshold members: all of them, and presences of who is not offline.',
  'guild-create.huge':
    'In a guild of over LARGE_GUILD members it has the own member and those in voice only, whatever the intents.',
  'guild-create.voice':
    'Who is in a voice channel that the receiver sees is in voice_states, its member and presence are there whatever the intents, also of over 250 members.',
  'guild-create.large':
    'Above large_threshold: who is online, in voice, has a role or a nick; of over 250 members who is online or in voice. `large` is true.',
  'ready.deadline':
    'READY comes, or 4000 closes, within IDENTIFY_DEADLINE of an Identify: 14 s, before any library gives up.',
  'resume.unknown':
    'A session that is not known, has expired or is of another user: op 9 (false); the connection stays.',
  'resume.token': 'A token of nobody in Resume is closed with 4004.',
  'resume.wrong-shape': 'A Resume without a token or a session_id, or with one that is no text: 4001.',
  'resume.seq-high': 'A seq that was never sent, or is none, is closed with 4007 and ends the session.',
  'resume.seq-old': 'A seq from before the buffer, which slides by dispatches and by bytes: op 9 (false).',
  'resume.seq-zero': 'seq 0, of a client that has seen nothing: op 9 (false)',
  'resume.replay': 'All that was missed is replayed in order, with the s, t and d that it had.',
  'resume.resumed': 'RESUMED follows with the next number and an object for d; live events come after it.',
  'resume.answered': 'A resume never stays without an answer.',
  'resume.takeover': 'A resume wins over a socket that still looks open, which gets 4000 and nothing more.',
  'resume.late-close': 'What the old socket does after that does not touch the session.',
  'resume.window': 'Past the resume window the session is gone.',
  'resume.stale-heartbeat': 'A heartbeat does not trim the buffer.',
  'resume.encoding':
    'A resume may come with another encoding and compression, which count for its connection from HELLO on.',
  'resume.fresh-stream': 'A compressed stream begins anew with each connection.',
  'invalid.boolean': 'The d of op 9 is a boolean.',
  'invalid.same-socket': 'After op 9 the connection takes an Identify or a Resume, and heartbeats go on.',
  'invalid.idle': 'A client that does nothing after op 9 is closed with 4000.',
  'reconnect.drain': 'A node that stops sends op 7, and closes with 4000 a little later.',
  'reconnect.unbound': 'Who has no session then, or has lost it, gets 4000 without op 7.',
  'reconnect.resume':
    'The session of who was asked to reconnect is resumed where its session-node lives on; else its resume gets op 9 (false).',
} as const;
