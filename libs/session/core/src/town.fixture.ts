import { type AudienceLimits, type Event, Kind, defaultAudienceLimits } from '@derailed/audience/core';
import { seededRng } from '@derailed/shared/kernel';
import type { Effect } from './effects';
import { type SessionLimits, defaultSessionLimits } from './kit';
import type { Inbound, NodeRef, Outbound } from './messages';
import { SessionNode } from './session-node';
import { type Client, TownGateway } from './town-gateway.fixture';
import { TownGuilds } from './town-guilds.fixture';
import { allIntents, eventOf, readinessOf } from './world.fixture';

const encoder = new TextEncoder();

type OfCase<C extends Outbound['$case']> = Extract<Outbound, { $case: C }>['value'];

interface Parcel {
  readonly from: NodeRef;
  readonly to: string;
  readonly message: Outbound | Inbound;
}

/**
 * Session-nodes, a guild-node and a ws-gateway that are joined by links in which messages wait until somebody lets them
 * go: flow by flow in order, flows in any order. The guild-node's audiences are real; what it says of classes is that
 * everybody sees everything.
 */
export class Town {
  now = 0;
  generation = 1;
  readonly nodes = new Map<string, SessionNode>();
  readonly gateway = new TownGateway((to, message) => this.put(this.ref('w'), to, 'c', message));
  readonly carried: Parcel[] = [];
  readonly acked = new Set<string>();
  /** Of sessions and users, by ring key; else s1. */
  readonly owners = new Map<string, string>();
  readonly listed = new Set<string>();
  readonly presences: { readonly from: string; readonly message: Outbound }[] = [];
  /** By what the monolith was answered. */
  readonly answers = new Map<number, unknown>();
  private readonly calls = new Map<number, { id: string; event: Event; userId: string; at?: string }>();
  /** Of those, the ones that wait for a sync. */
  private readonly late = new Set<number>();
  private readonly queues = new Map<string, Parcel[]>();
  private readonly guilds: TownGuilds;
  private readonly incarnations = new Map<string, string>();
  private readonly limits: SessionLimits;
  guildIds: readonly string[] = ['100', '200'];
  guildNode: NodeRef = { id: 'g', incarnation: 'g1' };
  held: ((parcel: Parcel) => boolean) | undefined;
  /** What never arrives. */
  lost: ((parcel: Parcel) => boolean) | undefined;

  constructor(
    limits: Partial<SessionLimits> = {},
    private readonly audience: AudienceLimits = { ...defaultAudienceLimits, ackTimeout: 1e9 },
  ) {
    const identifies = { ...defaultSessionLimits.identifies, interval: 0 };
    this.limits = { ...defaultSessionLimits, identifies, ...limits };
    this.guilds = new TownGuilds(
      audience,
      (node, flow, message) => this.put(this.guildNode, node, flow, message),
      (eventId) => this.acked.add(eventId),
    );
    for (const id of ['s1', 's2']) this.start(id);
  }

  start(id: string): SessionNode {
    const incarnation = `${id}-${(this.incarnations.get(id)?.length ?? 0) + 1}`;
    this.incarnations.set(id, incarnation);
    this.listed.add(id);
    const { owners } = this;
    const node = new SessionNode({
      limits: this.limits,
      audience: this.audience,
      placement: {
        self: { id, incarnation },
        ownerOf: (role, key) =>
          role === 'session-node' ? (owners.get(key) ?? 's1') : role === 'guild-node' ? 'g' : 'p',
        isMember: (ref) =>
          ref.id === 'g' || (this.listed.has(ref.id) && this.ref(ref.id).incarnation === ref.incarnation),
        generation: () => this.generation,
        holders: () => [...this.listed].filter((other) => other !== id),
      },
      rng: seededRng(id.charCodeAt(1)),
      encode: (text) => encoder.encode(text),
    });
    this.nodes.set(id, node);
    return node;
  }

  ref(id: string): NodeRef {
    return id === 'g' ? this.guildNode : { id, incarnation: this.incarnations.get(id) ?? `${id}-1` };
  }

  // ---- what tests do ------------------------------------------------------------------------------------

  /** A client of user 7, or another; sharded, so that its session may move without its user. */
  identify(userId = '7', fields: { intents?: number } = {}): number {
    const connection = this.gateway.connect();
    const value = {
      connection,
      userId,
      bot: false,
      intents: fields.intents ?? allIntents,
      intentsAbsent: false,
      sharded: true,
      shardId: 0,
      shardCount: 1,
      largeThreshold: 50,
      presence: { status: 'online', activities: '[]', client: 'web' },
      version: 10,
      resumeGatewayUrl: 'ws://here',
      client: 'web',
    };
    this.put(this.ref('w'), this.owners.get(`${userId}:0`) ?? 's1', 'c', { $case: 'identify', value });
    return connection;
  }

  /** A client that is in its guilds. */
  ready(userId = '7'): number {
    const connection = this.identify(userId);
    this.settle();
    return connection;
  }

