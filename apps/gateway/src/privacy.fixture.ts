import {
  defaultGuildLimits,
  type Effect as GuildEffect,
  Guild,
  parseChange,
  type Send,
} from '@derailed/guild/core';
import {
  defaultSessionLimits,
  type Effect as SessionEffect,
  type Inbound,
  type NodeRef,
  type Outbound,
  SessionNode,
} from '@derailed/session/core';
import { type Rng, seededRng, type Snowflake } from '@derailed/shared/kernel';
import type { GuildSnapshot } from '@derailed/shared/protocol';
import { lineOf, type Numbered, type Onlooker } from '@derailed/testing';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decoder = new TextDecoder();
/** Its snapshots leave no members out. */
const nobodyElse = { members: [], joined: [] };
const nothing = new Uint8Array(0);
const ref = (id: string): NodeRef => ({ id, incarnation: 'a' });
const gateway = ref('gateway');
const guildNode = ref('guild');
const epoch = 1_700_000_000_000;

/** A client by its own account: one session, over as many connections as it takes. */
export interface Client {
  readonly userId: Snowflake;
  readonly intents: number;
  /** 0: it has none. */
  connection: number;
  /** Whether the connection was told that it is the session's. */
  bound: boolean;
  sessionId: string;
  epoch: number;
  lastSeq: number;
  /** What it got of the guild. */
  readonly lines: string[];
}

export interface CoresOptions {
  readonly seed: number;
  readonly guildId: Snowflake;
  readonly sessionNodes: number;
  /** What the database says at this moment. */
  readonly database: () => {
    readonly snapshot: GuildSnapshot;
    readonly guildIdsOf: (userId: Snowflake) => string[];
  };
  /** The guild has subscribed the session: from here on it gets what is published. */
  readonly entered: (onlooker: Onlooker) => void;
  /** Wall time is about to be this. */
  readonly passing: (wall: number) => void;
}

/**
 * The cores of a guild-node and of some session-nodes, and the links between them and to one ws-gateway, on a virtual
 * clock. What goes one way in one flow stays in order; which flow's turn it is next the seed says. The parts that are
 * shells in a process (links, timers, the database, sockets) are played here, and nothing else.
 */
export class Cores {
  now = 0;
  readonly guild: Guild;
  readonly clients: Client[] = [];
  readonly answers = new Map<number, unknown>();
  /** Session-nodes to which the guild-node's link takes nothing. */
  readonly full = new Set<string>();
  private readonly rng: Rng;
  private readonly nodes = new Map<string, SessionNode>();
  private readonly flows = new Map<string, (() => void)[]>();
  private readonly connections = new Map<number, Client>();
  private calls = 0;

  constructor(private readonly options: CoresOptions) {
    this.rng = seededRng(options.seed);
    this.guild = new Guild(options.guildId, encode, seededRng(options.seed + 1), {
      ...defaultGuildLimits,
      nodeGrace: 1e9,
    });
    for (let at = 0; at < options.sessionNodes; at++) {
      const id = `session-${at}`;
      const ownerOf = (role: string, key: string): string =>
        role === 'session-node' ? this.homeOf(key) : role === 'guild-node' ? guildNode.id : 'presence';
      const identifies = { ...defaultSessionLimits.identifies, interval: 0 };
      this.nodes.set(
        id,
        new SessionNode({
          limits: { ...defaultSessionLimits, identifies },
          placement: { self: ref(id), ownerOf, isMember: () => true, generation: () => 1, holders: () => [] },
          rng: seededRng(options.seed + 2 + at),
          encode,
        }),
      );
    }
  }

  get at() {
    return { now: this.now, wall: epoch + this.now };
  }

  connect(userId: Snowflake, intents: number): Client {
    const client: Client = {
      userId,
      intents,
      connection: ++this.calls,
      bound: false,
      sessionId: '',
      epoch: 0,
      lastSeq: 0,
      lines: [],
    };
    this.clients.push(client);
    this.connections.set(client.connection, client);
    this.fromGateway(this.homeOf(userId), {
      $case: 'identify',
      value: {
        connection: client.connection,
        userId,
        bot: false,
        intents,
        intentsAbsent: false,
        sharded: false,
        shardId: 0,
        shardCount: 1,
        largeThreshold: 250,
        presence: undefined,
        version: 10,
        resumeGatewayUrl: '',
        client: 'web',
      },
    });
    return client;
  }

  /** The client's network is gone. */
  drop(client: Client): void {
    const { sessionId, epoch: bound } = client;
    this.connections.delete(client.connection);
    client.connection = 0;
    this.fromGateway(this.homeOf(client.userId), {
      $case: 'connectionEnded',
      value: { sessionId, epoch: bound, endSession: false },
    });
  }

