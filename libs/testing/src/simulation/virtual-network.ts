import type { Cancel, Rng } from '@derailed/shared/kernel';
import type { VirtualLoop, VirtualProcess } from './virtual-loop';

/** What one end of a connection hears. Nothing follows `closed`. */
export interface ConnectionEvents {
  received(item: unknown): void;
  /** What was sent has gone on its way again, after `send` was false. */
  drained?(): void;
  closed(why: string): void;
}

/** One end of a connection. */
export interface ConnectionEnd {
  /** Bytes that were sent and are not there. */
  readonly waiting: number;
  /** False: much is on its way; `drained` follows. */
  send(item: unknown, bytes: number): boolean;
  /** The other end hears of it behind what was sent. This end hears nothing more. */
  close(why: string): void;
}

/** Takes a connection that comes in. */
export type Accept = (end: ConnectionEnd, from: string) => ConnectionEvents;

interface Listener {
  readonly process: VirtualProcess;
  readonly accept: Accept;
  /** How soon an end finds out that the other one is not there any more (ms). */
  readonly keepalive: number;
}

/** Bytes on their way at which a sender is asked to wait. */
const highWater = 256 * 1024;

/**
 * Connections between processes: each direction keeps its order, different ones do not. A message takes a random
 * time; between two hosts each direction can be blocked (what was sent then waits, as TCP does, and ends find out by
 * their keepalive), and connections can be reset (what is on its way is lost).
 */
export class VirtualNetwork {
  private readonly listeners = new Map<string, Listener>();
  private readonly connections = new Set<Connection>();
  private readonly blocked = new Map<string, number>();
  private blocks = 0;

  constructor(
    readonly loop: VirtualLoop,
    private readonly rng: Rng,
  ) {}

  /** @param address HOST/SERVICE */
  listen(process: VirtualProcess, address: string, keepalive: number, accept: Accept): Cancel {
    const listener = { process, accept, keepalive };
    this.listeners.set(address, listener);
    return () => {
      if (this.listeners.get(address) === listener) this.listeners.delete(address);
    };
  }

  dial(process: VirtualProcess, address: string, events: ConnectionEvents): ConnectionEnd {
    const connection = new Connection(this, process, address, events);
    this.connections.add(connection);
    connection.open();
    return connection.near;
  }

  listener(address: string): Listener | undefined {
    const listener = this.listeners.get(address);
    return listener?.process.isAlive === true ? listener : undefined;
  }

  /** Nothing passes in that direction until `unblock`. */
  block(from: string, to: string): void {
    this.blocked.set(`${from}>${to}`, ++this.blocks);
    for (const each of this.between(from, to)) each.suspect();
  }

  unblock(from: string, to: string): void {
    this.blocked.delete(`${from}>${to}`);
    for (const each of this.between(from, to)) each.flow();
  }

  unblockAll(): void {
    for (const way of [...this.blocked.keys()]) {
      const [from = '', to = ''] = way.split('>');
      this.unblock(from, to);
    }
  }

  isBlocked(from: string, to: string): boolean {
    return this.blocked.has(`${from}>${to}`);
  }

  /** Breaks every connection between the two: what is on its way is lost, and both ends hear of it. */
  reset(one: string, other: string): void {
    for (const each of this.between(one, other)) each.reset('connection reset');
  }

  /** The process does not answer any more, and may never again: its connections find out by their keepalive. */
  suspect(host: string): void {
    for (const each of [...this.connections]) if (each.touches(host)) each.suspect();
  }

  /** The process was woken. */
  flow(host: string): void {
    for (const each of [...this.connections]) if (each.touches(host)) each.flow();
  }

  /**
   * The process has died. Its machine still sends what it wrote, and says that its connections are over.
   * @param silent so has the machine
   */
  died(process: VirtualProcess, silent: boolean): void {
    for (const each of [...this.connections]) each.died(process, silent);
  }

  forget(connection: Connection): void {
    this.connections.delete(connection);
  }

  latency(): number {
    const { rng } = this;
    const usual = 0.1 + 1.5 * rng.next();
    return rng.next() < 0.01 ? usual + 150 * rng.next() : usual;
  }

  /** A little more or less. */
  about(ms: number): number {
    return ms * (0.9 + 0.2 * this.rng.next());
  }

  private between(one: string, other: string): Connection[] {
    return [...this.connections].filter((each) => each.touches(one) && each.touches(other));
  }
}

interface Parcel {
  readonly item: unknown;
  readonly bytes: number;
  readonly last: boolean;
}

/** One direction of a connection. */
class Way {
  readonly held: Parcel[] = [];
  waiting = 0;
  lastAt = 0;
  full = false;
}

class Connection {
  readonly near: Side;
  private far: Side | undefined;
  /** Until the other end is there. */
  private readonly farWay = new Way();
  private readonly farHost: string;
  private keepalive = 6000;
  private suspicions = 0;

  constructor(
    readonly network: VirtualNetwork,
    process: VirtualProcess,
    private readonly address: string,
    events: ConnectionEvents,
  ) {
    this.farHost = address.slice(0, address.indexOf('/'));
    this.near = new Side(this, process, this.farHost, this.farWay);
    this.near.events = events;
  }

