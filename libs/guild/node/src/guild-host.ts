import { Pulse } from '@derailed/audience/core';
import { type Effect, Guild, type GuildLimits, type Moment, type Send } from '@derailed/guild/core';
import type { Mesh, Message } from '@derailed/platform/mesh';
import { CallError, type Clock, type Rng, type Snowflake, Wakes } from '@derailed/shared/kernel';
import type { GuildReads } from './guild-reads';
import type { Handovers } from './handovers';
import { keptTextEncoder } from './kept-text';

/** Where the answer to a publish goes. */
export interface PendingPublish {
  readonly guildId: Snowflake;
  readonly since: number;
  readonly resolve: (answer: Message) => void;
  readonly reject: (error: CallError) => void;
}

/** What happened that metrics count. */
export interface HostCounters {
  answered(seconds: number): void;
  refused(): void;
  undelivered(messages: number): void;
  /** The session-node is behind in this term of the guild, until it has the event of this index. */
  behind(guild: Guild, node: string, needs: number): void;
  /** The database has a member that the guild did not know of. */
  joined(guildId: Snowflake, userId: Snowflake): void;
}

/** The guilds of a node: runs each core, does what it asks for, and wakes it when it wants. */
export class GuildHost {
  private readonly encode = keptTextEncoder();
  private readonly guilds = new Map<Snowflake, Guild>();
  private readonly pulse = new Pulse();
  private readonly publishes = new Map<number, PendingPublish>();
  private readonly wakes: Wakes<Snowflake>;
  private lastCall = 0;
  private lastTerm = 0;

  constructor(
    private readonly mesh: Mesh,
    private readonly clock: Clock,
    private readonly reads: GuildReads,
    private readonly handovers: Handovers,
    private readonly rng: Rng,
    private readonly limits: GuildLimits,
    private readonly counters: HostCounters,
  ) {
    this.wakes = new Wakes(clock, (guildId) => this.with(guildId, (guild, at) => guild.tick(at)));
  }

  get size(): number {
    return this.guilds.size;
  }

  all(): IterableIterator<Guild> {
    return this.guilds.values();
  }

  get(guildId: Snowflake): Guild | undefined {
    return this.guilds.get(guildId);
  }

  /** Has the guild do something; a guild that is not here is left alone. */
  with(guildId: Snowflake, act: (guild: Guild, at: Moment) => readonly Effect[]): void {
    const guild = this.guilds.get(guildId);
    if (guild !== undefined) this.run(guild, act);
  }

  /** The same for a guild that may be new. */
  open(guildId: Snowflake, act: (guild: Guild, at: Moment) => readonly Effect[]): void {
    let guild = this.guilds.get(guildId);
    if (guild === undefined) {
      guild = new Guild(guildId, this.encode, this.rng, this.limits, ++this.lastTerm, this.pulse);
      this.guilds.set(guildId, guild);
    }
    this.run(guild, act);
  }

  /** The same for every guild. */
  each(act: (guild: Guild, at: Moment) => readonly Effect[]): void {
    for (const guild of [...this.guilds.values()]) this.run(guild, act);
  }

  /** The session-node has started anew, or is off the list. */
  nodeLost(node: string): void {
    this.pulse.forget(node);
    this.each((guild, at) => guild.nodeLost(node, at));
  }

  /** The number of a call whose answer will be among the effects. */
  expectAnswer(pending: PendingPublish): number {
    this.publishes.set(++this.lastCall, pending);
    return this.lastCall;
  }

  /** Forgets the guild, which another node owns now, but for what that one may ask for. Who waits gets `error`. */
  release(guild: Guild, error: CallError): void {
    const { id: guildId, term } = guild;
    const handover = guild.handOver();
    if (handover !== undefined) this.handovers.keep(guildId, term, handover);
    this.guilds.delete(guildId);
    this.wakes.cancel(guildId);
    for (const [call, pending] of this.publishes) {
      if (pending.guildId !== guildId) continue;
      this.publishes.delete(call);
      pending.reject(error);
    }
  }

  stop(): void {
    this.wakes.clear();
  }

  private run(guild: Guild, act: (guild: Guild, at: Moment) => readonly Effect[]): void {
    const at = { now: this.clock.monotonic(), wall: this.clock.now() };
    this.perform(guild, act(guild, at), at);
    if (this.guilds.get(guild.id) === guild) this.wakes.plan(guild.id, guild.nextWake());
  }

  private perform(guild: Guild, effects: readonly Effect[], at: Moment): void {
    let refused: Map<string, Send[]> | undefined;
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          refused = this.send(guild.id, effect, refused);
          break;
        case 'answer':
          this.answer(effect.call, effect.answer);
          break;
        case 'load':
          void this.load(guild, effect);
          break;
        case 'loadMembers':
          void this.reads
            .members(guild.id, effect.userIds)
            .then((members) =>
              this.resume(guild, (then) =>
                members === undefined
                  ? guild.membersFailed(effect.load, then)
                  : guild.membersLoaded(effect.load, members, then),
              ),
            );
          break;
        case 'reread':
          void this.reads
            .again(guild.id, effect.userIds, effect.joinedSince)
            .then((found) =>
              this.resume(guild, (then) =>
                found === undefined
                  ? guild.rereadFailed(effect.read, then)
                  : guild.reread(effect.read, found, then),
              ),
            );
          break;
        case 'behind':
          this.counters.behind(guild, effect.node, effect.needs);
          break;
        case 'joined':
          this.counters.joined(guild.id, effect.userId);
          break;
        case 'unload':
          this.guilds.delete(guild.id);
          this.wakes.cancel(guild.id);
          break;
      }
    }
    for (const [node, sends] of refused ?? []) {
      this.counters.undelivered(sends.length);
      this.perform(guild, guild.undelivered(node, sends, at), at);
    }
  }

  /** From the owner before, if that hands it over; else from the database. */
  private async load(guild: Guild, { load, before }: Extract<Effect, { kind: 'load' }>): Promise<void> {
    const handover = before && (await this.handovers.fetch(guild.id, before));
    const snapshot = handover ?? (await this.reads.snapshot(guild.id));
    this.resume(guild, (at) =>
      snapshot === undefined ? guild.loadFailed(load, at) : guild.loaded(load, snapshot, at),
    );
  }

  /** After the first refusal of a node all that follows for it is kept back, or the stream would have a hole. */
  private send(
    guildId: Snowflake,
    send: Send,
    refused: Map<string, Send[]> | undefined,
  ): Map<string, Send[]> | undefined {
    // The bytes in it are Buffers: those of publishes came with the mesh, all others from encode().
    const message = send.message as Message;
    for (const node of send.nodes) {
      const kept = refused?.get(node);
      if (kept !== undefined) kept.push(send);
      else if (!this.mesh.send(node, `g:${guildId}`, message)) (refused ??= new Map()).set(node, [send]);
    }
    return refused;
  }

  private answer(call: number, answer: { readonly sessions: number } | CallError): void {
    const pending = this.publishes.get(call);
    if (pending === undefined) return;
    this.publishes.delete(call);
    if (answer instanceof CallError) {
      this.counters.refused();
      pending.reject(answer);
      return;
    }
    this.counters.answered((this.clock.monotonic() - pending.since) / 1000);
    pending.resolve({ $case: 'published', value: { sessions: answer.sessions } });
  }

  /** A read came back: to a guild that was forgotten meanwhile it means nothing. */
  private resume(guild: Guild, act: (at: Moment) => readonly Effect[]): void {
    if (this.guilds.get(guild.id) === guild) this.run(guild, (_, at) => act(at));
  }
}
