import {
  type Ask,
  type Cluster,
  type KeyPart,
  Ownership,
  type Role,
  type Standing,
} from '@derailed/platform/cluster';
import type { Mesh, Message, NodeRef } from '@derailed/platform/mesh';
import { CallError, type Cancel, type Clock, Code } from '@derailed/shared/kernel';
import type { KeyWatch } from './key-watch';
import { Refusals } from './refusals';
import { silence } from './silence';

/** How long another node may take to have its keys (it says nothing before), and until it is asked again when it can't be. */
const servedTimeout = 60_000;
const askServedAgain = 100;
/** How often it is looked whether the lease is there again, while something waits for it. */
const leaseLook = 20;
/** Tasks that may wait for a key to be served. */
const maxWaiting = 65_536;

type Refuse = (error: CallError) => void;

/** A call of another node, for keys that it takes for this node's. */
export interface KeyCall {
  readonly from: NodeRef;
  readonly keys: readonly string[];
  /** It is the first of those that were refused to come again. Absent: the caller does not say. */
  readonly restarts?: boolean | undefined;
}

interface Waiting {
  readonly keys: readonly string[];
  /** The list by which the keys are thought to be here; 0: this node's own. */
  readonly generation: number;
  readonly needs: 'ready' | 'waiting';
  readonly task: () => void;
  readonly refuse: Refuse;
}

/** The key is (or goes) elsewhere: whoever called looks at the list and calls the owner. Nothing was done. */
export const moved = (key: string): CallError =>
  new CallError(Code.ABORTED, `this node does not own ${key} (any more)`);

/** Who does what a role does with its keys. */
export interface KeyListener {
  /** Keys may have left this node; nothing waits yet for those that came. */
  changed(): void;
  /** All keys that are this node's may be served. Said again now and then. */
  settled?(): void;
}

const ignore: Refuse = () => undefined;

/** The keys of a role that this node owns, on the mesh: what is asked of a key waits until it may be served. */
export class KeyOwner {
  private readonly ownership: Ownership;
  private waiting: Waiting[] = [];
  /** Keys of those. */
  private readonly waitingFor = new Set<string>();
  /** Claims by a list that this node has not seen yet. */
  private claims: { readonly from: NodeRef; readonly generation: number }[] = [];
  private readonly refusals = new Refusals();
  /** Session-nodes that said in their sync what was not so any more: they are to say it again. */
  private readonly unsure = new Set<string>();
  /** The last list by which the session-nodes were told that all keys are served. */
  private settledBy = 0;
  /** Nodes that drain and wait until this one serves all of its keys by the list of that generation. */
  private leavers: { readonly generation: number; readonly served: () => void }[] = [];
  private cancelWake: Cancel | undefined;
  private looking = false;
  private hurries = false;
  /** What `ownership.progress` was when it was looked at what may be done now. */
  private seen = -1;
  /** The ring of the role by the last list. */
  private ring: readonly string[] = [];
  private stopped = false;
  private watching = false;

  constructor(
    private readonly role: Role,
    private readonly mesh: Mesh,
    private readonly cluster: Cluster,
    private readonly clock: Clock,
    private readonly listener: KeyListener,
    private readonly watch: Pick<KeyWatch, 'report' | 'looks'>,
  ) {
    this.ownership = new Ownership(role, mesh.self.id, silence(cluster));
    const ours = (value: { role: string }): boolean => value.role === role;
    mesh.onMessage('ownershipClaim', ({ generation }, from) => this.claimed(from, generation), ours);
    mesh.onMessage(
      'ownershipYielded',
      ({ generation }, from) => {
        this.ownership.yielded(from.id, from.incarnation, generation);
        this.proceed();
      },
      ours,
    );
    mesh.onMessage(
      'ownershipSynced',
      ({ generation, part }, from) => this.synced(from, generation, part),
      ours,
    );
    mesh.onCall('ownershipAwaited', ({ generation }) => this.served(generation), ours);
    cluster.onChange(() => this.adopt());
    mesh.onPeer(({ kind, node }) => {
      if (kind === 'gone') this.refusals.forget(node.id);
    });
  }

  /** Begins with the present list; all handlers are registered. */
  start(): void {
    if (this.cluster.view.generation > 0) this.adopt();
  }

  stop(): void {
    this.stopped = true;
    this.cancelWake?.();
  }

  /** Resolves when the others serve all that was this node's, which is off the ring. */
  async left(): Promise<void> {
    while (!this.stopped) {
      const { generation } = this.cluster.view;
      const others = this.cluster.view.membersOf(this.role).filter((id) => id !== this.mesh.self.id);
      const answers = await Promise.all(others.map((id) => this.isServing(id, generation)));
      if (answers.every(Boolean) && this.cluster.view.generation === generation) return;
      await new Promise<void>((resolve) => {
        this.clock.after(askServedAgain, resolve);
      });
    }
  }