  resume(of: number, seq: number, at?: string): number {
    const { sessionId } = this.client(of);
    const connection = this.gateway.connect();
    const owner = at ?? this.owners.get('7:0') ?? 's1';
    this.put(this.ref('w'), owner, 'c', {
      $case: 'resume',
      value: { connection, userId: '7', sessionId, seq },
    });
    return connection;
  }

  say(connection: number, message: (binding: { sessionId: string; epoch: number }) => Inbound): void {
    const { sessionId, epoch, peer } = this.client(connection);
    this.put(this.ref('w'), peer, 'c', message({ sessionId, epoch }));
  }

  drop(connection: number, endSession = false): void {
    this.say(connection, (binding) => ({ $case: 'connectionEnded', value: { ...binding, endSession } }));
    this.client(connection).closed = 1006;
  }

  /** A message in a guild. It is acked when its id is in `acked`. */
  publish(guildId: string, id: string, fields: Partial<Event> = {}): void {
    this.guilds.publish(guildId, id, fields, this.now);
  }

  /** An event of the user, or word that the user is in a guild or out of one. */
  publishToUser(id: string, event: Event = eventOf(id, 'X', `"u ${id}"`), userId = '7'): void {
    this.calls.set(this.calls.size + 1, { id, event, userId });
    this.call(this.calls.size);
  }

  /** The monolith ends the sessions of a user. */
  disconnect(userId: string, closeCode: number): void {
    const owner = this.ownerOf(userId);
    this.run(owner, this.node(owner).disconnectUser(1000, userId, closeCode, this.now));
  }

  /** The ring changes: the key goes to that node, and all hear of it. */
  move(key: string, to: string): void {
    // A user goes on only from an owner that has got it whole: owners claim, yield and sync before they serve.
    this.flush(`u:${key}`);
    const before = this.ownerOf(key);
    this.owners.set(key, to);
    this.changed();
    // What the owner before had no answer for comes again, in its order.
    const again =
      before === to
        ? []
        : [...this.calls].flatMap(([call, { id, userId }]) =>
            userId === key && !this.acked.has(id) ? call : [],
          );
    for (const call of again) this.late.delete(call);
    for (const call of again) this.call(call);
  }

  /** All hear of the list, and say their users' owners what they hold. */
  changed(): void {
    this.generation++;
    for (const [id, node] of this.nodes) this.run(id, node.userOwnersChanged(this.now));
    for (const [id, node] of this.nodes)
      for (const owner of this.nodes.keys())
        this.run(id, node.tellOwner(this.ref(owner), 'session-node', this.now));
  }

  /** A presence-node that has keys anew asks that node how its sessions are seen. */
  askPresences(of: string): void {
    this.run(of, this.node(of).tellPresences('p', this.now));
    this.settle();
  }

  /** The guild-node can't read that guild: it has no place for the session now. */
  refuse(connection: number, guildId: string): void {
    const { sessionId, peer } = this.client(connection);
    const value = {
      kind: Kind.guild,
      audienceId: guildId,
      sessionId,
      unavailable: true,
      delayMs: 0,
      view: 0,
    };
    this.put(this.guildNode, peer, `g:${guildId}`, { $case: 'subscribeRefused', value });
  }

  /** The guild-node starts anew and has forgotten everything. */
  forgetGuilds(): void {
    this.guilds.forget();
    for (const queue of this.queues.values())
      if (queue[0]?.from.id === 'g' || queue[0]?.to === 'g') queue.length = 0;
    this.guildNode = { id: 'g', incarnation: `${this.guildNode.incarnation}+` };
    for (const [id, node] of this.nodes) {
      this.run(id, node.peerGone(this.guildNode, this.now));
      this.run(id, node.peerUp(this.guildNode, this.now));
    }
  }

  /** The node dies; its peers lose the link. It is on the list until delist(). */
  kill(id: string): void {
    const ref = this.ref(id);
    this.nodes.delete(id);
    for (const [key, queue] of this.queues)
      if (queue[0]?.to === id || key.startsWith(`${id} `)) queue.length = 0;
    for (const [other, node] of this.nodes) this.run(other, node.peerGone(ref, this.now));
    this.gateway.gone(id);
  }

  delist(id: string): void {
    this.listed.delete(id);
    this.changed();
  }

