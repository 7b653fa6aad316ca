import { Connection, type ConnectionSettings } from '@derailed/gateway/core';
import type { NodeRef } from '@derailed/platform/mesh';
import { type Tail, payloadTail } from '@derailed/shared/protocol';
import type { RawData } from 'ws';
import { Outbox, type Sink } from './outbox';

/** What a client's connection needs of its WebSocket. */
export interface ClientWebSocket {
  readonly readyState: number;
  close(code: number, reason: string): void;
  terminate(): void;
  on(event: 'message', listener: (data: RawData) => void): unknown;
}

/** A connected client: its socket, the rules it stands under, and where its session is. */
export class Client {
  readonly connection: Connection;
  readonly outbox: Outbox;
  private greeted = false;
  /** The incarnation of the session-node that bound it; its dispatches alone are let through. */
  peer: NodeRef | undefined;
  /** Another session-node, whose session is on its way to `peer`, which has not bound it yet. */
  before: NodeRef | undefined;
  /** The session-node that was asked for a session, until it answers. */
  asked: string | undefined;

  /**
   * @param number never used again by this process
   * @param socket under the WebSocket; frames are written to it whole, past `ws`
   */
  constructor(
    readonly number: number,
    readonly ws: ClientWebSocket,
    socket: Sink,
    settings: ConnectionSettings,
  ) {
    this.connection = new Connection(settings);
    this.outbox = new Outbox(socket, number, ws);
  }

  /** Puts a payload that is no dispatch, given as JSON text, behind what waits. */
  say(payload: string): void {
    this.outbox.push(this.tailOf(payload), 0);
    this.greeted = true;
  }

  private tailOf(payload: string): Tail {
    const { wire } = this.outbox;
    if (wire === undefined) return payloadTail(payload);
    return this.greeted ? wire.payload(payload) : wire.greeting(payload);
  }
}
