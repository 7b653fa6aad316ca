import type { CloseReason } from '../close-codes';
import type { Op } from '../opcodes';

/** A field of the `d` that a client sends. */
export interface ClientField {
  readonly type: string;
  /** What becomes of a payload without it, or with null; absent: it may be left out. */
  readonly missing?: CloseReason;
  /** What becomes of a value of the wrong shape. */
  readonly wrong: CloseReason | 'ignored';
  readonly says: string;
}

type Fields = Readonly<Record<string, ClientField>>;

const wrongShape = 'unknown_opcode';

/**
 * What is read of each opcode from a client. All other fields are ignored: `v` of Identify (eris), `capabilities`
 * (hikari), `nonce` in ops 31 and 43 (oceanic).
 */
export const clientFields = {
  IDENTIFY: {
    token: {
      type: 'text',
      missing: wrongShape,
      wrong: wrongShape,
      says: "With or without `Bot ` in front. Nobody's: 4004.",
    },
    intents: {
      type: 'whole number',
      wrong: 'invalid_intents',
      says: 'Bits of the intents below. Absent: all for user accounts, 4013 for bots.',
    },
    shard: {
      type: '[id, count]',
      wrong: 'invalid_shard',
      says: 'Guilds with `(guild_id >> 22) % count == id`; shard 0 has the rest. Absent: [0, 1].',
    },
    large_threshold: {
      type: 'whole number',
      wrong: 'ignored',
      says: 'From so many members on GUILD_CREATE leaves out who is offline. 50 when absent.',
    },
    compress: {
      type: 'anything',
      wrong: 'ignored',
      says: 'Truthy: payloads may be whole zlib documents, unless the connection is compressed already.',
    },
    presence: {
      type: 'object',
      wrong: 'ignored',
      says: 'As the `d` of op 3, but nothing in it is required, and `offline` means online.',
    },
    properties: {
      type: 'object',
      wrong: 'ignored',
      says: '`os`, `browser`, `device`, also with `$` in front: which client a user account is shown on.',
    },
  },
  PRESENCE_UPDATE: {
    status: {
      type: 'text',
      missing: wrongShape,
      wrong: wrongShape,
      says: 'online, idle, dnd, invisible or offline.',
    },
    activities: {
      type: 'list of objects',
      wrong: wrongShape,
      says: 'Of types 0 to 5. Null: none. The key has to be there.',
    },
    since: { type: 'number', wrong: wrongShape, says: 'May be null. The key has to be there.' },
    afk: { type: 'boolean', wrong: 'ignored', says: 'Not looked at.' },
  },
  VOICE_STATE_UPDATE: {
    guild_id: { type: 'id', missing: wrongShape, wrong: wrongShape, says: '' },
    channel_id: { type: 'id', wrong: wrongShape, says: 'Null: leaves.' },
  },
  RESUME: {
    token: {
      type: 'text',
      missing: wrongShape,
      wrong: wrongShape,
      says: "Of the session's user, with or without `Bot ` in front.",
    },
    session_id: { type: 'text', missing: wrongShape, wrong: wrongShape, says: 'Of READY.' },
    seq: {
      type: 'whole number',
      wrong: 'invalid_seq',
      says: 'The last `s` received. What was never sent, as no negative number was, ends the session too. Absent: 0.',
    },
  },
  REQUEST_GUILD_MEMBERS: {
    guild_id: {
      type: 'id',
      missing: wrongShape,
      wrong: wrongShape,
      says: 'A list of one is taken too. A guild that the session is not in gets no answer.',
    },
    query: {
      type: 'text',
      wrong: wrongShape,
      says: 'How names begin; empty: everybody. Needed unless `user_ids` is there.',
    },
    limit: { type: 'whole number', wrong: wrongShape, says: 'Needed with `query`; 0: no limit.' },
    user_ids: { type: 'id or list of ids', wrong: wrongShape, says: 'At most 100 are answered.' },
    presences: { type: 'boolean', wrong: 'ignored', says: 'Needs the intent GUILD_PRESENCES.' },
    nonce: { type: 'text', wrong: 'ignored', says: 'Echoed in the chunks; at most 32 bytes.' },
  },
  REQUEST_SOUNDBOARD_SOUNDS: {
    guild_ids: { type: 'list of ids', missing: wrongShape, wrong: wrongShape, says: '' },
  },
  REQUEST_CHANNEL_INFO: {
    guild_id: { type: 'id', missing: wrongShape, wrong: wrongShape, says: '' },
    fields: { type: 'list', missing: wrongShape, wrong: wrongShape, says: '' },
  },
} as const satisfies Partial<Record<keyof typeof Op, Fields>>;
