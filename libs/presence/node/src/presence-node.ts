import { CLUSTER, type Cluster } from '@derailed/platform/cluster';
import { MESH, type Mesh, type NodeRef, type PeerEvent } from '@derailed/platform/mesh';
import { type Logger, METRICS, type Registry } from '@derailed/platform/observability';
import { CLOCK, DRAIN, type Drain, KeyOwner, KeyWatch, LOGGER } from '@derailed/platform/runtime';
import { GuildPresence, type PresenceChange, type SessionPresence } from '@derailed/presence/core';
import { type Clock, isSnowflake, type Snowflake, Wakes } from '@derailed/shared/kernel';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { PresenceMetrics } from './metrics';
import type { PresenceConfig } from './settings';

/** Injection token of the PresenceConfig. */
export const PRESENCE_CONFIG = Symbol('PRESENCE_CONFIG');

const hidden: SessionPresence = { status: 'invisible', activities: '[]', client: 'web' };

/** The presences of the guilds that this node owns, on the mesh. */
@Injectable()
export class PresenceNode implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly guilds = new Map<Snowflake, GuildPresence>();
  private readonly metrics: PresenceMetrics;
  private readonly wakes: Wakes<Snowflake>;
  private readonly owner: KeyOwner;

  constructor(
    @Inject(PRESENCE_CONFIG) private readonly config: PresenceConfig,
    @Inject(MESH) private readonly mesh: Mesh,
    @Inject(CLUSTER) private readonly cluster: Cluster,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(METRICS) registry: Registry,
    @Inject(DRAIN) drain: Drain,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.metrics = new PresenceMetrics(registry, {
      guilds: () => this.guilds.size,
      users: () => [...this.guilds.values()].reduce((sum, guild) => sum + guild.size, 0),
    });
    this.wakes = new Wakes(clock, (guildId) => this.with(guildId, (guild, now) => guild.tick(now)));
    this.owner = new KeyOwner(
      'presence-node',
      mesh,
      cluster,
      clock,
      {
        changed: () => this.ownersChanged(),
        settled: () => this.served(),
      },
      new KeyWatch('presence-node', registry, logger),
    );
    drain.before(() => this.owner.left());
    this.listen();
  }

  /** Every role of this process has its handlers now. */
  onApplicationBootstrap(): void {
    this.owner.start();
  }

  onModuleDestroy(): void {
    this.wakes.clear();
    this.owner.stop();
  }

  private listen(): void {
    this.mesh.onMessage('presenceUpsert', ({ guildIds, userId, sessionId, presence, hop }, from) => {
      this.metrics.upserts.inc(guildIds.length);
      for (const guildId of guildIds) {
        // What is elsewhere is told there when its owner asks for it.
        if (!isSnowflake(guildId) || this.owner.standing(guildId) === 'elsewhere') continue;
        this.open(guildId);
        this.with(guildId, (guild, now) =>
          guild.upsert(from.id, userId, sessionId, presence ?? hidden, now, hop),
        );
      }
    });
    this.mesh.onMessage('presenceClear', ({ guildIds, userId, sessionId }, from) => {
      this.metrics.clears.inc(guildIds.length);
      for (const guildId of guildIds) {
        this.with(guildId, (guild, now) => guild.clear(from.id, userId, sessionId, now));
      }
    });
    this.mesh.onMessage('presenceMoved', ({ guildIds, userId, sessionId }, from) => {
      for (const guildId of guildIds)
        this.with(guildId, (guild, now) => guild.moved(from.id, userId, sessionId, now));
    });
    this.mesh.onMessage('presenceSync', ({ guildIds, generation }, from) => {
      for (const guildId of guildIds)
        if (isSnowflake(guildId))
          this.owner.take(guildId, generation, 'ready', () => this.show(guildId, from));
    });
    this.mesh.onPeer((event) => this.peerChanged(event));
  }

  private open(guildId: Snowflake): void {
    if (this.guilds.has(guildId)) return;
    const guild = new GuildPresence(guildId, this.config);
    if (this.owner.standing(guildId) !== 'ready') guild.hold();
    this.guilds.set(guildId, guild);
  }

  private with(
    guildId: Snowflake,
    act: (guild: GuildPresence, now: number) => readonly PresenceChange[],
  ): void {
    const guild = this.guilds.get(guildId);
    if (guild === undefined) return;
    const refused = this.tell(guildId, act(guild, this.clock.monotonic()));
    if (refused.length > 0) guild.undelivered(refused);
    if (guild.empty) {
      this.guilds.delete(guildId);
      this.wakes.cancel(guildId);
    } else {
      this.wakes.plan(guildId, guild.nextWake());
    }
  }

  /** Those that the link refused. */
  private tell(guildId: Snowflake, changes: readonly PresenceChange[]): readonly PresenceChange[] {
    const node = changes.length === 0 ? undefined : this.cluster.view.ownerOf('guild-node', guildId);
    const refused: PresenceChange[] = [];
    for (const value of changes) {
      if (node !== undefined && this.mesh.send(node, `p:${guildId}`, { $case: 'presenceChanged', value })) {
        this.metrics.changes.inc();
      } else refused.push(value);
    }
    this.metrics.undelivered.inc(refused.length);
    return refused;
  }

  /** A guild-node wants to know all of the guild. It asks again when the link is full. */
  private show(guildId: Snowflake, { id }: NodeRef): void {
    const board = this.guilds.get(guildId)?.board(this.clock.monotonic()) ?? { presences: [], recent: [] };
    const message = { $case: 'presenceBoard', value: { guildId, ...board } } as const;
    if (this.mesh.send(id, `p:${guildId}`, message)) this.metrics.changes.inc(board.presences.length);
    else this.metrics.undelivered.inc(board.presences.length);
  }

  /** All session-nodes have said how their sessions are seen. */
  private served(): void {
    for (const [guildId, guild] of [...this.guilds])
      if (guild.isHeld && this.owner.standing(guildId) === 'ready')
        this.with(guildId, (held, now) => held.release(now));
  }

  /** Guilds that another node owns now are forgotten. */
  private ownersChanged(): void {
    for (const guildId of [...this.guilds.keys()]) {
      if (this.owner.standing(guildId) !== 'elsewhere') continue;
      this.guilds.delete(guildId);
      this.wakes.cancel(guildId);
    }
  }

  private peerChanged({ kind, node }: PeerEvent): void {
    if (kind !== 'gone') return;
    for (const guildId of [...this.guilds.keys()])
      this.with(guildId, (guild, now) => guild.nodeGone(node.id, now));
  }
}
