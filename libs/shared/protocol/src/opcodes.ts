/**
 * Opcodes of the client protocol.
 * @see https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-opcodes
 */
export const Op = {
  DISPATCH: 0,
  HEARTBEAT: 1,
  IDENTIFY: 2,
  PRESENCE_UPDATE: 3,
  VOICE_STATE_UPDATE: 4,
  RESUME: 6,
  RECONNECT: 7,
  REQUEST_GUILD_MEMBERS: 8,
  INVALID_SESSION: 9,
  HELLO: 10,
  HEARTBEAT_ACK: 11,
  REQUEST_SOUNDBOARD_SOUNDS: 31,
  REQUEST_CHANNEL_INFO: 43,
} as const;

export type Op = (typeof Op)[keyof typeof Op];

/** What an opcode is for, as the reference page says it. */
export interface OpRow {
  readonly from: 'client' | 'server' | 'both';
  /**
   * When a client may send it: at any time after the upgrade, only while no session is bound (else 4005), or only once
   * it has identified (else 4003). Absent for those that only the server sends: from a client they are 4001.
   */
  readonly when?: 'always' | 'unbound' | 'identified';
  readonly says: string;
}

/** Every opcode. The key in lower case is the label `op` of the metric derailed_gateway_payloads_total. */
export const opRows: Readonly<Record<keyof typeof Op, OpRow>> = {
  DISPATCH: { from: 'server', says: 'An event: `t` its name, `s` one more than the last of this session.' },
  HEARTBEAT: {
    from: 'both',
    when: 'always',
    says: 'Answered with op 11 at once, whatever its `d`. From the server: beat now.',
  },
  IDENTIFY: { from: 'client', when: 'unbound', says: 'Begins a session: READY, op 9 or a close.' },
  PRESENCE_UPDATE: { from: 'client', when: 'identified', says: 'What others are to see. No answer.' },
  VOICE_STATE_UPDATE: {
    from: 'client',
    when: 'identified',
    says: 'Checked and counted; voice is not offered.',
  },
  RESUME: {
    from: 'client',
    when: 'unbound',
    says: 'Goes on with a session: what was missed, then RESUMED; or op 9 or a close.',
  },
  RECONNECT: { from: 'server', says: 'Connect again and resume; the socket closes soon with 4000.' },
  REQUEST_GUILD_MEMBERS: {
    from: 'client',
    when: 'identified',
    says: 'Answered with GUILD_MEMBERS_CHUNK or RATE_LIMITED.',
  },
  INVALID_SESSION: {
    from: 'server',
    says: '`d` true: resume again; false: identify. The connection stays open for either.',
  },
  HELLO: { from: 'server', says: 'First on every connection: `heartbeat_interval` in milliseconds.' },
  HEARTBEAT_ACK: { from: 'server', says: 'The answer to op 1.' },
  REQUEST_SOUNDBOARD_SOUNDS: {
    from: 'client',
    when: 'identified',
    says: 'Checked and counted; sounds are not offered.',
  },
  REQUEST_CHANNEL_INFO: {
    from: 'client',
    when: 'identified',
    says: 'Checked and counted; channel info is not offered.',
  },
};

const names = Object.keys(Op) as (keyof typeof Op)[];
const unguarded: ReadonlySet<number> = new Set(
  names
    .filter((name) => opRows[name].when === 'always' || opRows[name].when === 'unbound')
    .map((name) => Op[name]),
);

/** Opcodes that a client may send, by their labels in metrics. */
export const clientOps: ReadonlyMap<number, string> = new Map(
  names.filter((name) => opRows[name].when !== undefined).map((name) => [Op[name], name.toLowerCase()]),
);

/** Whether an opcode from a client needs a session first (4003). Unknown ones do. */
export function needsSession(op: number): boolean {
  return !unguarded.has(op);
}
