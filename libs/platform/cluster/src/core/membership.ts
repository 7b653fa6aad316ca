import type { Rng } from '@derailed/shared/kernel';
import type { Member, MemberState } from '../cluster';
import { Lease } from './lease';

/** An entry of the list, or that it is gone. `member` undefined: gone, or not readable. */
export interface Change {
  readonly id: string;
  readonly member: Member | undefined;
  /** The revision of the store at which it became so. */
  readonly revision: number;
}

export interface Listing {
  readonly entries: readonly Change[];
  /** The store's revision as a whole; greater than or equal to each entry's. */
  readonly revision: number;
}

/** What the store can be asked. Each is answered by the method of the same name, or by failed(). */
export type Request = 'grant' | 'list' | 'watch' | 'register' | 'keepAlive';

/** What the shell is to do, in order. */
export type Effect =
  | { readonly kind: 'grant'; readonly lease: number; readonly ttlMs: number }
  | { readonly kind: 'list' }
  /** Tell of every change from this revision on, until it fails or the node leaves. */
  | { readonly kind: 'watch'; readonly from: number }
  /** Write the entry under the lease: only if there is none (`new`), or only over one of the same lease. */
  | { readonly kind: 'register'; readonly lease: number; readonly member: Member; readonly isNew: boolean }
  | { readonly kind: 'keepAlive'; readonly lease: number }
  | { readonly kind: 'revoke'; readonly lease: number }
  | { readonly kind: 'view'; readonly generation: number; readonly members: readonly Member[] }
  /** One sentence for the operator; undefined: it is over. */
  | { readonly kind: 'trouble'; readonly why: string | undefined }
  /** Whether the last renewal got no answer has changed. */
  | { readonly kind: 'renewal' }
  | { readonly kind: 'lost'; readonly why: string };

export interface MembershipOptions {
  readonly self: Omit<Member, 'state'>;
  readonly ttlMs: number;
  /** Whether nodes of the two contract versions understand each other. */
  readonly compatible: (theirs: number, ours: number) => boolean;
  readonly rng: Rng;
}

const firstWait = 100;
const longestWait = 2000;
/** Lease ids are chosen here, below 2^53 so that they are exact numbers. */
const leaseIds = 2 ** 52;

/**
 * One node's part in the member list that a store with leases, revisions and watches keeps (etcd). Pure: what happens
 * comes in with the monotonic time in milliseconds, what is to be done comes out.
 *
 * A generation is the revision of the last change to the list. A listing does not tell of the last deletion, so two
 * nodes could name one list by two numbers; therefore a node believes a listing only once it has written its own entry
 * after it: that write is a change which everybody sees.
 */
export class Membership {
  private effects: Effect[] = [];
  private readonly inFlight = new Set<Request>();
  private lease: Lease | undefined;
  private leaseId = 0;
  private grantSentAt = 0;
  private readonly entries = new Map<string, Change>();
  /** The revision of the listing; undefined: there is none, or it can't be gone on from. */
  private listedAt: number | undefined;
  /** All changes up to here are in `entries`. */
  private revision = 0;
  private lastChange = 0;
  private watching = false;
  private wanted: MemberState = 'joining';
  /** Whether the entry was in the list, so that its end is the end of the membership. */
  private registered = false;
  /** The revision at which the entry was written last; the watch may not have told of it yet. */
  private written = 0;
  /** Only a change of the list can help. */
  private blocked = false;
  private over = false;
  private retryAt = 0;
  private attempt = 0;
  private trouble: string | undefined;
  private keepAliveTrouble = false;

  constructor(private readonly options: MembershipOptions) {}

  /** Whether this node may act as an owner. */
  validAt(now: number): boolean {
    return this.registered && !this.over && (this.lease?.validAt(now) ?? false);
  }

  /** Whether this node is on the list, as far as it knows. */
  get isRegistered(): boolean {
    return this.registered && !this.over;
  }

  /** Whether the last renewal got no answer. */
  get cannotRenew(): boolean {
    return this.keepAliveTrouble;
  }

  /** Whether the list that this node sees has it in that state. */
  isIn(state: MemberState): boolean {
    return this.registered && this.own()?.state === state;
  }

