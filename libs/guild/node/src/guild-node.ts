import { Shortfalls } from '@derailed/audience/core';
import { defaultGuildLimits, parseChange } from '@derailed/guild/core';
import { CLUSTER, type Cluster } from '@derailed/platform/cluster';
import {
  MESH,
  type Mesh,
  type Message,
  type MessageOf,
  type NodeRef,
  type PeerEvent,
} from '@derailed/platform/mesh';
import { type Logger, METRICS, type Registry } from '@derailed/platform/observability';
import { GuildRepository } from '@derailed/platform/persistence';
import {
  CLOCK,
  DRAIN,
  type Drain,
  KeyOwner,
  KeyWatch,
  LOGGER,
  moved,
  RNG,
  WitnessCalls,
} from '@derailed/platform/runtime';
import { AudienceKind, type Publish } from '@derailed/shared/contract';
import { type Clock, invalidArgument, isSnowflake, type Rng, type Snowflake } from '@derailed/shared/kernel';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { GuildHost } from './guild-host';
import { GuildReads } from './guild-reads';
import { Handovers } from './handovers';
import { Joins } from './joins';
import { GuildMetrics } from './metrics';
import { PresenceBoards } from './presence-boards';
import type { GuildConfig } from './settings';

/** Injection token of the GuildConfig. */
export const GUILD_CONFIG = Symbol('GUILD_CONFIG');

const forGuilds = ({ kind }: { kind: AudienceKind }): boolean => kind === AudienceKind.AUDIENCE_KIND_GUILD;