  standing(key: string): Standing {
    return this.ownership.standing(key);
  }

  /** Whether what is done for the key may be called done: it is still this node's, and so is the lease. */
  mayAnswer(key: string): boolean {
    return this.cluster.holdsLease() && this.ownership.standing(key) !== 'elsewhere';
  }

  /** Whether the session-node has yet to say what it holds, and is not waited for any more. */
  isLate(node: string): boolean {
    return this.ownership.isLate(node);
  }

  /** What the session-node holds by its sync is not so here: the sync that it is at does not count. */
  doubt(node: string): void {
    this.unsure.add(node);
  }

  /**
   * Runs the task now, or in its turn when all of the keys may be served. What is run for a key keeps its order.
   * @param refuse gets ABORTED when one of them is not ours
   */
  run(keys: readonly string[], task: () => void, refuse: Refuse): void {
    this.enqueue({ keys, generation: 0, needs: 'ready', task, refuse });
  }

  /**
   * Answers a call: does the work now, or in its turn when all of the keys may be served. After it was answered with ABORTED
   * all later calls of that node for one of these keys are, until it begins again.
   */
  answer<T>(
    { from, keys, restarts }: KeyCall,
    work: (resolve: (answer: T) => void, reject: Refuse) => void,
  ): Promise<T> {
    return new Promise<T>((resolve, fail) => {
      const reject: Refuse = (error) => {
        if (error.code === Code.ABORTED && restarts !== undefined) this.refusals.add(from.id, keys);
        fail(error);
      };
      if (restarts !== undefined && !this.refusals.admits(from.id, keys, restarts))
        reject(moved(keys.join()));
      else this.run(keys, () => work(resolve, reject), reject);
    });
  }

  /**
   * Runs as run() does what nobody waits for: not run when the key is not ours by the list of `generation`, or by a later one.
   * @param needs `waiting`: as soon as the key is this node's
   */
  take(key: string, generation: number, needs: Waiting['needs'], task: () => void): void {
    this.enqueue({ keys: [key], generation, needs, task, refuse: ignore });
  }

  /** Runs the task behind what waits for the key, or now when nothing does. */
  behind(key: string, task: () => void): void {
    if (this.waitingFor.has(key)) this.take(key, 0, 'ready', task);
    else task();
  }

  private enqueue(entry: Waiting): void {
    const verdict = this.verdict(entry);
    if (verdict === 'run') entry.task();
    else if (verdict === 'refuse') entry.refuse(moved(entry.keys.join()));
    else if (this.waiting.length >= maxWaiting)
      entry.refuse(
        new CallError(Code.RESOURCE_EXHAUSTED, 'too much waits for keys that have just moved here'),
      );
    else {
      this.waiting.push(entry);
      for (const key of entry.keys) {
        this.waitingFor.add(key);
        if (this.ownership.want(key)) this.proceedSoon();
      }
      this.watchLease();
    }
  }

  private verdict({ keys, generation, needs }: Waiting): 'run' | 'wait' | 'refuse' {
    // A refusal could be followed by an acceptance that overtakes it: what comes without a lease waits for it, or for word
    // that the key is another's.
    let verdict: 'run' | 'wait' = this.cluster.holdsLease() ? 'run' : 'wait';
    // Whoever is behind catches up first: by its own list it would tell an owner before what the one that asks is to know.
    if (needs === 'ready' && generation > this.ownership.generation) verdict = 'wait';
    for (const key of keys) {
      const standing = this.ownership.standing(key);
      if (standing === 'elsewhere' && generation <= this.ownership.generation) return 'refuse';
      const isHere = standing === 'ready' || (standing === 'waiting' && needs === 'waiting');
      if (!isHere || (needs === 'ready' && this.waitingFor.has(key))) verdict = 'wait';
    }
    return verdict;
  }

  private async isServing(node: string, generation: number): Promise<boolean> {
    const asked = { $case: 'ownershipAwaited', value: { role: this.role, generation } } as const;
    try {
      await this.mesh.call(node, `sync:${this.role}`, asked, 'ownershipServed', servedTimeout);
      return true;
    } catch (error) {
      // A node of the version before does not know the question.
      return error instanceof CallError && error.code === Code.UNIMPLEMENTED;
    }
  }

  private served(generation: number): Promise<Message> {
    return new Promise((resolve) => {
      const answer = { role: this.role, generation };
      const served = (): void => resolve({ $case: 'ownershipServed', value: answer });
      this.leavers.push({ generation, served });
      this.tellLeavers();
    });
  }

