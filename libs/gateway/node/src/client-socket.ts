import { WebSocket } from 'ws';
import type { Client } from './client';

/** Reasons of RFC 6455 that `ws` closes with by itself, when what arrives is no frame or breaks a limit of its own. */
const tooLarge = 1009;
const brokenFrame: ReadonlySet<number | undefined> = new Set([1002, 1007, 1008]);

/**
 * A client's WebSocket that has our close codes where `ws` would take one of RFC 6455: clients know ours, and the
 * session hears of it. Its listeners are shared by all sockets; none is made per client.
 */
export class ClientSocket extends WebSocket {
  client: Client | undefined;
  /** Told of a frame that can't be read, instead of a close. */
  onBroken: ((client: Client, reason: 'payload_too_large' | 'broken_frame') => void) | undefined;

  /** `ws` gives a code without data only when its receiver failed; the echo of a client's code has data. */
  override close(code?: number, data?: string | Buffer): void {
    const { client, onBroken } = this;
    const failed = data === undefined && (code === tooLarge || brokenFrame.has(code));
    if (failed && client && onBroken && this.readyState === WebSocket.OPEN)
      onBroken(client, code === tooLarge ? 'payload_too_large' : 'broken_frame');
    else super.close(code, data);
  }
}