  /** The link between two session-nodes breaks: what was under way is lost. */
  breakLink(one: string, other: string): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      for (const [key, queue] of this.queues) if (key.startsWith(`${from} ${to} `)) queue.length = 0;
      this.run(from, this.node(from).peerGone(this.ref(to), this.now));
    }
  }

  mendLink(one: string, other: string): void {
    this.run(one, this.node(one).peerUp(this.ref(other), this.now));
    this.run(other, this.node(other).peerUp(this.ref(one), this.now));
  }

  /** How many messages wait somewhere. */
  get waiting(): number {
    return [...this.queues.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** Lets go of one message of the flow that this number picks. False: none waits. */
  step(pick = 0): boolean {
    const ready = [...this.queues].filter(
      ([, [first]]) => first !== undefined && this.held?.(first) !== true,
    );
    const found = ready[pick % Math.max(1, ready.length)];
    const parcel = found?.[1].shift();
    if (parcel === undefined) return false;
    this.carry(parcel);
    const late = [...this.late];
    this.late.clear();
    for (const number of late) this.call(number);
    return true;
  }

  /** Lets everything go until nothing moves, and looks to timers that are due within so many milliseconds. */
  settle(ms = 100): void {
    const end = this.now + ms;
    for (;;) {
      while (this.step());
      const wakes = [...this.nodes.values()].flatMap((node) => node.nextWake() ?? []);
      const wake = Math.min(...wakes);
      if (wake > end) break;
      this.wait(Math.max(0, wake - this.now));
    }
    this.now = end;
  }

  wait(ms: number): void {
    this.now += ms;
    for (const [id, node] of this.nodes) this.run(id, node.tick(this.now));
  }

  client(connection: number): Client {
    return this.gateway.client(connection);
  }

  names(connection: number): string[] {
    return this.client(connection).frames.map(({ name }) => name);
  }

  /** The client's numbers are 1, 2, 3, ..., and its connection was never closed. */
  expectUnbroken(connection: number): void {
    const { frames, closed } = this.client(connection);
    expect(frames.map(({ seq }) => seq)).toEqual(frames.map((_, at) => at + 1));
    expect(closed).toBeUndefined();
  }

  /** What the client got of published events, e.g. `100 a` for event a of guild 100. */
  got(connection: number): string[] {
    return this.client(connection).frames.flatMap(({ name, text }) =>
      name === 'MESSAGE_CREATE' || name === 'X' ? text.replaceAll('"', '') : [],
    );
  }

  node(id: string): SessionNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`${id} is dead`);
    return node;
  }

  /** How many sessions live on that node. */
  sessions(id: string): number {
    return this.node(id).figures.sessions;
  }

  /** Messages of a kind that were carried. */
  told<C extends Outbound['$case']>(kind: C): OfCase<C>[] {
    return this.carried.flatMap(({ message }) =>
      message.$case === kind ? [message.value as OfCase<C>] : [],
    );
  }

  /** Lets all go that waits in that flow. */
  private flush(flow: string): void {
    for (let some = true; some;) {
      some = false;
      for (const [key, queue] of this.queues) {
        const parcel = key.endsWith(` ${flow}`) ? queue.shift() : undefined;
        if (parcel !== undefined) this.carry(parcel);
        some ||= parcel !== undefined;
      }
    }
  }

  // ---- how it works -------------------------------------------------------------------------------------

  private put(from: NodeRef, to: string, flow: string, message: Outbound | Inbound): void {
    const key = `${from.id} ${to} ${flow}`;
    const queue = this.queues.get(key);
    if (queue === undefined) this.queues.set(key, [{ from, to, message }]);
    else queue.push({ from, to, message });
  }

  private ownerOf(key: string): string {
    return this.owners.get(key) ?? 's1';
  }

  /** The user's owner publishes when all have said what they hold; a publish that it had no answer to comes again. */
  private call(number: number): void {
    const call = this.calls.get(number);
    if (call === undefined) return;
    const { event, userId } = call;
    const owner = this.ownerOf(userId);
    call.at = owner;
    const isSynced = ![...this.queues.values()].some((queue) =>
      queue.some(({ to, message }) => to === owner && message.$case === 'subscribe' && message.value.rejoins),
    );
    if (!isSynced || this.late.size > 0) this.late.add(number);
    else {
      const value = { kind: Kind.user, audienceIds: [userId], event, channelId: '' };
      this.run(owner, this.node(owner).publish(number, value, this.now));
    }
  }

  private run(id: string, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send') this.put(this.ref(id), effect.to, effect.flow, effect.message);
      else if (effect.kind === 'signal') this.put(this.ref(id), effect.to, `signal`, effect.message);
      else if (effect.kind === 'readReadiness') {
        const readiness = readinessOf(effect.userId, this.guildIds);
        this.run(id, this.node(id).readinessRead(effect.sessionId, readiness, this.now));
      } else if (effect.kind === 'behind') {
        const { userId, term, node, needs } = effect;
        this.run(id, this.node(id).known(userId, term, node, needs, this.now));
      } else if (effect.kind === 'answer') {
        this.answers.set(effect.call, effect.answer);
        const call = this.calls.get(effect.call);
        if (call?.at === id && '$case' in effect.answer) this.acked.add(call.id);
      }
    }
  }

  private carry(parcel: Parcel): void {
    const { from, to, message } = parcel;
    if (this.lost?.(parcel) === true) return;
    this.carried.push(parcel);
    if (to === 'g') this.guilds.hear(from.id, message as Outbound, this.now);
    else if (to === 'p') this.presences.push({ from: from.id, message: message as Outbound });
    else if (to === 'w') this.gateway.hear(from, message as Outbound);
    else if (this.nodes.has(to)) this.run(to, this.node(to).handle(message as Inbound, from, this.now));
  }
}