  private tellLeavers(): void {
    if (this.ownership.waits) return;
    const { leavers } = this;
    this.leavers = leavers.filter(({ generation }) => generation > this.ownership.generation);
    for (const { generation, served } of leavers) if (generation <= this.ownership.generation) served();
  }

  private claimed(from: NodeRef, generation: number): void {
    this.claims = this.claims.filter((claim) => claim.from.id !== from.id);
    // Whoever is behind catches up first.
    if (generation > this.ownership.generation) this.claims.push({ from, generation });
    else this.yield(from.id);
  }

  private yield(id: string): void {
    const value = { role: this.role, generation: this.ownership.generation };
    this.mesh.send(id, `sync:${this.role}`, { $case: 'ownershipYielded', value });
  }

  /** Those that may have been given keys of this node need not ask for them. */
  private yieldUnasked(): void {
    const { id: self } = this.mesh.self;
    const before = this.ring;
    this.ring = this.cluster.view.membersOf(this.role);
    if (!before.includes(self)) return;
    const isLeaving = !this.ring.includes(self);
    for (const id of this.ring) if (id !== self && (isLeaving || !before.includes(id))) this.yield(id);
  }

  private synced({ id, incarnation }: NodeRef, generation: number, part: KeyPart | undefined): void {
    if (!this.unsure.delete(id))
      this.ownership.synced(id, incarnation, generation, part, this.clock.monotonic());
    else this.ask({ kind: 'sync', node: id, generation: this.ownership.generation, ...(part && { part }) });
    this.proceed();
  }

  private adopt(): void {
    this.ownership.changed(this.cluster.view, this.clock.monotonic());
    for (const { keys, needs } of this.waiting)
      if (needs === 'ready') for (const key of keys) this.ownership.want(key);
    this.unsure.clear();
    this.listener.changed();
    const { claims } = this;
    this.claims = [];
    for (const { from, generation } of claims) this.claimed(from, generation);
    this.yieldUnasked();
    this.proceed();
  }

  private ask({ kind, node, generation, part }: Ask): void {
    const { role } = this;
    if (kind === 'look') return;
    const message: Message =
      kind === 'claim'
        ? { $case: 'ownershipClaim', value: { role, generation } }
        : {
            $case: 'ownershipSync',
            value: { role, generation, part: part && { ...part, keys: [...part.keys] } },
          };
    this.mesh.send(node, `sync:${role}`, message);
  }

  private proceed(): void {
    this.cancelWake?.();
    this.cancelWake = undefined;
    const asks = this.ownership.tick(this.clock.monotonic());
    for (const ask of asks) this.ask(ask);
    const silent = asks.flatMap(({ kind, node }) => (kind === 'look' ? node : []));
    if (silent.length > 0) void this.look(silent);
    if (!this.ownership.waits) this.settle();
    if (this.seen !== this.ownership.progress) {
      this.seen = this.ownership.progress;
      this.watch.report(this.ownership.awaits);
      if (this.waiting.length > 0) this.retry();
    }
    this.tellLeavers();
    const wake = this.ownership.nextWake();
    if (wake !== undefined && this.ownership.generation > 0)
      this.cancelWake = this.clock.after(Math.max(0, wake - this.clock.monotonic()), () => this.proceed());
  }

  /** Once for all that a message asks for. */
  private proceedSoon(): void {
    if (this.hurries) return;
    this.hurries = true;
    queueMicrotask(() => {
      this.hurries = false;
      if (!this.stopped) this.proceed();
    });
  }

  private settle(): void {
    this.listener.settled?.();
    const { generation } = this.ownership;
    if (this.settledBy === generation) return;
    this.settledBy = generation;
    if (!this.cluster.view.membersOf(this.role).includes(this.mesh.self.id)) return;
    const value = { role: this.role, generation };
    for (const { id, roles } of this.cluster.view.members)
      if (roles.includes('session-node')) this.mesh.signal(id, { $case: 'ownershipSettled', value });
  }

  private watchLease(): void {
    if (this.watching || this.stopped || this.cluster.holdsLease()) return;
    this.watching = true;
    this.clock.after(leaseLook, () => {
      this.watching = false;
      if (this.waiting.length === 0) return;
      if (this.cluster.holdsLease()) this.retry();
      else this.watchLease();
    });
  }

  /** A node that has written that it goes by this list has yielded, whether or not it can say so here. */
  private async look(nodes: readonly string[]): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    this.watch.looks(nodes);
    try {
      for (const { id, incarnation, generation } of await this.cluster.adopted())
        this.ownership.yielded(id, incarnation, generation);
    } catch {
      // The store does not answer: it is asked again with the next claim.
    }
    this.looking = false;
    if (!this.stopped) this.proceed();
  }

  private retry(): void {
    const { waiting } = this;
    this.waiting = [];
    this.waitingFor.clear();
    for (const entry of waiting) this.enqueue(entry);
  }
}
