import {
  type Cluster,
  EtcdCluster,
  StaticCluster,
  type Role,
  membershipSettings,
} from '@derailed/platform/cluster';
import { type NodeRef, compatible, contractVersion } from '@derailed/platform/mesh';
import type { Logger } from '@derailed/platform/observability';
import { type Rng, type Snowflake, seededRng } from '@derailed/shared/kernel';
import { VirtualLoop, VirtualNetwork, VirtualProcess } from '@derailed/testing';
import { z } from 'zod';
import { type FaultName, type FaultWorld, Faults, faultNames } from './faults';
import { History, type Violation } from './history';
import { Monolith } from './monolith';
import { type NodeWorld, SimNode, epoch } from './node';
import { type Claim, Onlooker } from './onlooker';
import { Platform } from './platform';
import type { Plant } from './plants';
import { VirtualClient, invalidSession } from './virtual-client';
import { VirtualEtcd } from './virtual-etcd';
import { type Stage, Workload, checkConvergence } from './workload';

export const clusterSources = ['static', 'etcd'] as const;
export type ClusterSource = (typeof clusterSources)[number];

export interface SimulationOptions {
  readonly seed: number;
  /** What may go wrong; everything by default. */
  readonly faults?: readonly FaultName[] | undefined;
  /** What goes wrong, in place of what the seed says. */
  readonly script?: ((world: FaultWorld) => void) | undefined;
  /** Where the member list comes from; by default as the seed says. */
  readonly cluster?: ClusterSource | undefined;
  /** A bug to be found. */
  readonly plant?: Plant | undefined;
  /** Gets each line of what happens, with its time in ms. */
  readonly trace?: ((line: string) => void) | undefined;
}

export interface Outcome {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly published: number;
  readonly dispatches: number;
  readonly sessions: number;
  /** Those that the gateway ended. */
  readonly ended: number;
}

/** When what begins and ends, in ms of virtual time. */
const schedule = {
  clients: 500,
  work: 2500,
  faults: 5000,
  faultsEnd: 30_000,
  workEnd: 36_000,
  /** Nothing waits any more that could outgrow its limit. */
  bounded: 42_000,
  /** Something for everybody, long after. */
  last: 75_000,
  end: 85_000,
} as const;

/** Of nodes that never were on the list. */
const mostJoins = 2;
/** How often the limits are looked at (ms). */
const boundsEvery = 1000;

const shapes: readonly (readonly (readonly Role[])[])[] = [
  [
    ['session-node'],
    ['session-node'],
    ['guild-node'],
    ['guild-node'],
    ['presence-node'],
    ['ws-gateway'],
    ['ws-gateway'],
    ['tunnel'],
    ['tunnel'],
  ],
  [
    ['ws-gateway', 'session-node'],
    ['ws-gateway', 'session-node'],
    ['guild-node', 'presence-node', 'tunnel'],
    ['guild-node', 'presence-node', 'tunnel'],
  ],
  [
    ['ws-gateway', 'session-node', 'guild-node', 'presence-node', 'tunnel'],
    ['ws-gateway', 'session-node', 'guild-node', 'presence-node', 'tunnel'],
    ['ws-gateway', 'session-node', 'guild-node', 'presence-node', 'tunnel'],
  ],
];

const nameOf = (index: number): string => `10.0.0.${index + 1}:18000`;

/** One world from its seed to its end: nothing in it depends on anything else. */
export class Simulation {
  private readonly rng: Rng;
  private readonly loop = new VirtualLoop((error) =>
    this.history.broken('no errors', error instanceof Error ? (error.stack ?? error.message) : String(error)),
  );
  private readonly platform = new Platform(() => epoch + this.loop.now);
  private readonly history = new History(
    this.platform,
    () => this.loop.now,
    (what) => this.trace(what),
  );
  private readonly network: VirtualNetwork;
  private readonly nodes: SimNode[] = [];
  private readonly clients: VirtualClient[] = [];
  private readonly monoliths: Monolith[] = [];
  /** Where clients and monoliths look. */
  private readonly gateways: string[] = [];
  private readonly tunnels: string[] = [];
  /** Of nodes that join; the rest of a world is the same with and without. */
  private readonly joinChance: Rng;