  open(): void {
    const { network, near } = this;
    // The first packet takes its time as any other does.
    const knock = (): void => {
      if (!near.open) return;
      if (this.isBlocked(near.process.host, this.farHost)) return void network.loop.after(200, knock);
      const listener = network.listener(this.address);
      if (listener === undefined) return near.end('connection refused');
      this.keepalive = listener.keepalive;
      const far = new Side(this, listener.process, near.process.host, new Way());
      this.far = far;
      near.peer = far;
      far.peer = near;
      listener.process.at(network.loop.now, () => {
        far.events = listener.accept(far, near.process.host);
        this.flow();
      });
    };
    network.loop.after(network.latency(), knock);
  }

  touches(host: string): boolean {
    return this.near.process.host === host || this.farHost === host;
  }

  isBlocked(from: string, to: string): boolean {
    return this.network.isBlocked(from, to);
  }

  /** After the keepalive each end that still sees trouble gives up. */
  suspect(): void {
    const suspicion = ++this.suspicions;
    const { loop } = this.network;
    for (const side of [this.near, this.far]) {
      if (side === undefined) continue;
      loop.after(this.network.about(this.keepalive), () => {
        if (suspicion === this.suspicions && this.hasTrouble()) side.end('the other side does not answer');
      });
    }
  }

  flow(): void {
    if (this.hasTrouble()) return;
    this.suspicions++;
    this.near.flow();
    this.far?.flow();
  }

  reset(why: string): void {
    for (const side of [this.near, this.far]) {
      if (side === undefined) continue;
      side.cut();
      side.process.at(this.network.loop.now + this.network.latency(), () => side.end(why));
    }
  }

  died(process: VirtualProcess, silent: boolean): void {
    const side = [this.near, this.far].find((each) => each?.process === process);
    if (side === undefined) return;
    if (silent) this.suspect();
    else side.close('connection reset by peer');
    side.events = undefined;
  }

  ended(): void {
    if (!this.near.open && this.far?.open !== true) this.network.forget(this);
  }

  private hasTrouble(): boolean {
    const { near, far, farHost } = this;
    return (
      this.isBlocked(near.process.host, farHost) ||
      this.isBlocked(farHost, near.process.host) ||
      [near, far].some((side) => side !== undefined && (side.process.isStopped || !side.process.isAlive))
    );
  }
}

class Side implements ConnectionEnd {
  events: ConnectionEvents | undefined;
  peer: Side | undefined;
  open = true;
  private cutOff = false;

  /** @param way what goes from here to the other end */
  constructor(
    private readonly connection: Connection,
    readonly process: VirtualProcess,
    private readonly peerHost: string,
    private readonly way: Way,
  ) {}

  get waiting(): number {
    return this.way.waiting;
  }

  send(item: unknown, bytes: number): boolean {
    if (!this.open || this.cutOff) return true;
    this.way.waiting += bytes;
    this.travel({ item, bytes, last: false });
    if (this.way.waiting < highWater) return true;
    this.way.full = true;
    return false;
  }

  close(why: string): void {
    if (!this.open) return;
    this.travel({ item: why, bytes: 0, last: true });
    this.open = false;
    this.events = undefined;
    this.connection.ended();
  }

  /** The connection is over for this end, without its doing. */
  end(why: string): void {
    if (!this.open) return;
    this.open = false;
    const { events } = this;
    this.events = undefined;
    this.connection.ended();
    // The other end learns of it when it sends, or by its own keepalive.
    if (!this.cutOff) this.travel({ item: 'connection reset', bytes: 0, last: true });
    if (this.process.isAlive) this.process.at(this.connection.network.loop.now, () => events?.closed(why));
  }

  /** What is on its way from here is lost, and so is what is still sent. */
  cut(): void {
    this.cutOff = true;
    this.way.held.length = 0;
  }

  /** What waited is there, in its order. */
  flow(): void {
    const held = this.way.held.splice(0);
    for (const parcel of held) this.arrive(parcel);
  }

  private travel(parcel: Parcel): void {
    const { network } = this.connection;
    const { way } = this;
    way.lastAt = Math.max(way.lastAt, network.loop.now + network.latency());
    network.loop.at(way.lastAt, () => this.arrive(parcel));
  }

  private arrive(parcel: Parcel): void {
    if (this.cutOff) return;
    const { way, peer } = this;
    const stuck =
      way.held.length > 0 ||
      peer?.events === undefined ||
      this.connection.isBlocked(this.process.host, this.peerHost);
    if (stuck && peer?.open !== false) {
      way.held.push(parcel);
      return;
    }
    way.waiting -= parcel.bytes;
    if (peer !== undefined) peer.process.at(this.connection.network.loop.now, () => peer.take(parcel));
    if (way.full && way.waiting < highWater / 2) {
      way.full = false;
      this.events?.drained?.();
    }
  }

  private take({ item, last }: Parcel): void {
    if (!this.open || this.cutOff) return;
    if (!last) return this.events?.received(item);
    this.open = false;
    const { events } = this;
    this.events = undefined;
    this.connection.ended();
    events?.closed(item as string);
  }
}
