import type { etcdApi } from '@derailed/shared/contract';
import type { Cancel, Clock } from '@derailed/shared/kernel';
import type { Logger } from '@derailed/platform/observability';
import type { Adopted, Cluster, ClusterView, Footing, Member, MemberState } from '../cluster';
import { type Change, type Effect, Membership, type Request } from '../core/membership';
import { Outage } from '../core/outage';
import type { ClusterOptions } from '../create-cluster';
import { RingView } from '../view';
import { EtcdClient, type MemberStore, textOf } from './client';
import { etcdCredentials, etcdUser } from './credentials';
import { Adoptions } from './adoptions';
import { readEntry, writeEntry } from './member-entry';

interface Parts {
  readonly client: MemberStore;
  readonly membership: Membership;
  /** Id of this node. */
  readonly self: string;
  readonly ttlMs: number;
  readonly adoptions: Adoptions;
  /** Begins every member's key. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

/** Members are whoever has an entry under the prefix in etcd; an entry lives as long as its node renews its lease. */
export class EtcdCluster implements Cluster {
  private current: ClusterView = new RingView(0, []);
  private readonly changeListeners: ((view: ClusterView) => void)[] = [];
  private readonly troubleListeners: ((why: string | undefined) => void)[] = [];
  private readonly renewalListeners: (() => void)[] = [];
  private readonly lostListeners: ((why: string) => void)[] = [];
  private readonly awaited = new Map<() => void, MemberState>();
  private readonly rangeEnd: string;
  private readonly outage: Outage;
  private stopWatch: Cancel | undefined;
  private stopTimer: Cancel | undefined;
  private closed = false;
  private lease = 0;

  constructor(private readonly parts: Parts) {
    // The key after all those that begin with the prefix: "/" is followed by "0".
    this.rangeEnd = `${parts.prefix.slice(0, -1)}0`;
    this.outage = new Outage(parts.self, parts.ttlMs);
  }

  /** @throws OperatorError for files that can't be read, or half of what etcd wants to be shown */
  static of(endpoints: readonly string[], prefix: string, options: ClusterOptions): EtcdCluster {
    const { config, clock } = options;
    const client = new EtcdClient({
      endpoints,
      credentials: etcdCredentials(config),
      user: etcdUser(config),
      clock,
      timeoutMs: config.leaseTtl / 3,
    });
    return EtcdCluster.on(client, prefix, options);
  }

  /** The same on a store that is there already. */
  static on(
    client: MemberStore,
    prefix: string,
    { config, self, contractVersion, compatible, clock, rng, logger }: ClusterOptions,
  ): EtcdCluster {
    const ttlMs = config.leaseTtl;
    const membership = new Membership({ self: { ...self, contractVersion }, ttlMs, compatible, rng });
    return new EtcdCluster({
      client,
      membership,
      self: self.id,
      ttlMs,
      adoptions: new Adoptions({ client, prefix: `${prefix}/adopted/`, self, clock, logger }),
      prefix: `${prefix}/members/`,
      clock,
      logger,
    });
  }

  get view(): ClusterView {
    return this.current;
  }

  get leaseTtl(): number {
    return this.parts.ttlMs;
  }

  holdsLease(): boolean {
    return this.footing !== 'none';
  }

  get footing(): Footing {
    const { membership } = this.parts;
    const now = this.now();
    if (membership.validAt(now)) return 'lease';
    const goesOn = membership.cannotRenew && membership.isRegistered && this.outage.isGeneral(now);
    return goesOn ? 'outage' : 'none';
  }

  get cannotRenew(): boolean {
    return this.parts.membership.cannotRenew;
  }

  heardCannotRenew({ id, incarnation }: Pick<Member, 'id' | 'incarnation'>, askedAt: number): void {
    this.outage.heard(id, incarnation, Math.min(askedAt, this.now()));
  }

  adopted(): Promise<readonly Adopted[]> {
    return this.parts.adoptions.read();
  }

  linkMade(id: string): void {
    this.outage.met(id);
  }

  linkLost(id: string): void {
    this.outage.forget(id);
  }

  join(): Promise<void> {
    const seen = this.seen('joining');
    this.run(this.parts.membership.start(this.now()));
    return seen;
  }

  become(state: 'serving' | 'draining'): Promise<void> {
    const seen = this.seen(state);
    this.run(this.parts.membership.become(state, this.now()));
    return seen;
  }

  async leave(): Promise<void> {
    if (this.closed) return;
    const [revocation] = this.parts.membership.leave();
    this.closed = true;
    this.parts.adoptions.stop();
    this.stopTimer?.();
    this.stopWatch?.();
    // Without an answer the lease ends by itself a little later.
    if (revocation?.kind === 'revoke') {
      await this.parts.client.revoke(revocation.lease).catch((error: unknown) => {
        this.parts.logger.warn({ why: textOf(error) }, 'the lease could not be given back');
      });
    }
    this.parts.client.close();
  }

  onChange(listener: (view: ClusterView) => void): void {
    this.changeListeners.push(listener);
  }

  onTrouble(listener: (why: string | undefined) => void): void {
    this.troubleListeners.push(listener);
  }

  onRenewal(listener: () => void): void {
    this.renewalListeners.push(listener);
  }