  resume(client: Client): void {
    client.connection = ++this.calls;
    client.bound = false;
    this.connections.set(client.connection, client);
    const { connection, userId, sessionId, lastSeq: seq } = client;
    const value = { connection, userId, sessionId, seq };
    this.fromGateway(this.homeOf(userId), { $case: 'resume', value });
  }

  /** Hands an event to the guild, at once. @returns the number of the call */
  publish({ name, data, channelId, permissions }: Numbered, id = `event ${this.calls + 1}`): number {
    const call = ++this.calls;
    const bytes = encode(JSON.stringify(data));
    const event = { id, name, data: bytes, own: nothing, volatile: false };
    const change = parseChange(name, bytes);
    if (change?.kind === 'member' && change.isNew) this.announceJoin(change.userId, id);
    this.runGuild(this.guild.publish({ call, publish: { event, channelId, permissions }, change }, this.at));
    return call;
  }

  /** Lets up to so many messages arrive, flows in turns that the seed gives. */
  carry(count = Number.POSITIVE_INFINITY): void {
    for (let left = count; left > 0 && this.flows.size > 0; left--) {
      const keys = [...this.flows.keys()];
      const key = keys[Math.floor(this.rng.next() * keys.length)] ?? '';
      const flow = this.flows.get(key) ?? [];
      const arrive = flow.shift();
      if (flow.length === 0) this.flows.delete(key);
      arrive?.();
    }
  }

