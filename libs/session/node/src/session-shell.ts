import { type Notice, Shortfalls } from '@derailed/audience/core';
import { CLUSTER, type Cluster, fingerprint } from '@derailed/platform/cluster';
import { MESH, type Mesh, type Message, type NodeRef, type PeerEvent } from '@derailed/platform/mesh';
import {
  CLOCK,
  DRAIN,
  type Drain,
  type KeyCall,
  KeyOwner,
  RNG,
  WitnessCalls,
  moved,
} from '@derailed/platform/runtime';
import { type Effect, type Inbound, SessionNode } from '@derailed/session/core';
import { AudienceKind } from '@derailed/shared/contract';
import { CallError, type Cancel, type Clock, type Rng } from '@derailed/shared/kernel';
import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { SessionMetrics } from './metrics';
import { SessionHolders } from './session-holders';
import { Reads } from './reads';
import { type SessionConfig, limitsOf } from './settings';
import { SyncAnswers } from './sync-answers';
import { SESSION_CONFIG } from './tokens';

interface Caller {
  resolve(answer: Message): void;
  reject(error: CallError): void;
  readonly userIds: readonly string[];
}

type OwnerRole = 'guild-node' | 'session-node';
type ToOwner = Extract<Inbound, { $case: 'subscribe' | 'audienceAck' | 'audienceSync' | 'audienceHeld' }>;

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
  'audienceReset',
  'connectionReleased',
  'identifyCounts',
  'sessionOffer',
  'sessionOfferAccepted',
  'sessionOfferEnded',
  'replayEvents',
  'recentEvents',
  'sessionState',
  'sessionMoved',
  'sessionMoveAsked',
  'sessionWanted',
  'sessionUnknown',
  'forwardedToSession',
] as const satisfies readonly Inbound['$case'][];

/** Said to the owner of an audience, about what is there: those of users are here, those of guilds at guild-nodes. */
const toOwner = [
  'audienceAck',
  'audienceSync',
  'audienceHeld',
] as const satisfies readonly Inbound['$case'][];

const encoder = new TextEncoder();

const isOfUsers = ({ kind }: { kind: AudienceKind }): boolean => kind === AudienceKind.AUDIENCE_KIND_USER;