  start(now: number): readonly Effect[] {
    return this.go(now);
  }

  become(state: MemberState, now: number): readonly Effect[] {
    if (this.wanted !== 'draining') this.wanted = state;
    return this.go(now);
  }

  leave(): readonly Effect[] {
    if (this.over) return [];
    this.over = true;
    return this.lease === undefined ? [] : [{ kind: 'revoke', lease: this.lease.id }];
  }

  grant(ttlMs: number, now: number): readonly Effect[] {
    this.inFlight.delete('grant');
    this.lease = new Lease(this.leaseId, Math.min(ttlMs, this.options.ttlMs), this.grantSentAt);
    return this.progress(now);
  }

  list({ entries, revision }: Listing, now: number): readonly Effect[] {
    this.inFlight.delete('list');
    this.entries.clear();
    for (const entry of entries) this.entries.set(entry.id, entry);
    this.listedAt = this.revision = revision;
    if (this.registered && this.own() === undefined) return this.lose();
    return this.progress(now);
  }

  /** The watch is there: changes will be told. */
  watch(now: number): readonly Effect[] {
    this.inFlight.delete('watch');
    this.watching = true;
    return this.progress(now);
  }

  /** @param revision all changes up to it have been told now */
  changed(changes: readonly Change[], revision: number, now: number): readonly Effect[] {
    for (const change of changes) {
      if (change.revision <= this.revision) continue;
      if (change.member === undefined) this.entries.delete(change.id);
      else this.entries.set(change.id, change);
      this.lastChange = Math.max(this.lastChange, change.revision);
    }
    this.revision = Math.max(this.revision, revision);
    const own = this.own();
    if (own === undefined && this.registered) return this.lose();
    if (own !== undefined && this.isFresh()) {
      this.registered = true;
      if (changes.length > 0) this.show();
    }
    return this.go(now);
  }

  /** The store no longer knows what changed since the revision that was asked for. */
  compacted(now: number): readonly Effect[] {
    this.watching = false;
    this.inFlight.delete('watch');
    this.listedAt = undefined;
    this.written = 0;
    return this.go(now);
  }

  /** @param revision undefined: somebody's entry is there already, or (not `isNew`) ours is there no more */
  register(revision: number | undefined, isNew: boolean, now: number): readonly Effect[] {
    this.inFlight.delete('register');
    if (revision === undefined && !isNew) return this.lose();
    // The watch will tell: of our entry, or of the end of the one that is in the way.
    if (revision === undefined)
      return this.failed('register', 'an entry of another start of this node is there', now);
    this.written = revision;
    return this.progress(now);
  }

  /** @param ttlMs 0: there is no such lease any more */
  keepAlive(ttlMs: number, now: number): readonly Effect[] {
    this.inFlight.delete('keepAlive');
    this.renewing(true);
    if (ttlMs > 0) this.lease?.renewed();
    else if (this.registered || this.written > 0) return this.lose();
    else this.lease = undefined;
    return this.progress(now);
  }

  /** No answer, or a refusal. */
  failed(request: Request, why: string, now: number): readonly Effect[] {
    this.inFlight.delete(request);
    if (request === 'keepAlive') {
      this.renewing(false);
      this.lease?.failed(now);
    } else {
      if (request === 'watch') this.watching = false;
      const longest = Math.min(firstWait * 2 ** this.attempt++, longestWait);
      this.retryAt = now + longest * (0.5 + this.options.rng.next() / 2);
    }
    this.say(why);
    return this.go(now);
  }