/** The guilds that this node owns, on the mesh. */
@Injectable()
export class GuildNode implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly metrics: GuildMetrics;
  private readonly host: GuildHost;
  private readonly owner: KeyOwner;
  private readonly joins: Joins;
  private readonly handovers: Handovers;
  private readonly boards: PresenceBoards;
  private readonly witnesses: WitnessCalls;
  private readonly shortfalls = new Shortfalls();
  /** The last start that was heard of each peer. */
  private readonly incarnations = new Map<string, string>();

  constructor(
    @Inject(GUILD_CONFIG) config: GuildConfig,
    @Inject(MESH) private readonly mesh: Mesh,
    @Inject(CLUSTER) private readonly cluster: Cluster,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) logger: Logger,
    @Inject(METRICS) registry: Registry,
    @Inject(RNG) rng: Rng,
    @Inject(GuildRepository) repository: GuildRepository,
    @Inject(DRAIN) drain: Drain,
  ) {
    const metrics: GuildMetrics = new GuildMetrics(registry, {
      guilds: () => this.host.size,
      loaded: () => [...this.host.all()].filter((guild) => guild.info().available).length,
      subscribers: () => [...this.host.all()].reduce((sum, guild) => sum + guild.subscribers, 0),
      readsWaiting: () => reads.waiting,
      presencesAwaited: () => this.boards.awaited,
    });
    const reads: GuildReads = new GuildReads(repository, config.loadConcurrency, metrics, logger);
    this.metrics = metrics;
    this.joins = new Joins(mesh, cluster, clock, rng, {
      announced: () => metrics.joins.inc(),
      failed: () => metrics.joinsFailed.inc(),
    });
    this.handovers = new Handovers(mesh, cluster, clock, {
      asked: (handedOver) => metrics.handovers[handedOver ? 'handedOver' : 'missing'].inc(),
    });
    this.host = new GuildHost(
      mesh,
      clock,
      reads,
      this.handovers,
      rng,
      { ...defaultGuildLimits, ...config },
      {
        answered: (seconds) => metrics.publishSeconds.observe(seconds),
        refused: () => metrics.refused.inc(),
        undelivered: (messages) => metrics.undelivered.inc(messages),
        behind: ({ id, term }, node, needs) => this.witnesses.tell(id, term, node, needs),
        joined: (guildId, userId) => this.joins.announce(guildId, userId, rng.token(12)),
      },
    );
    this.boards = new PresenceBoards(mesh, cluster, clock, () => this.served());
    this.owner = new KeyOwner(
      'guild-node',
      mesh,
      cluster,
      clock,
      {
        changed: () => this.ownersChanged(),
        settled: () => {
          this.shortfalls.clear();
          this.boards.ask();
        },
      },
      new KeyWatch('guild-node', registry, logger),
    );
    this.witnesses = new WitnessCalls(
      AudienceKind.AUDIENCE_KIND_GUILD,
      mesh,
      cluster,
      (guildId, term, node, needs) =>
        this.host.with(guildId, (guild, at) => (guild.term === term ? guild.known(node, needs, at) : [])),
    );
    drain.keepWhile(() => this.lags());
    drain.before(() => this.owner.left().then(() => this.handovers.fetched()));
    this.listen();
  }

  /** Every role of this process has its handlers now. */
  onApplicationBootstrap(): void {
    this.owner.start();
  }

  onModuleDestroy(): void {
    this.boards.stop();
    this.host.stop();
    this.owner.stop();
    this.joins.stop();
  }

  private listen(): void {
    const { mesh, host } = this;
    mesh.onMessage(
      'subscribe',
      (value, from) => {
        if (!isSnowflake(value.audienceId) || !isSnowflake(value.userId)) return;
        this.owner.take(value.audienceId, value.generation, value.rejoins ? 'waiting' : 'ready', () =>
          this.subscribe(value, from),
        );
      },
      forGuilds,
    );
    mesh.onMessage(
      'unsubscribe',
      ({ audienceId, sessionIds }, from) => {
        this.owner.behind(audienceId, () =>
          host.with(audienceId, (guild, at) => guild.unsubscribe(from.id, sessionIds, at)),
        );
      },
      forGuilds,
    );
    mesh.onMessage(
      'audienceAck',
      ({ audienceId, index, sessions }, from) => {
        host.with(audienceId, (guild, at) => guild.ack(from.id, index, sessions, at));
      },
      forGuilds,
    );
    mesh.onMessage('audienceSync', (value, from) => this.sync(value, from), forGuilds);
    mesh.onMessage('audienceHeld', (value, from) => this.held(value, from), forGuilds);
    mesh.onMessage(
      'audienceWasBehind',
      (notice) => {
        if (this.owner.standing(notice.audienceId) !== 'waiting' || !this.shortfalls.noticed(notice)) return;
        host.with(notice.audienceId, (guild, at) => guild.nodeLost(notice.node, at, true));
      },
      forGuilds,
    );
    mesh.onMessage('presenceChanged', (value) => {
      if (!isSnowflake(value.guildId)) return;
      this.metrics.presences.inc();

      host.open(value.guildId, (guild, at) => guild.presence({ kind: 'one', presence: value }, at));
    });
    mesh.onMessage('presenceBoard', ({ guildId, presences, recent }, from) => {
      // What an owner of the presences before says is no longer so.
      if (this.cluster.view.ownerOf('presence-node', guildId) !== from.id) return;
      this.metrics.presences.inc(presences.length);
      this.boards.answered(guildId);
      host.with(guildId, (guild, at) => guild.presence({ kind: 'all', presences, recent }, at));
    });
    mesh.onMessage('presencesShown', ({ guildId, userIds }) =>
      host.with(guildId, (guild, at) => guild.presence({ kind: 'shown', userIds }, at)),
    );
    mesh.onCall('publish', (value, from) => this.publish(value, from), forGuilds);
    mesh.onCall('guildInfo', ({ guildId }) => ({
      $case: 'guildInfoReply',
      value: host.get(guildId)?.info() ?? { presences: 0, available: false },
    }));
    mesh.onCall('guildPresences', ({ guildId, userIds }) => ({
      $case: 'guildPresencesReply',
      value: { presences: host.get(guildId)?.presencesOf(userIds) ?? [] },
    }));
    mesh.onPeer((event) => this.peerChanged(event));
  }

  private publish(
    { audienceIds, permitted, event, channelId, restarts }: Publish,
    from: NodeRef,
  ): Message | Promise<Message> {
    const [guildId, ...others] = permitted === undefined ? audienceIds : [permitted.guildId, ...audienceIds];
    if (others.length > 0 || !isSnowflake(guildId)) throw invalidArgument('target', 'must be one guild');
    const permissions = permitted?.permissions ?? '';
    if (permitted !== undefined && !/^[1-9][0-9]*$/.test(permissions))
      throw invalidArgument('permissions', 'must be bits as decimal text');
    if (event === undefined) throw invalidArgument('event', 'must be set');
    const change = parseChange(event.name, event.data);
    this.metrics.events.inc();
    if (change?.kind === 'member' && change.isNew) this.joins.announce(guildId, change.userId, event.id);
    return this.owner.answer<Message>({ from, keys: [guildId], restarts }, (resolve, reject) => {
      const since = this.clock.monotonic();
      // A node that slept through its lease must not say that an event is delivered: its sessions may be others' by now.
      const answer = (message: Message): void =>
        this.owner.mayAnswer(guildId) ? resolve(message) : reject(moved(guildId));
      // Who is in voice has to be known when the first session comes.
      const enters = change?.kind === 'voice' && change.state !== undefined;
      if (this.host.get(guildId) === undefined && !enters)
        return answer({ $case: 'published', value: { sessions: 0 } });
      const call = this.host.expectAnswer({ guildId, since, resolve: answer, reject });
      this.host.open(guildId, (guild, at) =>
        guild.publish({ call, publish: { event, channelId, permissions }, change }, at),
      );
    });
  }

  private subscribe(value: MessageOf<'subscribe'>, from: NodeRef): void {
    const { audienceId, sessionId, rejoins, followed } = value;
    const isServed = this.owner.standing(audienceId) === 'ready';
    if (rejoins && !isServed && this.shortfalls.followed(audienceId, from.id, followed)) {
      this.lost(audienceId, from);
      return;
    }
    // The guild went on without the word of that node: who subscribes again may have missed something.
    if (rejoins && this.owner.isLate(from.id) && !this.host.get(audienceId)?.holds(from.id, sessionId))
      this.lost(audienceId, from);
    else {
      this.host.open(audienceId, (guild, at) => guild.subscribe(from.id, value, at));
      this.boards.use(audienceId);
    }
  }

  /** Guilds in use whose subscribers, of an owner before, are all here. */
  private *served(): IterableIterator<Snowflake> {
    for (const { id, isUsed } of this.host.all()) if (isUsed && this.owner.standing(id) === 'ready') yield id;
  }

  private sync({ audienceId, index, term }: MessageOf<'audienceSync'>, from: NodeRef): void {
    const standing = this.owner.standing(audienceId);
    const guild = this.host.get(audienceId);
    // A node of the version before names no term.
    const isOurs = guild !== undefined && (guild.term === term || (term === 0 && standing === 'ready'));
    // Before the key is served those of an owner before say themselves that they hold it; elsewhere nobody knows anything.
    if (standing === 'elsewhere' || (standing === 'waiting' && !isOurs)) return;
    if (!isOurs) this.lost(audienceId, from);
    else this.host.with(audienceId, (guild, at) => guild.sync(from.id, index, at));
  }

  private held({ kind, audienceId, term }: MessageOf<'audienceHeld'>, from: NodeRef): void {
    if (this.owner.standing(audienceId) === 'elsewhere') return;
    const guild = this.host.get(audienceId);
    if (guild?.term === term && guild.holds(from.id)) return;
    if (this.owner.isLate(from.id)) return this.lost(audienceId, from);
    this.owner.doubt(from.id);
    const message = { $case: 'audienceReset', value: { kind, audienceId, term } } as const;
    this.mesh.send(from.id, `g:${audienceId}`, message);
  }

  private lags(): boolean {
    const now = this.clock.monotonic();
    return [...this.host.all()].some((guild) => guild.lags(now));
  }

  private lost(guildId: Snowflake, to: NodeRef): void {
    const value = { kind: AudienceKind.AUDIENCE_KIND_GUILD, audienceId: guildId };
    this.mesh.send(to.id, `g:${guildId}`, { $case: 'audienceLost', value });
  }

  private ownersChanged(): void {
    this.handovers.listChanged();
    for (const guild of [...this.host.all()]) {
      const { id } = guild;
      if (this.owner.standing(id) !== 'elsewhere') continue;
      this.host.release(guild, moved(id));
      this.witnesses.forget(id);
    }
    const { view } = this.cluster;
    for (const [id, incarnation] of this.incarnations) {
      const member = view.member(id);
      if (member !== undefined && (member.incarnation === '' || member.incarnation === incarnation)) continue;
      this.incarnations.delete(id);
      this.host.nodeLost(id);
    }
  }

  private peerChanged({ kind, node: { id, incarnation } }: PeerEvent): void {
    if (kind === 'gone') {
      this.host.each((guild, at) => guild.nodeAway(id, at));
      return;
    }
    this.boards.up(id);
    const before = this.incarnations.get(id);
    this.incarnations.set(id, incarnation);
    if (before !== undefined && before !== incarnation) this.host.nodeLost(id);
  }
}
