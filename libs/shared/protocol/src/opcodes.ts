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

/** Opcodes that a client may send at any time after the upgrade; the rest need a session first (4003). */
export function needsSession(op: number): boolean {
  return op !== Op.HEARTBEAT && op !== Op.IDENTIFY && op !== Op.RESUME;
}
