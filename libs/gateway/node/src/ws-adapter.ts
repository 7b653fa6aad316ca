import { EventEmitter } from 'node:events';
import { decodeFrame } from '@derailed/gateway/core';
import type { WsMessageHandler } from '@nestjs/common';
import { AbstractWsAdapter } from '@nestjs/websockets';
import type { RawData } from 'ws';
import type { Client } from './client';
import type { GatewayMetrics } from './metrics';
import type { Shell } from './shell';

/**
 * Connects the door to Nest: a client's payload is decoded as far as its opcode and goes to the handler that
 * subscribed to it. What the gateway sends never passes here.
 */
export class GatewayWsAdapter extends AbstractWsAdapter {
  /** Emits `connection` with each Client; Nest takes it for the server. */
  private readonly arrivals = new EventEmitter();

  constructor(
    private readonly shell: Shell,
    private readonly metrics: GatewayMetrics,
  ) {
    super();
  }

  /** A client has connected: binds Nest's handlers to it. */
  arrived(client: Client): void {
    this.arrivals.emit('connection', client);
  }

  create(): EventEmitter {
    return this.arrivals;
  }

  override bindClientConnect(server: EventEmitter, callback: (client: Client) => void): void {
    server.on('connection', callback);
  }

  override bindClientDisconnect(client: Client, callback: () => void): void {
    client.ws.once('close', callback);
  }

  bindMessageHandlers(client: Client, handlers: readonly WsMessageHandler<unknown>[]): void {
    client.ws.on('message', (data: RawData) => {
      // With the binary type nodebuffer, ws hands over nothing else.
      const raw = decodeFrame(data as Buffer);
      if (!raw.ok) {
        this.shell.run(client, client.connection.close(raw.reason));
        return;
      }
      this.metrics.received(raw.value.op);
      const handler = handlers.find(({ message }) => message === raw.value.op);
      if (handler) void (handler.callback as (payload: unknown) => Promise<void>)(raw.value);
      else this.shell.handle(client, raw.value);
    });
  }

  /** The door closes the sockets. */
  override async close(server: EventEmitter): Promise<void> {
    server.removeAllListeners();
  }
}