  onLost(listener: (why: string) => void): void {
    this.lostListeners.push(listener);
  }

  private now(): number {
    return this.parts.clock.monotonic();
  }

  private seen(state: MemberState): Promise<void> {
    return new Promise((resolve) => {
      if (this.parts.membership.isIn(state)) resolve();
      else this.awaited.set(resolve, state);
    });
  }

  private run(effects: readonly Effect[]): void {
    if (this.closed) return;
    for (const effect of effects) this.perform(effect);
    this.stopTimer?.();
    const wake = this.parts.membership.nextWake();
    if (wake === undefined || this.closed) return;
    this.stopTimer = this.parts.clock.after(Math.max(0, wake - this.now()), () =>
      this.run(this.parts.membership.tick(this.now())),
    );
  }

  private perform(effect: Effect): void {
    const { client, membership, prefix, logger } = this.parts;
    switch (effect.kind) {
      case 'grant':
        this.ask('grant', client.grant(effect.lease, Math.ceil(effect.ttlMs / 1000)), ({ TTL }) =>
          membership.grant(TTL * 1000, this.now()),
        );
        break;
      case 'list':
        this.ask('list', client.range(prefix, this.rangeEnd), ({ kvs, header }) =>
          membership.list(
            { entries: kvs.flatMap((kv) => this.change(kv, false)), revision: header?.revision ?? 0 },
            this.now(),
          ),
        );
        break;
      case 'watch':
        this.watch(effect.from);
        break;
      case 'register':
        this.lease = effect.lease;
        this.ask('register', client.txn(this.registration(effect)), ({ succeeded, header }) =>
          membership.register(succeeded ? header?.revision : undefined, effect.isNew, this.now()),
        );
        break;
      case 'keepAlive':
        this.ask('keepAlive', client.keepAlive(effect.lease), (ttl) =>
          membership.keepAlive(ttl * 1000, this.now()),
        );
        break;
      case 'revoke':
        break;
      case 'view':
        this.show(new RingView(effect.generation, effect.members));
        break;
      case 'trouble':
        if (effect.why !== undefined) logger.warn({ why: effect.why }, 'membership has trouble');
        for (const listener of this.troubleListeners) listener(effect.why);
        break;
      case 'renewal':
        for (const listener of this.renewalListeners) listener();
        break;
      case 'lost':
        this.closed = true;
        this.parts.adoptions.stop();
        this.stopWatch?.();
        client.close();
        for (const listener of this.lostListeners) listener(effect.why);
        break;
    }
  }

  private ask<A>(request: Request, answer: Promise<A>, then: (answer: A) => readonly Effect[]): void {
    answer.then(
      (value) => {
        if (!this.closed) this.run(then(value));
      },
      (error: unknown) => this.failed(request, textOf(error)),
    );
  }

  private failed(request: Request, why: string): void {
    if (!this.closed) this.run(this.parts.membership.failed(request, `etcd: ${why}`, this.now()));
  }

  private watch(from: number): void {
    const { client, membership, prefix } = this.parts;
    this.stopWatch?.();
    this.stopWatch = client.watch(prefix, this.rangeEnd, from, {
      created: () => this.run(membership.watch(this.now())),
      events: (events, revision) => {
        const changes = events.flatMap(({ kv, type }) => (kv ? this.change(kv, type === 1) : []));
        this.run(membership.changed(changes, revision, this.now()));
      },
      compacted: () => this.run(membership.compacted(this.now())),
      failed: (why) => this.failed('watch', why),
    });
  }

  /** None: of a key that is no member's. Were it taken for one, its change would be a generation. */
  private change({ key, value, modRevision }: etcdApi.KeyValue, gone: boolean): Change[] {
    const { prefix } = this.parts;
    const text = Buffer.from(key).toString('utf8');
    if (!text.startsWith(prefix)) return [];
    const id = text.slice(prefix.length);
    const member = gone ? undefined : readEntry(id, value);
    if (!gone && member === undefined)
      this.parts.logger.warn({ id }, 'an entry of the member list is not readable');
    return [{ id, member, revision: modRevision }];
  }

  private registration({ lease, member, isNew }: Extract<Effect, { kind: 'register' }>): etcdApi.TxnRequest {
    const key = Buffer.from(`${this.parts.prefix}${member.id}`);
    return {
      compare: [
        isNew
          ? { result: 0, target: 1, key, targetUnion: { $case: 'createRevision', value: 0 } }
          : { result: 0, target: 4, key, targetUnion: { $case: 'lease', value: lease } },
      ],
      success: [{ request: { $case: 'requestPut', value: { key, value: writeEntry(member), lease } } }],
    };
  }

  private show(view: ClusterView): void {
    this.current = view;
    this.outage.see(view);
    const { membership, logger } = this.parts;
    logger.info({ generation: view.generation, members: view.members.map(named) }, 'the cluster changed');
    for (const listener of this.changeListeners) listener(view);
    // All roles of this process have seen it now.
    this.parts.adoptions.adopt(view.generation, this.lease);
    for (const [resolve, state] of [...this.awaited]) {
      if (!membership.isIn(state)) continue;
      this.awaited.delete(resolve);
      resolve();
    }
  }
}

const named = ({ id, roles, state }: Member): string => `${id} ${roles.join('+')} ${state}`;