  /** Lets time pass. What is under way stays under way. */
  wait(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const wakes = [this.guild, ...this.nodes.values()].map(
        (one) => one.nextWake() ?? Number.POSITIVE_INFINITY,
      );
      const next = Math.min(...wakes);
      if (next > end) break;
      this.now = Math.max(this.now, next);
      if ((this.guild.nextWake() ?? Number.POSITIVE_INFINITY) <= this.now) {
        this.options.passing(this.at.wall - 1);
        this.runGuild(this.guild.tick(this.at));
        this.options.passing(this.at.wall);
      }
      for (const [id, node] of this.nodes)
        if ((node.nextWake() ?? Number.POSITIVE_INFINITY) <= this.now)
          this.runSession(id, () => node.tick(this.now));
    }
    this.now = end;
    this.options.passing(this.at.wall);
  }

  /** All links are open, and all that is under way arrives; nodes that were behind catch up. */
  settle(): void {
    this.full.clear();
    for (let round = 0; round < 5; round++) {
      this.carry();
      this.wait(200);
    }
    this.carry();
  }

  private homeOf(userId: Snowflake): string {
    return `session-${Number(BigInt(userId) % BigInt(this.options.sessionNodes))}`;
  }

  private send(flow: string, arrive: () => void): void {
    const queue = this.flows.get(flow);
    if (queue === undefined) this.flows.set(flow, [arrive]);
    else queue.push(arrive);
  }

  private fromGateway(node: string, message: Inbound): void {
    this.send(`gateway>${node}`, () => this.arrive(node, message, gateway));
  }

  private arrive(node: string, message: Inbound, from: NodeRef): void {
    this.runSession(node, (target) => target.handle(message, from, this.now));
  }

  /** What the guild-node's shell does beside the core. */
  private announceJoin(userId: Snowflake, id: string): void {
    const event = {
      id: `${id}:join`,
      name: 'GUILD_CREATE',
      data: encode(`{"id":"${this.guild.id}"}`),
      own: nothing,
    };
    const value = { kind: 2, audienceIds: [userId], event: { ...event, volatile: false }, channelId: '' };
    const home = this.homeOf(userId);
    this.send(`guild>${home} u:${userId}`, () =>
      this.runSession(home, (node) => node.publish(++this.calls, value, this.now)),
    );
  }

  private runGuild(effects: readonly GuildEffect[]): void {
    const refused = new Map<string, Send[]>();
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          for (const node of effect.nodes) this.fromGuild(node, effect, refused);
          break;
        case 'answer':
          this.answers.set(effect.call, effect.answer);
          break;
        case 'behind':
          this.runGuild(this.guild.known(effect.node, effect.needs, this.at));
          break;
        case 'joined':
          this.announceJoin(effect.userId, `joined ${++this.calls}`);
          break;
        case 'load':
          this.ask((snapshot) => this.guild.loaded(effect.load, snapshot, this.at));
          break;
        case 'reread':
          this.ask((snapshot) => this.guild.reread(effect.read, { snapshot, ...nobodyElse }, this.at));
          break;
        case 'loadMembers':
          this.ask(({ members }) => {
            const found = (members ?? []).filter(({ user }) => effect.userIds.includes(user.id));
            return this.guild.membersLoaded(effect.load, found, this.at);
          });
          break;
        case 'unload':
      }
    }
    for (const [node, sends] of refused) this.runGuild(this.guild.undelivered(node, sends, this.at));
  }

  /** The answer is what the database says now, and comes later. */
  private ask(answer: (snapshot: GuildSnapshot) => readonly GuildEffect[]): void {
    const { snapshot } = this.options.database();
    this.send('database', () => this.runGuild(answer(snapshot)));
  }

  private fromGuild(node: string, send: Send, refused: Map<string, Send[]>): void {
    const kept = refused.get(node);
    if (kept !== undefined) kept.push(send);
    else if (this.full.has(node)) refused.set(node, [send]);
    else {
      const { message, answers } = send;
      if (message.$case === 'subscribed' && answers !== undefined)
        this.options.entered({ id: answers.sessionId, userId: answers.userId, intents: answers.intents });
      this.send(`guild>${node}`, () => this.arrive(node, message as Inbound, guildNode));
    }
  }

  private runSession(from: string, act: (node: SessionNode) => readonly SessionEffect[]): void {
    const node = this.nodes.get(from);
    for (const effect of node === undefined ? [] : act(node)) {
      switch (effect.kind) {
        case 'send':
          this.fromSession(from, effect.to, effect.flow, effect.message);
          break;
        case 'signal':
          this.fromSession(from, effect.to, 'control', effect.message);
          break;
        case 'answer':
          this.answers.set(effect.call, effect.answer);
          break;
        case 'behind':
          this.runSession(from, (self) =>
            self.known(effect.userId, effect.term, effect.node, effect.needs, this.now),
          );
          break;
        case 'readReadiness':
          this.read(from, effect.sessionId, effect.userId);
          break;
        default:
          throw new Error('nobody asks for members here');
      }
    }
  }

  private read(node: string, sessionId: string, userId: Snowflake): void {
    const guildIds = this.options.database().guildIdsOf(userId);
    const user = { id: userId, username: 'u', discriminator: '0', avatar: null, email: null };
    const whole = { ...user, flags: 0, bot: false, system: false };
    const readiness = { user: whole, settings: null, guildIds, guildPositions: [], activities: [] };
    this.send('database', () =>
      this.runSession(node, (target) => target.readinessRead(sessionId, readiness, this.now)),
    );
  }

  private fromSession(from: string, to: string, flow: string, message: Outbound): void {
    const key = `${from}>${to} ${flow}`;
    if (to === gateway.id) this.send(key, () => this.atGateway(from, message));
    else if (to === guildNode.id) this.send(key, () => this.atGuild(from, message));
    else if (this.nodes.has(to)) this.send(key, () => this.arrive(to, message as Inbound, ref(from)));
  }

  private atGuild(from: string, message: Outbound): void {
    const { guild, at } = this;
    switch (message.$case) {
      case 'subscribe':
        this.runGuild(guild.subscribe(from, message.value, at));
        break;
      case 'unsubscribe':
        this.runGuild(guild.unsubscribe(from, message.value.sessionIds, at));
        break;
      case 'audienceAck':
        this.runGuild(guild.ack(from, message.value.index, message.value.sessions, at));
        break;
      case 'audienceSync':
        this.runGuild(guild.sync(from, message.value.index, at));
        break;
      default:
        throw new Error(`a guild is not told ${message.$case}`);
    }
  }

  private atGateway(from: string, message: Outbound): void {
    switch (message.$case) {
      case 'bound': {
        const client = this.connections.get(message.value.connection);
        if (client === undefined) return;
        client.sessionId = message.value.sessionId;
        client.epoch = message.value.epoch;
        client.bound = true;
        break;
      }
      case 'deliver': {
        const { event, connections, seqs, wantsDrain } = message.value;
        connections.forEach((connection, at) => {
          const client = this.connections.get(connection);
          if (client === undefined) return;
          this.receive(
            client,
            seqs[at] ?? 0,
            event.name,
            decoder.decode(event.data) + decoder.decode(event.own),
          );
          const { sessionId, epoch: bound } = client;
          if (wantsDrain) this.fromGateway(from, { $case: 'drained', value: { sessionId, epoch: bound } });
        });
        break;
      }
      default:
        throw new Error(`nobody has to be sent away, and nothing else is said: ${message.$case}`);
    }
  }

  private receive(client: Client, seq: number, name: string, json: string): void {
    if (seq !== client.lastSeq + 1) throw new Error(`${client.sessionId} got ${seq} after ${client.lastSeq}`);
    client.lastSeq = seq;
    if (name !== 'READY' && name !== 'RESUMED') client.lines.push(lineOf(name, JSON.parse(json) as never));
  }
}