  constructor(private readonly options: SimulationOptions) {
    this.rng = seededRng(options.seed * 0x9e37 + 1);
    this.joinChance = seededRng(options.seed * 0x51ed + 7);
    this.network = new VirtualNetwork(this.loop, this.split());
  }

  async run(): Promise<Outcome> {
    this.settle();
    const stage: Stage = {
      platform: this.platform,
      history: this.history,
      clients: this.clients,
      monolithOf: (key) => this.monoliths[Number(BigInt(key) >> 22n) % this.monoliths.length]!,
    };
    const workload = new Workload(stage, this.split());
    const faults = this.startFaults();
    const { rng, loop } = this;
    for (const client of this.clients) loop.at(schedule.clients + 1500 * rng.next(), () => client.connect());
    for (let at: number = schedule.work; at < schedule.workEnd; at += -Math.log(1 - rng.next()) * 130)
      loop.at(at, () => workload.step());
    loop.at(schedule.workEnd, () => faults.end());
    loop.at(schedule.last, () => {
      for (const guildId of this.platform.guildIds) workload.guildNote(guildId);
      for (const userId of this.platform.users.keys()) workload.userNote(userId);
    });
    for (let at: number = schedule.work; at < schedule.bounded; at += boundsEvery)
      loop.at(at, () => {
        for (const node of this.nodes) void node.checkBounds();
      });
    await loop.run(schedule.end);
    this.history.checkAcks();
    this.history.checkLosses();
    checkConvergence(stage);
    return {
      seed: this.options.seed,
      violations: this.history.violations,
      published: this.history.count,
      dispatches: this.history.lives.reduce((sum, { seq }) => sum + seq, 0),
      sessions: this.history.lives.length,
      ended: this.history.lives.filter(({ end }) => end === invalidSession).length,
    };
  }

  private settle(): void {
    const { rng, platform, options, history, network, loop, nodes, gateways, tunnels } = this;
    const users = Array.from({ length: 6 }, () => platform.addUser().id);
    for (let count = 0; count < 3; count++) {
      const members = users.filter(() => rng.next() < 0.75);
      platform.addGuild(members.length > 0 ? members : users, 3, this.split());
    }
    const trace = (what: () => string): void => this.trace(what);
    const source = options.cluster ?? clusterSources[seededRng(options.seed).next() < 0.5 ? 0 : 1];
    const shape = shapes[Math.floor(rng.next() * shapes.length)]!;
    const members = shape.map((roles, index) => ({ id: nameOf(index), roles }));
    const onlooker = new Onlooker(
      history,
      () => loop.now,
      (at, role, key) => this.claim(at, role, key),
      trace,
    );
    const generationOf = (id: string): number =>
      this.nodes.find((node) => node.id === id)?.cluster?.view.generation ?? 0;
    const world: NodeWorld = {
      loop,
      network,
      platform,
      history,
      database: { away: false, latency: 2 },
      auth: { away: false },
      tap: options.plant?.tap?.(onlooker, loop, generationOf) ?? onlooker,
      tight: rng.next() < 0.2,
      get size() {
        return nodes.length;
      },
      trace,
      died: (id) => onlooker.died(id),
      started: (id) => onlooker.started(id),
      leaseTtl,
      drainTimeout,
      cluster: (node, process, mesh, chance, logger) => {
        const cluster =
          this.etcd === undefined
            ? StaticCluster.of(members, node)
            : memberIn(this.etcd, node, process, mesh.self.incarnation, chance, logger);
        return options.plant?.cluster?.(cluster) ?? cluster;
      },
    };
    if (source === 'etcd') this.etcd = new VirtualEtcd(loop, network, trace);
    this.world = world;
    for (const { roles } of members) this.add(roles, this.split());
    for (const node of nodes) loop.at(100 * rng.next(), () => node.start());
    for (let index = 0; index < 8; index++) {
      const name = `client-${index}`;
      const userId = users[index % users.length]!;
      const process = new VirtualProcess(loop, name, 0, 0);
      this.clients.push(
        new VirtualClient(name, userId, process, this.split(), { network, history, gateways, trace }),
      );
    }
    for (const name of ['monolith-0', 'monolith-1']) {
      const process = new VirtualProcess(loop, name, 0, 0);
      this.monoliths.push(
        new Monolith(name, process, this.split(), { network, history, platform, tunnels, trace }),
      );
    }
  }

