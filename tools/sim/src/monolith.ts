import { EventEmitter } from 'node:events';
import type { PublishCall, PublishStreams } from '@derailed/tunnel/node';
import type { tunnelV1 } from '@derailed/shared/contract';
import { type Cancel, Code, type Rng } from '@derailed/shared/kernel';
import { isWorthARetry } from '@derailed/tunnel/core';
import type { ConnectionEnd, VirtualNetwork, VirtualProcess } from '@derailed/testing';
import type { History, Published } from './history';
import type { Platform } from './platform';

/** A monolith's stream finds a dead tunnel by gRPC's keepalive (ms). */
const streamKeepalive = 8000;
const inFlight = 16;

/** A PublishStream call as the tunnel sees it. */
class VirtualPublishCall extends EventEmitter {
  private paused = false;
  private readonly read: tunnelV1.PublishStreamRequest[] = [];

  constructor(private readonly connection: ConnectionEnd) {
    super();
    this.on('error', ({ details }: { details: string }) => this.connection.close(details));
  }

  take(request: tunnelV1.PublishStreamRequest): void {
    this.read.push(request);
    this.flow();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.flow();
  }

  write(response: tunnelV1.PublishStreamResponse): boolean {
    return this.connection.send(response, 64);
  }

  end(): void {
    this.connection.close('the tunnel ended the stream');
  }

  private flow(): void {
    for (let next = this.paused ? undefined : this.read.shift(); next !== undefined;) {
      this.emit('data', next);
      next = this.paused ? undefined : this.read.shift();
    }
  }
}

/** Opens the door of a tunnel on the virtual network. */
export function servePublishers(
  network: VirtualNetwork,
  process: VirtualProcess,
  address: string,
  streams: PublishStreams,
): void {
  network.listen(process, address, streamKeepalive, (end) => {
    const call = new VirtualPublishCall(end);
    streams.accept(call as unknown as PublishCall);
    return {
      received: (item) => call.take(item as tunnelV1.PublishStreamRequest),
      drained: () => call.emit('drain'),
      closed: () => call.emit('cancelled'),
    };
  });
}

interface Target {
  readonly waiting: Entry[];
  /** Something failed: nothing more goes until all has come back. */
  isHeld: boolean;
  flying: number;
}

interface Entry {
  readonly event: Published;
  isFlying: boolean;
}

export interface MonolithWorld {
  readonly network: VirtualNetwork;
  readonly history: History;
  readonly platform: Platform;
  /** Addresses of all tunnels, running or not. */
  readonly tunnels: readonly string[];
  trace(what: () => string): void;
}

/**
 * A publisher as clients/python is: one stream, several events in flight, each target in order; what fails is sent
 * again from the first that failed, with the same ids, to another tunnel if need be.
 */
export class Monolith {
  private readonly targets = new Map<string, Target>();
  private readonly byId = new Map<string, { readonly entry: Entry; readonly target: Target }>();
  private end: ConnectionEnd | undefined;
  private isOpening = false;
  private flying = 0;
  private attempts = 0;
  private retry: Cancel | undefined;

  constructor(
    readonly name: string,
    private readonly process: VirtualProcess,
    private readonly rng: Rng,
    private readonly world: MonolithWorld,
  ) {}

  publish(event: Published): void {
    this.world.history.publish(event);
    const key = `${event.target} ${event.key}`;
    let target = this.targets.get(key);
    if (!target) this.targets.set(key, (target = { waiting: [], isHeld: false, flying: 0 }));
    const entry = { event, isFlying: false };
    target.waiting.push(entry);
    this.byId.set(event.id, { entry, target });
    this.trace(() => `publishes ${event.id} ${event.name} ${event.channelId}`);
    this.pump();
  }

  private pump(): void {
    if (this.end === undefined) return this.open();
    for (const target of this.targets.values()) {
      if (target.isHeld) continue;
      for (const entry of target.waiting) {
        if (entry.isFlying) continue;
        if (this.flying >= inFlight) return;
        this.send(target, entry);
      }
    }
  }

  private open(): void {
    if (this.isOpening || this.byId.size === 0) return;
    const { network, tunnels } = this.world;
    const address = tunnels[Math.floor(this.rng.next() * tunnels.length)]!;
    this.trace(() => `opens a stream to ${address}`);
    const end = network.dial(this.process, address, {
      received: (item) => {
        if (this.end === end) this.answered(item as tunnelV1.PublishStreamResponse);
      },
      closed: (why) => {
        if (this.end === end) this.lost(why);
      },
    });
    this.end = end;
    this.pump();
  }

  private send(target: Target, entry: Entry): void {
    const { event } = entry;
    entry.isFlying = true;
    target.flying++;
    this.flying++;
    event.sentAt ??= this.world.network.loop.now;
    const { id, name, data, key, channelId } = event;
    const kind: NonNullable<tunnelV1.Target['kind']> =
      event.target === 'guild'
        ? { $case: 'guild', value: { guildId: key, channelId } }
        : { $case: 'users', value: { userIds: [key] } };
    const request: tunnelV1.PublishStreamRequest = {
      event: { id, name, data, volatile: false, target: { kind } },
    };
    this.end?.send(request, data.length + 64);
  }

  private answered({ eventId, code, error }: tunnelV1.PublishStreamResponse): void {
    const known = this.byId.get(eventId);
    if (known === undefined || !known.entry.isFlying) return;
    const { entry, target } = known;
    const { event } = entry;
    entry.isFlying = false;
    target.flying--;
    this.flying--;
    if (code === Code.OK) {
      this.attempts = 0;
      event.ackedAt = this.world.network.loop.now;
      if (event.target === 'guild') event.ackedVersion = this.world.platform.version(event.key);
      this.byId.delete(eventId);
      target.waiting.splice(target.waiting.indexOf(entry), 1);
      this.trace(() => `${eventId} was acked`);
    } else {
      this.trace(() => `${eventId} failed: ${code} ${error}`);
      if (!isWorthARetry(code as Code))
        this.world.history.broken('contract', `${eventId} was refused for good: ${code} ${error}`);
      target.isHeld = true;
    }
    if (target.isHeld && target.flying === 0) this.again(target);
    this.pump();
  }

  /** Everything of the target has come back: from the first on, once more. */
  private again(target: Target): void {
    const wait = Math.min(2000, 50 * 2 ** this.attempts++) * (0.5 + this.rng.next());
    this.process.clock.after(wait, () => {
      target.isHeld = false;
      this.pump();
    });
  }

  private lost(why: string): void {
    this.trace(() => `lost its stream: ${why}`);
    this.end = undefined;
    this.flying = 0;
    for (const target of this.targets.values()) {
      target.flying = 0;
      target.isHeld = false;
      for (const entry of target.waiting) entry.isFlying = false;
    }
    this.isOpening = true;
    const wait = Math.min(2000, 100 * 2 ** this.attempts++) * (0.5 + this.rng.next());
    this.retry?.();
    this.retry = this.process.clock.after(wait, () => {
      this.isOpening = false;
      this.open();
    });
  }

  private trace(what: () => string): void {
    this.world.trace(() => `${this.name} ${what()}`);
  }
}
