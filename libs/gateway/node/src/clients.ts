import type { ConnectionSettings } from '@derailed/gateway/core';
import { Client, type ClientWebSocket } from './client';
import type { Sink } from './outbox';

const maxUint32 = 0xffff_ffff;

/** All clients of this node by the number of their connection. Numbers are never used again. */
export class Clients {
  private readonly byNumber = new Map<number, Client>();
  private lastNumber = 0;

  constructor(
    private readonly settings: ConnectionSettings,
    private readonly limit: number,
  ) {}

  get size(): number {
    return this.byNumber.size;
  }

  /** No more connections can be taken. */
  get full(): boolean {
    return this.byNumber.size >= this.limit || this.lastNumber >= maxUint32;
  }

  add(ws: ClientWebSocket, socket: Sink): Client {
    const client = new Client(++this.lastNumber, ws, socket, this.settings);
    this.byNumber.set(client.number, client);
    return client;
  }

  get(number: number): Client | undefined {
    return this.byNumber.get(number);
  }

  remove(client: Client): void {
    this.byNumber.delete(client.number);
  }

  [Symbol.iterator](): IterableIterator<Client> {
    return this.byNumber.values();
  }
}
