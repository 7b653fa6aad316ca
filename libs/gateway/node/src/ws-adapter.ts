import { EventEmitter } from 'node:events';
import { decodeFrame } from '@derailed/gateway/core';
import type { RawPayload } from '@derailed/shared/protocol';
import type { WsMessageHandler } from '@nestjs/common';
import { AbstractWsAdapter } from '@nestjs/websockets';
import type { RawData } from 'ws';
import type { Client } from './client';
import type { GatewayMetrics } from './metrics';
import type { Shell } from './shell';

/** A payload, decoded as far as its opcode, and whose it is. */
export interface Incoming {
  readonly client: Client;
  readonly payload: RawPayload;
}

type Handler = (incoming: Incoming) => unknown;

/**
 * Connects the door to Nest: a client's payload is decoded as far as its opcode and goes to the handler that
 * subscribed to it. Nest binds its handlers to each client that it knows, which costs a kilobyte a socket; so it is
 * shown one, the inbox of them all. What the gateway sends never passes here.
 */
export class GatewayWsAdapter extends AbstractWsAdapter {
  private readonly inbox = new EventEmitter();
  private readonly handlers = new Map<number, Handler>();

  constructor(
    private readonly shell: Shell,
    private readonly metrics: GatewayMetrics,
  ) {
    super();
  }

  /** A client has connected. */
  arrived(client: Client): void {
    client.ws.on('message', (data: RawData) => {
      // With the binary type nodebuffer, ws hands over nothing else.
      this.take(client, data as Buffer);
    });
  }

  create(): EventEmitter {
    return this.inbox;
  }

  override bindClientConnect(inbox: EventEmitter, callback: (inbox: EventEmitter) => void): void {
    callback(inbox);
  }

  bindMessageHandlers(_inbox: EventEmitter, handlers: readonly WsMessageHandler<unknown>[]): void {
    for (const { message, callback } of handlers) this.handlers.set(message as number, callback as Handler);
  }

  /** The door closes the sockets. */
  override async close(inbox: EventEmitter): Promise<void> {
    inbox.removeAllListeners();
  }

  private take(client: Client, data: Buffer): void {
    // The client has not read our close yet; what it still sends is not worth decoding.
    if (client.connection.isClosed) return;
    const raw = decodeFrame(data, client.connection.encoding);
    if (!raw.ok) {
      this.shell.run(client, client.connection.close(raw.reason));
      return;
    }
    const payload = raw.value;
    this.metrics.received(payload.op);
    const handler = this.handlers.get(payload.op);
    if (handler) void handler({ client, payload });
    else this.shell.handle(client, payload);
  }
}