/** Joins the core to mesh, database and clock. */
@Injectable()
export class SessionShell implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  private readonly core: SessionNode;
  private readonly callers = new Map<number, Caller>();
  private readonly owner: KeyOwner;
  private readonly witnesses: WitnessCalls;
  private readonly answers: SyncAnswers;
  private readonly shortfalls = new Shortfalls();
  private readonly fingerprints = { 'guild-node': '', 'session-node': '' };
  private refusedSends = 0;
  private calls = 0;
  private wakeAt = Number.POSITIVE_INFINITY;
  private cancelWake: Cancel | undefined;
  private whenEmpty: (() => void) | undefined;

  constructor(
    @Inject(MESH) private readonly mesh: Mesh,
    @Inject(CLUSTER) private readonly cluster: Cluster,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(RNG) rng: Rng,
    @Inject(Reads) private readonly reads: Reads,
    @Inject(SessionMetrics) private readonly metrics: SessionMetrics,
    @Inject(SESSION_CONFIG) config: SessionConfig,
    @Inject(DRAIN) drain: Drain,
  ) {
    const holders = new SessionHolders(cluster, mesh.self, clock);
    this.core = new SessionNode({
      limits: limitsOf(config),
      placement: {
        self: mesh.self,
        ownerOf: (role, key) => cluster.view.ownerOf(role, key),
        isMember: ({ id, incarnation }) => {
          const member = cluster.view.member(id);
          return member !== undefined && (member.incarnation === '' || member.incarnation === incarnation);
        },
        generation: () => cluster.view.generation,
        holders: () => holders.others(),
      },
      rng,
      // Sessions keep it for replay: Buffer.from would keep the rest of Node's 8 KiB pool alive with it.
      encode: (text) => encoder.encode(text),
    });
    const keys = { changed: () => this.ownersChanged(), settled: () => this.shortfalls.clear() };
    this.owner = new KeyOwner('session-node', mesh, cluster, clock, keys, metrics.keys);
    const users = AudienceKind.AUDIENCE_KIND_USER;
    this.witnesses = new WitnessCalls(users, mesh, cluster, (userId, term, node, needs) =>
      this.run(this.core.known(userId, term, node, needs, clock.monotonic())),
    );
    this.answers = new SyncAnswers(mesh, cluster, (...what) => this.tellOwner(...what));
    drain.keepWhile(() => this.core.lags(clock.monotonic()));
    drain.before(() => this.owner.left());
    drain.before(() => this.left());
  }

  onModuleInit(): void {
    this.metrics.watch(this.core);
    for (const kind of inbound) {
      this.mesh.onMessage(kind, (value, from) => this.receive({ $case: kind, value } as Inbound, from));
    }
    for (const kind of toOwner) {
      this.mesh.onMessage(
        kind,
        (value, from) => this.receiveAsOwner({ $case: kind, value } as ToOwner, from),
        isOfUsers,
      );
    }
    this.mesh.onMessage(
      'subscribe',
      (value, from) =>
        this.owner.take(value.audienceId, value.generation, value.rejoins ? 'waiting' : 'ready', () =>
          this.receiveAsOwner({ $case: 'subscribe', value }, from),
        ),
      isOfUsers,
    );
    this.mesh.onMessage(
      'unsubscribe',
      (value, from) =>
        this.owner.behind(value.audienceId, () => this.receive({ $case: 'unsubscribe', value }, from)),
      isOfUsers,
    );
    this.mesh.onCall(
      'publish',
      (value, from) =>
        this.answer({ from, keys: value.audienceIds, restarts: value.restarts }, (call, now) =>
          this.core.publish(call, value, now),
        ),
      isOfUsers,
    );
    this.mesh.onCall('userPresence', ({ userId }, from) =>
      this.answer({ from, keys: [userId] }, (call, now) => this.core.userPresence(call, userId, now)),
    );
    this.mesh.onCall('disconnectUser', ({ userId, closeCode }, from) =>
      this.answer({ from, keys: [userId] }, (call, now) =>
        this.core.disconnectUser(call, userId, closeCode, now),
      ),
    );
    this.mesh.onCall('identifyBudget', async ({ userId }, from) => {
      const guilds = await this.reads.guildCount(userId);
      return this.answer({ from, keys: [userId] }, (call, now) =>
        this.core.identifyBudget(call, userId, guilds, now),
      );
    });
    this.mesh.onMessage('audienceWasBehind', (notice) => this.heardBehind(notice), isOfUsers);
    this.answers.listen();
    this.mesh.onPeer((event) => this.peerChanged(event));
  }

  /** Every role of this process has its handlers now. */
  onApplicationBootstrap(): void {
    this.owner.start();
  }

  onModuleDestroy(): void {
    this.cancelWake?.();
    this.owner.stop();
  }

  /** Whether sessions are here that have a place to go to. */
  private get hasToWait(): boolean {
    return this.core.figures.sessions > 0 && this.cluster.view.membersOf('session-node').length > 0;
  }

  /** Resolves when no session has to go any more. */
  private left(): Promise<void> {
    return new Promise((resolve) => {
      this.whenEmpty = () => {
        this.whenEmpty = undefined;
        resolve();
      };
      this.run([]);
    });
  }

  private receive(message: Inbound, from: NodeRef): void {
    this.run(this.core.handle(message, from, this.clock.monotonic()));
  }

  private receiveAsOwner(message: ToOwner, from: NodeRef): void {
    const { kind, audienceId } = message.value;
    const standing = this.owner.standing(audienceId);
    // Before a key is served those of an owner before say themselves what they hold; elsewhere nobody knows anything.
    const isOurs = message.$case !== 'audienceSync' || this.core.holdsTerm(message.value, from.id);
    if (standing === 'elsewhere' || (standing === 'waiting' && !isOurs)) return;
    if (this.isLost(message, from) || (standing === 'waiting' && this.isBehind(message, from)))
      this.mesh.send(from.id, `u:${audienceId}`, { $case: 'audienceLost', value: { kind, audienceId } });
    else this.receive(message, from);
  }

  /** Whether this node's users went on without the word of that one, so that its sessions may have missed something. */
  private isLost(message: ToOwner, from: NodeRef): boolean {
    if (!this.owner.isLate(from.id)) return false;
    const { audienceId } = message.value;
    switch (message.$case) {
      case 'subscribe':
        return (
          message.value.rejoins && !this.core.hasSubscriber(audienceId, message.value.sessionId, from.id)
        );
      case 'audienceHeld':
        return !this.core.holdsTerm(message.value, from.id);
      default:
        return false;
    }
  }

  /** Whether sessions there have missed for good what an owner before has acked. */
  private isBehind(message: ToOwner, from: NodeRef): boolean {
    if (message.$case !== 'subscribe' || !message.value.rejoins) return false;
    const { audienceId, followed } = message.value;
    return this.shortfalls.followed(audienceId, from.id, followed);
  }

  private heardBehind(notice: Notice): void {
    const { audienceId, node } = notice;
    if (this.owner.standing(audienceId) !== 'waiting' || !this.shortfalls.noticed(notice)) return;
    this.run(this.core.nodeBehind(audienceId, node, this.clock.monotonic()));
  }

  private peerChanged({ kind, node }: PeerEvent): void {
    const now = this.clock.monotonic();
    this.run(kind === 'up' ? this.core.peerUp(node, now) : this.core.peerGone(node, now));
  }

  /** Starts a call when each of the users may be served here. */
  private answer(of: KeyCall, start: (call: number, now: number) => readonly Effect[]): Promise<Message> {
    return this.owner.answer<Message>(of, (resolve, reject) => {
      const call = ++this.calls;
      this.callers.set(call, { resolve, reject, userIds: of.keys });
      this.run(start(call, this.clock.monotonic()));
    });
  }

  private ownersChanged(): void {
    for (const [call, { userIds, reject }] of this.callers) {
      const gone = userIds.find((userId) => this.owner.standing(userId) === 'elsewhere');
      if (gone === undefined) continue;
      this.callers.delete(call);
      reject(moved(gone));
    }
    const now = this.clock.monotonic();
    if (this.isNews('guild-node')) this.run(this.core.guildOwnersChanged(now));
    if (this.isNews('session-node')) this.run(this.core.userOwnersChanged(now));
    this.answers.listChanged();
  }

  /** To look at all sessions and audiences takes a while: it is done only for nodes that have keys, or had. */
  private isNews(role: OwnerRole): boolean {
    const now = fingerprint(this.cluster.view, role);
    const isNews = this.fingerprints[role] !== now;
    this.fingerprints[role] = now;
    return isNews;
  }

  /** Says what the core holds of those keys of the owner. False: a queue was full. */
  private tellOwner(owner: NodeRef, role: string, isAsked: (key: string) => boolean): boolean {
    const now = this.clock.monotonic();
    const before = this.refusedSends;
    if (role === 'presence-node') this.run(this.core.tellPresences(owner.id, now));
    else if (role === 'guild-node' || role === 'session-node')
      this.run(this.core.tellOwner(owner, role, now, isAsked));
    return this.refusedSends === before;
  }

  private run(effects: readonly Effect[]): void {
    for (const effect of effects) this.perform(effect);
    this.schedule();
    if (this.whenEmpty !== undefined && !this.hasToWait) this.whenEmpty();
  }

  private perform(effect: Effect): void {
    switch (effect.kind) {
      case 'send':
        if (effect.message.$case === 'audienceReset') this.owner.doubt(effect.to);
        // Bytes here are what the mesh brought or Buffer.from made: Buffers, as the contract wants.
        if (this.mesh.send(effect.to, effect.flow, effect.message as Message)) return;
        this.refusedSends++;
        this.metrics.refusedSends.inc();
        this.run(this.core.sendRefused(effect.to, effect.message, this.clock.monotonic()));
        break;
      case 'signal':
        this.mesh.signal(effect.to, effect.message as Message);
        break;
      case 'behind':
        this.witnesses.tell(effect.userId, effect.term, effect.node, effect.needs);
        break;
      case 'answer': {
        const caller = this.callers.get(effect.call);
        this.callers.delete(effect.call);
        const gone = caller?.userIds.find((userId) => !this.owner.mayAnswer(userId));
        if (gone !== undefined) caller?.reject(moved(gone));
        else if (effect.answer instanceof CallError) caller?.reject(effect.answer);
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
      case 'sessionMoved':
        this.metrics.moveSeconds.observe(effect.ms / 1000);
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
