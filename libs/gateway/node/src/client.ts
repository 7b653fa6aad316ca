import type { Duplex } from 'node:stream';
import { Connection, type ConnectionSettings } from '@derailed/gateway/core';
import type { NodeRef } from '@derailed/platform/mesh';
import type { WebSocket } from 'ws';
import { Outbox } from './outbox';

/** A connected client: its socket, the rules it stands under, and where its session is. */
export class Client {
  readonly connection: Connection;
  readonly outbox: Outbox;
  /** The incarnation of the session-node that bound it; its dispatches alone are let through. */
  peer: NodeRef | undefined;
  /** The session-node that was asked for a session, until it answers. */
  asked: string | undefined;

  /**
   * @param number never used again by this process
   * @param socket under the WebSocket; frames are written to it whole, past `ws`
   */
  constructor(
    readonly number: number,
    readonly ws: WebSocket,
    socket: Duplex,
    settings: ConnectionSettings,
  ) {
    this.connection = new Connection(settings);
    this.outbox = new Outbox(socket, number, ws);
  }
}
