import type { Role } from '@derailed/platform/cluster';
import type { Rng } from '@derailed/shared/kernel';
import type { VirtualLoop, VirtualNetwork } from '@derailed/testing';
import type { DatabaseWeather } from './database';
import type { SimNode } from './node';
import { type VirtualEtcd, etcdHost } from './virtual-etcd';
import type { VirtualClient } from './virtual-client';

export interface FaultWorld {
  readonly loop: VirtualLoop;
  readonly network: VirtualNetwork;
  readonly nodes: readonly SimNode[];
  readonly clients: readonly VirtualClient[];
  readonly monoliths: readonly string[];
  readonly database: DatabaseWeather;
  readonly auth: { away: boolean };
  /** Undefined: the member list is fixed. */
  readonly etcd: VirtualEtcd | undefined;
  /** A node that never was on the list, of the roles of one that is. */
  newcomer(roles: readonly Role[]): SimNode;
  trace(what: () => string): void;
}

const weights = {
  reset: 6,
  cut: 5,
  halfOpen: 3,
  isolate: 2,
  pause: 3,
  crash: 5,
  drain: 3,
  client: 6,
  monolith: 2,
  database: 1,
  auth: 1,
  leave: 2,
  etcd: 1,
  lease: 2,
} as const;

/** What only a cluster on etcd knows. */
const ofEtcd: readonly string[] = ['leave', 'etcd', 'lease', 'join'];

type Strike = keyof typeof weights;

/** join: a node comes that never was there. It has chance of its own, so that the other faults of a seed stay what they are. */
export type FaultName = Strike | 'join';

export const faultNames: readonly FaultName[] = [...(Object.keys(weights) as Strike[]), 'join'];

/** What goes wrong, each for a while. */
export class Faults {
  private over = false;
  private readonly kinds: readonly (readonly [Strike, number, () => void])[];
  private readonly mayJoin: boolean;

  constructor(
    private readonly world: FaultWorld,
    private readonly rng: Rng,
    only: readonly FaultName[],
  ) {
    const strikes: Record<Strike, () => void> = {
      reset: () => this.resetLink(),
      cut: () => this.cutLink(),
      halfOpen: () => this.halfOpen(),
      isolate: () => this.isolate(),
      pause: () => this.pause(),
      crash: () => this.crash(),
      drain: () => this.drain(),
      client: () => this.dropClient(),
      monolith: () => this.dropMonolith(),
      database: () => this.databaseTrouble(),
      auth: () => this.authTrouble(),
      leave: () => this.leave(),
      etcd: () => this.etcdTrouble(),
      lease: () => this.cutFromEtcd(),
    };
    const known = only.filter((name) => world.etcd !== undefined || !ofEtcd.includes(name));
    this.mayJoin = known.includes('join');
    this.kinds = known.flatMap((name) => (name === 'join' ? [] : [[name, weights[name], strikes[name]]]));
  }

  /** A node of a new name, beside one of those that are there. @param chance its own */
  join(chance: Rng): void {
    if (!this.mayJoin) return;
    const { nodes, newcomer } = this.world;
    const { roles } = nodes[Math.floor(chance.next() * nodes.length)]!;
    newcomer(roles).start();
  }

  /** Something goes wrong now. */
  strike(): void {
    let left = this.rng.next() * this.kinds.reduce((sum, [, weight]) => sum + weight, 0);
    this.kinds.find(([, weight]) => (left -= weight) < 0)?.[2]();
  }

  /** All is well from here on. */
  end(): void {
    const { network, nodes, database, auth, etcd, trace } = this.world;
    this.over = true;
    trace(() => 'the faults end');
    network.unblockAll();
    etcd?.comeBack();
    database.away = auth.away = false;
    database.latency = 2;
    for (const node of nodes) {
      node.wake();
      if (!node.isUp) node.start();
    }
  }

  private resetLink(): void {
    const [one, other] = this.twoHosts();
    this.world.trace(() => `connections between ${one} and ${other} are reset`);
    this.world.network.reset(one, other);
  }

  private cutLink(): void {
    const [one, other] = this.twoHosts();
    const ms = this.duration(12_000);
    this.world.trace(() => `${one} and ${other} are cut for ${ms} ms`);
    if (this.rng.next() < 0.3) this.world.network.reset(one, other);
    this.block(one, other, ms);
    this.block(other, one, ms);
  }