  private add(roles: readonly Role[], chance: Rng): SimNode {
    const id = nameOf(this.nodes.length);
    const node = new SimNode(id, roles, chance, this.world!);
    this.nodes.push(node);
    if (roles.includes('ws-gateway')) this.gateways.push(`${id}/ws`);
    if (roles.includes('tunnel')) this.tunnels.push(`${id}/tunnel`);
    return node;
  }

  private world: NodeWorld | undefined;
  /** Undefined: the list is fixed. */
  private etcd: VirtualEtcd | undefined;

  private startFaults(): Faults {
    const { loop, network, nodes, clients, rng, joinChance } = this;
    const { database, auth } = this.world!;
    const { script, faults: only = faultNames } = this.options;
    const world: FaultWorld = {
      loop,
      network,
      nodes,
      clients,
      database,
      auth,
      etcd: this.etcd,
      newcomer: (roles) => this.add(roles, seededRng(Math.floor(joinChance.next() * 2 ** 32))),
      monoliths: this.monoliths.map(({ name }) => name),
      trace: (what) => this.trace(what),
    };
    const faults = new Faults(world, this.split(), only);
    if (script !== undefined) {
      script(world);
      return faults;
    }
    const strikes = Math.floor(12 * rng.next());
    for (let count = 0; count < strikes; count++) {
      const at = schedule.faults + (schedule.faultsEnd - schedule.faults) * rng.next();
      loop.at(at, () => faults.strike());
    }
    const joins = Math.floor((mostJoins + 1) * joinChance.next());
    for (let count = 0; count < joins; count++) {
      const at = schedule.faults + (schedule.faultsEnd - schedule.faults) * joinChance.next();
      loop.at(at, () => faults.join(joinChance));
    }
    return faults;
  }

  private claim({ id, incarnation }: NodeRef, role: 'guild-node' | 'session-node', key: Snowflake): Claim {
    const node = this.nodes.find((each) => each.id === id);
    const view = node?.incarnation === incarnation ? node.cluster?.view : undefined;
    const isMember = this.etcd === undefined || this.etcd.has(id, incarnation);
    return { generation: view?.generation ?? 0, isValid: isMember && view?.ownerOf(role, key) === id };
  }

  /** Chance of its own for a part of the world. */
  private split(): Rng {
    return seededRng(Math.floor(this.rng.next() * 2 ** 32));
  }

  private trace(what: () => string): void {
    this.options.trace?.(`${this.loop.now.toFixed(2).padStart(9)}  ${what()}`);
  }
}

const membership = z.object(membershipSettings).parse({});
const { leaseTtl, drainTimeout } = membership;

/** The node's membership, on the virtual etcd. */
function memberIn(
  etcd: VirtualEtcd,
  { id, roles }: SimNode,
  process: VirtualProcess,
  incarnation: string,
  rng: Rng,
  logger: Logger,
): Cluster {
  const self = { id, incarnation, roles };
  const { clock } = process;
  const options = { config: membership, self, contractVersion, compatible, clock, rng, logger };
  return EtcdCluster.on(etcd.storeFor(process, leaseTtl / 3), '/derailed', options);
}

export function simulate(options: SimulationOptions): Promise<Outcome> {
  return new Simulation(options).run();
}
