import { CLUSTER, type Cluster } from '@derailed/platform/cluster';
import { MESH, type Mesh, type Message, type NodeRef, type PeerEvent } from '@derailed/platform/mesh';
import { CLOCK, RNG } from '@derailed/platform/runtime';
import { type Effect, type Inbound, SessionNode } from '@derailed/session/core';
import { AudienceKind } from '@derailed/shared/contract';
import { CallError, type Cancel, type Clock, type Rng } from '@derailed/shared/kernel';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { SessionMetrics } from './metrics';
import { Reads } from './reads';
import { type SessionConfig, limitsOf } from './settings';
import { SESSION_CONFIG } from './tokens';

interface Caller {
  resolve(answer: Message): void;
  reject(error: CallError): void;
}

/** Messages for the core that no other role of this process has a handler for. */
const inbound = [
  'identify',
  'resume',
  'setPresence',
  'requestMembers',
  'connectionEnded',
  'drained',
  'socketPressure',
  'audienceEvent',
  'subscribed',
  'subscribeRefused',
  'classTable',
  'reclassed',
  'audienceLost',
] as const satisfies readonly Inbound['$case'][];

/** Said to the owner of an audience: those of users are here, those of guilds at guild-nodes. */
const toOwner = [
  'subscribe',
  'unsubscribe',
  'audienceAck',
  'audienceSync',
] as const satisfies readonly Inbound['$case'][];

const encoder = new TextEncoder();

const isOfUsers = ({ kind }: { kind: AudienceKind }): boolean => kind === AudienceKind.AUDIENCE_KIND_USER;

/** Joins the core to mesh, database and clock. */
@Injectable()
export class SessionShell implements OnModuleInit, OnModuleDestroy {
  private readonly core: SessionNode;
  private readonly callers = new Map<number, Caller>();
  private calls = 0;
  private wakeAt = Number.POSITIVE_INFINITY;
  private cancelWake: Cancel | undefined;

  constructor(
    @Inject(MESH) private readonly mesh: Mesh,
    @Inject(CLUSTER) cluster: Cluster,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(RNG) rng: Rng,
    @Inject(Reads) private readonly reads: Reads,
    @Inject(SessionMetrics) private readonly metrics: SessionMetrics,
    @Inject(SESSION_CONFIG) config: SessionConfig,
  ) {
    this.core = new SessionNode({
      limits: limitsOf(config),
      placement: { self: mesh.self, ownerOf: (role, key) => cluster.view.ownerOf(role, key) },
      rng,
      // Sessions keep it for replay: Buffer.from would keep the rest of Node's 8 KiB pool alive with it.
      encode: (text) => encoder.encode(text),
    });
  }

  onModuleInit(): void {
    this.metrics.watch(this.core);
    for (const kind of inbound) {
      this.mesh.onMessage(kind, (value, from) => this.receive({ $case: kind, value } as Inbound, from));
    }
    for (const kind of toOwner) {
      this.mesh.onMessage(
        kind,
        (value, from) => this.receive({ $case: kind, value } as Inbound, from),
        isOfUsers,
      );
    }
    this.mesh.onCall(
      'publish',
      (value) => this.answer((call, now) => this.core.publish(call, value, now)),
      isOfUsers,
    );
    this.mesh.onCall('userPresence', ({ userId }) =>
      this.answer((call, now) => this.core.userPresence(call, userId, now)),
    );
    this.mesh.onCall('disconnectUser', ({ userId, closeCode }) =>
      this.answer((call, now) => this.core.disconnectUser(call, userId, closeCode, now)),
    );
    this.mesh.onCall('identifyBudget', async ({ userId }) => {
      const guilds = await this.reads.guildCount(userId);
      return this.answer((call, now) => this.core.identifyBudget(call, userId, guilds, now));
    });
    this.mesh.onPeer((event) => this.peerChanged(event));
  }

  onModuleDestroy(): void {
    this.cancelWake?.();
  }

  private receive(message: Inbound, from: NodeRef): void {
    this.run(this.core.handle(message, from, this.clock.monotonic()));
  }

  private peerChanged({ kind, node }: PeerEvent): void {
    const now = this.clock.monotonic();
    this.run(kind === 'up' ? this.core.peerUp(node, now) : this.core.peerGone(node, now));
  }

  private answer(start: (call: number, now: number) => readonly Effect[]): Promise<Message> {
    const call = ++this.calls;
    return new Promise((resolve, reject) => {
      this.callers.set(call, { resolve, reject });
      this.run(start(call, this.clock.monotonic()));
    });
  }

  private run(effects: readonly Effect[]): void {
    for (const effect of effects) this.perform(effect);
    this.schedule();
  }

  private perform(effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        // Bytes here are what the mesh brought or Buffer.from made: Buffers, as the contract wants.
        if (this.mesh.send(effect.to, effect.flow, effect.message as Message)) return;
        this.metrics.refusedSends.inc();
        this.run(this.core.sendRefused(effect.to, effect.message, this.clock.monotonic()));
        break;
      case 'signal':
        this.mesh.signal(effect.to, effect.message as Message);
        break;
      case 'answer': {
        const caller = this.callers.get(effect.call);
        this.callers.delete(effect.call);
        if (effect.answer instanceof CallError) caller?.reject(effect.answer);
        else caller?.resolve(effect.answer);
        break;
      }
      case 'readReadiness':
        this.reads.readiness(effect.userId, (readiness) =>
          this.run(this.core.readinessRead(effect.sessionId, readiness, this.clock.monotonic())),
        );
        break;
      case 'readMembers':
        this.reads.startMembers(effect.request, (page) => this.page(effect.request.read, page));
        break;
      case 'nextMembers':
        this.reads.nextMembers(effect.read, (page) => this.page(effect.read, page));
        break;
      case 'stopMembers':
        this.reads.stopMembers(effect.read);
        break;
    }
  }

  private page(read: number, page: { readonly json: string; readonly last: boolean } | undefined): void {
    this.run(this.core.memberChunk(read, page?.json, page?.last ?? true, this.clock.monotonic()));
  }

  /** One timer, for whatever the core has planned first. */
  private schedule(): void {
    const at = this.core.nextWake() ?? Number.POSITIVE_INFINITY;
    // A timer that is too early does no harm; it plans the next one.
    if (at >= this.wakeAt) return;
    this.cancelWake?.();
    this.wakeAt = at;
    this.cancelWake = this.clock.after(Math.max(0, Math.ceil(at - this.clock.monotonic())), () => {
      this.wakeAt = Number.POSITIVE_INFINITY;
      this.run(this.core.tick(this.clock.monotonic()));
    });
  }
}