  private halfOpen(): void {
    const [one, other] = this.twoHosts();
    const ms = this.duration(12_000);
    this.world.trace(() => `nothing passes from ${one} to ${other} for ${ms} ms`);
    this.block(one, other, ms);
  }

  private isolate(): void {
    const { id } = this.pick(this.world.nodes);
    const ms = this.duration(15_000);
    this.world.trace(() => `${id} is cut off for ${ms} ms`);
    const others = [...this.world.nodes.map((node) => node.id), etcdHost];
    for (const other of others) {
      if (other === id) continue;
      this.block(id, other, ms);
      this.block(other, id, ms);
    }
  }

  private pause(): void {
    const node = this.pick(this.world.nodes);
    if (!node.isUp) return;
    node.stop();
    this.later(this.duration(20_000), () => node.wake());
  }

  private crash(): void {
    const node = this.pick(this.world.nodes);
    if (!node.isUp) return;
    node.wake();
    node.kill(this.rng.next() < 0.3);
    this.later(this.duration(12_000), () => this.restart(node));
  }

  private drain(): void {
    const node = this.pick(this.world.nodes);
    if (!node.isUp || node.process?.isStopped === true) return;
    node.drain(() => this.later(this.duration(2000), () => this.restart(node)));
  }

  /** As a node that is taken out of service for a while, and comes back as a new one. */
  private leave(): void {
    const node = this.pick(this.world.nodes);
    if (!node.isUp || node.process?.isStopped === true) return;
    node.drain(() => this.later(2000 + this.duration(15_000), () => this.restart(node)));
  }

  private etcdTrouble(): void {
    const { nodes, etcd, trace } = this.world;
    const ms = this.duration(20_000);
    trace(() => `etcd is away for ${ms} ms`);
    for (const { id } of nodes) {
      this.block(id, etcdHost, ms);
      this.block(etcdHost, id, ms);
    }
    etcd?.goAway();
    this.later(ms, () => etcd?.comeBack());
  }

  /** The others know it still, and it them. */
  private cutFromEtcd(): void {
    const { id } = this.pick(this.world.nodes);
    const ms = this.duration(20_000);
    this.world.trace(() => `${id} is cut off from etcd for ${ms} ms`);
    this.block(id, etcdHost, ms);
    this.block(etcdHost, id, ms);
  }

  private dropClient(): void {
    const client = this.pick(this.world.clients);
    const { gateway } = client;
    if (gateway === undefined) return;
    if (this.rng.next() < 0.5) {
      this.world.trace(() => `the connection of ${client.name} is reset`);
      this.world.network.reset(client.name, gateway);
    } else {
      const ms = this.duration(15_000);
      this.world.trace(() => `${client.name} loses its network for ${ms} ms`);
      this.block(client.name, gateway, ms);
      this.block(gateway, client.name, ms);
    }
  }

  private dropMonolith(): void {
    const monolith = this.pick(this.world.monoliths);
    const { id } = this.pick(this.world.nodes);
    this.world.trace(() => `connections between ${monolith} and ${id} are reset`);
    this.world.network.reset(monolith, id);
  }

  private databaseTrouble(): void {
    const { database, trace } = this.world;
    const isAway = this.rng.next() < 0.5;
    trace(() => `the database is ${isAway ? 'away' : 'slow'}`);
    if (isAway) database.away = true;
    else database.latency = 1500;
    this.later(this.duration(6000), () => {
      database.away = false;
      database.latency = 2;
    });
  }

  private authTrouble(): void {
    const { auth, trace } = this.world;
    trace(() => 'the auth service is away');
    auth.away = true;
    this.later(this.duration(6000), () => {
      auth.away = false;
    });
  }

  private restart(node: SimNode): void {
    if (!node.isUp) node.start();
  }

  private block(from: string, to: string, ms: number): void {
    this.world.network.block(from, to);
    this.later(ms, () => this.world.network.unblock(from, to));
  }

  private later(ms: number, task: () => void): void {
    this.world.loop.after(ms, () => {
      if (!this.over) task();
    });
  }

  /** Short ones are as likely as long ones. */
  private duration(longest: number): number {
    return Math.round(20 * (longest / 20) ** this.rng.next());
  }

  private twoHosts(): [string, string] {
    const one = this.pick(this.world.nodes).id;
    const others = this.world.nodes.filter(({ id }) => id !== one);
    return [one, others.length === 0 ? one : this.pick(others).id];
  }

  private pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.rng.next() * from.length)]!;
  }
}
