import { Op } from '../opcodes';

// s and t are null, not absent: @discordeno/gateway loses its sequence number otherwise.

/** @param heartbeatInterval milliseconds */
export function helloPayload(heartbeatInterval: number): string {
  return `{"op":${Op.HELLO},"d":{"heartbeat_interval":${heartbeatInterval},"_trace":[]},"s":null,"t":null}`;
}

export const heartbeatAckPayload = `{"op":${Op.HEARTBEAT_ACK},"d":null,"s":null,"t":null}`;

export const reconnectPayload = `{"op":${Op.RECONNECT},"d":null,"s":null,"t":null}`;

/** @param resumable whether the client may try the same resume again */
export function invalidSessionPayload(resumable: boolean): string {
  return `{"op":${Op.INVALID_SESSION},"d":${resumable},"s":null,"t":null}`;
}
