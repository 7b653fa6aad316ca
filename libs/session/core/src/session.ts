import { Kind } from '@derailed/audience/core';
import { shardOf } from '@derailed/shared/kernel';
import type { GuildEntry } from './guild-entries';
import type { Had } from './inherited-ids';
import type { Presence } from './messages';
import { MissedPresences, type VolatileEvent } from './missed-presences';
import type { Outlet } from './outlets';
import { type Held, ReplayBuffer, type ReplayLimits, type ReplayMemory } from './replay-buffer';
import type { Entry } from './agenda';

export interface Shard {
  readonly id: number;
  readonly count: number;
}

/** What Identify fixes for a session's whole life. */
export interface SessionTraits {
  readonly id: string;
  readonly userId: string;
  readonly bot: boolean;
  readonly intents: number;
  /** Undefined: not sharded, all guilds. */
  readonly shard: Shard | undefined;
  readonly largeThreshold: number;
  readonly version: number;
  readonly resumeGatewayUrl: string;
  /** What the client runs on: web, desktop, mobile or vr. */
  readonly client: string;
}

/**
 * `starting`: READY waits for the User and the database. `arriving`: it lives at another node still, and what comes for
 * it waits. `live`: dispatches go to the connection at once. `replaying`: the connection gets what was missed; live
 * dispatches only enter the buffer. `detached`: no connection. `ended`: out of every map.
 */
export type SessionState = 'starting' | 'arriving' | 'live' | 'replaying' | 'detached' | 'ended';

/** The connection that a session speaks through. Each bind has a greater epoch than the one before. */
export interface Binding {
  readonly outlet: Outlet;
  readonly connection: number;
}

/** One logged-in client. */
export class Session {
  readonly buffer: ReplayBuffer;
  /** Events that wait: behind READY, or for the end of a move. */
  waiting: Held[] | undefined = [];
  /** The same as binding, while live: what the fan-out reads. */
  private outlet: Outlet | undefined;
  private connection = 0;

  state: SessionState = 'starting';
  /** Its User has counted it, and its connection was told that it is bound. */
  admitted = false;
  binding: Binding | undefined;
  epoch = 0;
  /** An epoch whose connection is still this one: it was bound at another node. 0: none. */
  formerEpoch = 0;
  /** Next seq to replay. */
  cursor = 0;
  /** Whether the replay is that of a Resume, so that RESUMED ends it. */
  resuming = false;
  /** Since when it has no connection. */
  detachedAt = 0;
  /** Greater at each node that it goes to: whose word on how it is seen counts. */
  hop = 1;
  /** The generation by whose rings it was sent here; 0: it began here. */
  placedBy = 0;
  waitingBytes = 0;
  /** Guilds of this session's shard that it is subscribed to, or asks to be. */
  readonly guilds = new Set<string>();
  /** By flow, of guilds that it is not in yet: what it had of them at the node that it came from. */
  had: Map<string, Had> | undefined;
  /** While it is let into the guilds that READY named. */
  entry: GuildEntry | undefined;
  /** Its socket does not drain. */
  pressed = false;
  /** Volatile events are held back: it is pressed, or has missed dispatches that come first. */
  quiet = false;
  /** What it is sent when it is not quiet any more. */
  missed: MissedPresences | undefined;
  /** Reads of the database that failed while starting. */
  attempts = 0;
  presence: Presence | undefined;
  /** Whether the presence-nodes were told of it. */
  shown = false;
  /** Runs when the database took too long (starting), or presence or session end (detached). */
  timers: Entry[] = [];

  constructor(
    readonly traits: SessionTraits,
    private readonly limits: ReplayLimits,
    memory: ReplayMemory,
  ) {
    this.buffer = new ReplayBuffer(limits, memory);
  }

  get id(): string {
    return this.traits.id;
  }

  get userId(): string {
    return this.traits.userId;
  }

  /** Events without a guild belong to unsharded sessions and to shard 0. */
  get primary(): boolean {
    return this.traits.shard === undefined || this.traits.shard.id === 0;
  }

  has(intents: number): boolean {
    return (this.traits.intents & intents) !== 0;
  }

  holds(guildId: string): boolean {
    const { shard } = this.traits;
    return shard === undefined || shardOf(guildId, shard.count) === shard.id;
  }

  /** What an owner is told: its User how it is shown to others, a guild how it sees itself in GUILD_CREATE. */
  presenceFor(kind: Kind, wantsSnapshot: boolean): Presence | undefined {
    return (kind === Kind.user ? this.shown : wantsSnapshot) ? this.presence : undefined;
  }

  /** The hot path: the next seq, a place in the buffer, and a row in the columns of its ws-gateway when live. */
  take(dispatch: Held): void {
    if (this.waiting !== undefined) {
      this.wait(dispatch, this.waiting);
      return;
    }
    const seq = this.buffer.push(dispatch);
    if (this.outlet !== undefined) this.outlet.add(this.connection, seq);
  }

  /** In place of take(), for a volatile event while quiet: the last presence of each user is kept. */
  miss(dispatch: Held, volatile: VolatileEvent): void {
    if (volatile.aboutUserId === '') return;
    this.missed ??= new MissedPresences();
    this.missed.put(dispatch, volatile);
  }

  /** Whether more waited behind READY than a replay buffer may hold: such a session can't go on. */
  get overran(): boolean {
    return (
      this.waiting !== undefined &&
      (this.waiting.length > this.limits.events || this.waitingBytes > this.limits.bytes)
    );
  }

  bind(binding: Binding): void {
    this.unbind();
    this.binding = binding;
    this.pressed = false;
    this.epoch++;
    this.formerEpoch = 0;
    binding.outlet.sessions.add(this);
  }

  goLive(): void {
    this.state = 'live';
    this.outlet = this.binding?.outlet;
    this.connection = this.binding?.connection ?? 0;
  }

  /** From here on dispatches only enter the buffer. */
  unbind(): Binding | undefined {
    const { binding } = this;
    binding?.outlet.sessions.delete(this);
    this.binding = undefined;
    this.outlet = undefined;
    return binding;
  }

  private wait(dispatch: Held, waiting: Held[]): void {
    if (this.overran) return;
    waiting.push(dispatch);
    this.waitingBytes += dispatch.bytes;
  }
}