  /** When tick() has something to do. */
  nextWake(): number | undefined {
    if (this.over) return undefined;
    const times = [
      this.lease?.nextRenewal(),
      this.busy() || this.blocked || this.idle() ? undefined : this.retryAt,
    ].filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  tick(now: number): readonly Effect[] {
    return this.go(now);
  }

  private progress(now: number): readonly Effect[] {
    this.attempt = 0;
    this.retryAt = now;
    return this.go(now);
  }

  private go(now: number): readonly Effect[] {
    if (this.over) return this.take();
    const renewal = this.lease?.nextRenewal();
    if (this.lease !== undefined && renewal !== undefined && now >= renewal) {
      this.lease.sent(now);
      this.ask('keepAlive', { kind: 'keepAlive', lease: this.lease.id });
    }
    if (now >= this.retryAt && !this.busy()) this.next(now);
    if (this.idle() && this.inFlight.size === 0 && !this.keepAliveTrouble) this.say(undefined);
    return this.take();
  }

  /** The next step of the way into the list, one at a time. */
  private next(now: number): void {
    this.blocked = false;
    if (this.lease === undefined) {
      this.leaseId = 1 + Math.floor(this.options.rng.next() * leaseIds);
      this.grantSentAt = now;
      this.ask('grant', { kind: 'grant', lease: this.leaseId, ttlMs: this.options.ttlMs });
    } else if (this.listedAt === undefined) this.ask('list', { kind: 'list' });
    else if (!this.watching) this.ask('watch', { kind: 'watch', from: this.revision + 1 });
    else if (!this.idle()) {
      this.blocked = this.obstacle();
      if (this.blocked) return;
      const { self } = this.options;
      const member: Member = { ...self, state: this.wanted };
      const isNew = this.own() === undefined;
      this.ask('register', { kind: 'register', lease: this.lease.id, member, isNew });
    }
  }

  /** What is in the way of an entry of our own. What ends it comes with the watch. */
  private obstacle(): boolean {
    const { self, compatible } = this.options;
    if (this.registered) return false;
    const other = this.entries.get(self.id);
    if (other !== undefined && this.own() === undefined) {
      this.say(`an earlier start of ${self.id} still has its lease, and this one waits for its end`);
      return true;
    }
    for (const { member } of this.entries.values()) {
      if (member === undefined || compatible(member.contractVersion, self.contractVersion)) continue;
      const [age, limit] =
        member.contractVersion > self.contractVersion ? ['old', 'upgrade it'] : ['new', 'upgrade the others'];
      this.say(
        `this node is too ${age} for the cluster: it speaks contract version ${self.contractVersion}, and ${member.id} speaks ${member.contractVersion}; ${limit}`,
      );
      return true;
    }
    return false;
  }

  /** Nothing is left to do but to renew and to watch. */
  private idle(): boolean {
    return (
      this.lease !== undefined &&
      this.watching &&
      (this.written > this.ownRevision() || (this.isFresh() && this.own()?.state === this.wanted))
    );
  }

  private busy(): boolean {
    return (
      this.inFlight.has('grant') ||
      this.inFlight.has('list') ||
      this.inFlight.has('watch') ||
      this.inFlight.has('register')
    );
  }

  /** Whether our entry was written after the listing, so that `lastChange` is what it is everywhere. */
  private isFresh(): boolean {
    return this.listedAt !== undefined && this.ownRevision() > this.listedAt;
  }

  /** 0: there is no entry of this start. */
  private ownRevision(): number {
    return this.own() === undefined ? 0 : (this.entries.get(this.options.self.id)?.revision ?? 0);
  }

  private own(): Member | undefined {
    const { id, incarnation } = this.options.self;
    const member = this.entries.get(id)?.member;
    return member?.incarnation === incarnation ? member : undefined;
  }

  private show(): void {
    const members = [...this.entries.values()]
      .flatMap(({ member }) => member ?? [])
      .sort((one, other) => (one.id < other.id ? -1 : 1));
    this.effects.push({ kind: 'view', generation: this.lastChange, members });
  }

  private renewing(works: boolean): void {
    if (this.keepAliveTrouble === !works) return;
    this.keepAliveTrouble = !works;
    this.effects.push({ kind: 'renewal' });
  }

  private lose(): readonly Effect[] {
    this.over = true;
    this.effects.push({ kind: 'lost', why: `the lease of ${this.options.self.id} has ended` });
    return this.take();
  }

  private ask(request: Request, effect: Effect): void {
    this.inFlight.add(request);
    this.effects.push(effect);
  }

  private say(why: string | undefined): void {
    if (why === this.trouble) return;
    this.trouble = why;
    this.effects.push({ kind: 'trouble', why });
  }

  private take(): readonly Effect[] {
    const { effects } = this;
    this.effects = [];
    return effects;
  }
}
