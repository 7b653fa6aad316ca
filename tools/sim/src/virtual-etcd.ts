import type { MemberStore, WatchEvents } from '@derailed/platform/cluster';
import type { etcdApi } from '@derailed/shared/contract';
import { type ConnectionEnd, type VirtualLoop, type VirtualNetwork, VirtualProcess } from '@derailed/testing';

/** The name that faults know it by. */
export const etcdHost = 'etcd';
const address = `${etcdHost}/v3`;
/** A dead peer of a connection is found out within this time (ms). */
const keepalive = 9000;

type Question =
  | { readonly kind: 'range' }
  | { readonly kind: 'txn'; readonly request: etcdApi.TxnRequest }
  | { readonly kind: 'grant' | 'keepAlive'; readonly lease: number; readonly ttlSeconds: number }
  | { readonly kind: 'revoke'; readonly lease: number }
  | { readonly kind: 'watch'; readonly from: number };

interface Asked {
  readonly call: number;
  readonly question: Question;
}

/** The answer to a call, or why it is refused; of a watch there are many. */
interface Answered {
  readonly call: number;
  readonly answer: unknown;
  readonly refused: string | undefined;
}

interface Kept {
  readonly value: Uint8Array;
  readonly lease: number;
  readonly createRevision: number;
  readonly modRevision: number;
}

interface Lease {
  readonly ttlMs: number;
  until: number;
}

interface Happened {
  readonly revision: number;
  readonly event: etcdApi.Event;
}

const header = (revision: number) => ({ revision }) as etcdApi.ResponseHeader;

/**
 * What membership needs of etcd: keys under leases, one revision for each change, watches from a revision on. It stands at a
 * host of its own, to which the network can be cut.
 */
export class VirtualEtcd {
  private readonly process: VirtualProcess;
  private revision = 1;
  private away = false;
  private readonly keys = new Map<string, Kept>();
  private readonly leases = new Map<number, Lease>();
  private readonly history: Happened[] = [];
  private readonly watches = new Set<(happened: readonly Happened[]) => void>();

  constructor(
    private readonly loop: VirtualLoop,
    private readonly network: VirtualNetwork,
    private readonly trace: (what: () => string) => void,
  ) {
    this.process = new VirtualProcess(loop, etcdHost, 0, 0);
    network.listen(this.process, address, keepalive, (end) => {
      const stops: (() => void)[] = [];
      return {
        received: (item) => {
          const { call, question } = item as Asked;
          const say = (answer: unknown, refused?: string): void =>
            void end.send({ call, answer, refused } satisfies Answered, 64);
          this.answer(question, say, stops);
        },
        closed: () => {
          for (const stop of stops) stop();
        },
      };
    });
  }

  /** Whether the node is on the list, in this very start. */
  has(id: string, incarnation: string): boolean {
    for (const [key, { value }] of this.keys)
      if (key.endsWith(`/${id}`)) return Buffer.from(value).toString('utf8').includes(`"${incarnation}"`);
    return false;
  }

  /** It is down: no lease ends. */
  goAway(): void {
    this.away = true;
  }

  /** It is back: whoever leads now gives each lease its whole time again. */
  comeBack(): void {
    this.away = false;
    for (const [id, lease] of this.leases) this.prolong(id, lease);
  }

  /** What a node's membership speaks to. @param timeoutMs how long an answer may take */
  storeFor(process: VirtualProcess, timeoutMs: number): MemberStore {
    return new VirtualStore(this.network, process, timeoutMs);
  }

  private answer(
    question: Question,
    say: (answer: unknown, refused?: string) => void,
    stops: (() => void)[],
  ): void {
    switch (question.kind) {
      case 'range':
        say({ kvs: [...this.keys].map(([key, kept]) => keyValue(key, kept)), header: header(this.revision) });
        break;
      case 'txn': {
        const answer = this.txn(question.request);
        say(answer, answer === undefined ? 'requested lease not found' : undefined);
        break;
      }
      case 'grant':
        this.grant(question.lease, question.ttlSeconds);
        say({ TTL: question.ttlSeconds });
        break;
      case 'keepAlive': {
        const lease = this.leases.get(question.lease);
        if (lease !== undefined) this.prolong(question.lease, lease);
        say(lease === undefined ? 0 : lease.ttlMs / 1000);
        break;
      }
      case 'revoke':
        this.end(question.lease);
        say({});
        break;
      case 'watch': {
        say('created');
        const tell = (happened: readonly Happened[]): void => {
          const news = happened.filter(({ revision }) => revision >= question.from);
          if (news.length > 0)
            say({ events: news.map(({ event }) => event), revision: news.at(-1)!.revision });
        };
        tell(this.history);
        this.watches.add(tell);
        stops.push(() => this.watches.delete(tell));
        break;
      }
    }
  }

  /** Undefined: refused, because nothing can be put under a lease that has ended. */
  private txn({ compare, success }: etcdApi.TxnRequest): Partial<etcdApi.TxnResponse> | undefined {
    const holds = compare.every(({ key, targetUnion }) => {
      const kept = this.keys.get(textOf(key));
      return targetUnion?.$case === 'lease'
        ? kept?.lease === targetUnion.value
        : targetUnion?.$case === 'createRevision' && (kept?.createRevision ?? 0) === targetUnion.value;
    });
    if (!holds) return { succeeded: false, header: header(this.revision) };
    const puts = success.flatMap(({ request }) => (request?.$case === 'requestPut' ? request.value : []));
    if (puts.some(({ lease }) => !this.leases.has(lease))) return undefined;
    for (const put of puts) this.put(put);
    return { succeeded: true, header: header(this.revision) };
  }

  private put({ key, value, lease }: etcdApi.PutRequest): void {
    const name = textOf(key);
    const revision = ++this.revision;
    const createRevision = this.keys.get(name)?.createRevision ?? revision;
    const kept = { value, lease, createRevision, modRevision: revision };
    this.keys.set(name, kept);
    this.trace(() => `etcd: revision ${revision} is ${name} ${textOf(value)}`);
    this.tell([{ revision, event: { type: 0, kv: keyValue(name, kept) } as etcdApi.Event }]);
  }

  private grant(id: number, ttlSeconds: number): void {
    const lease = { ttlMs: ttlSeconds * 1000, until: 0 };
    this.leases.set(id, lease);
    this.prolong(id, lease);
  }

  private prolong(id: number, lease: Lease): void {
    lease.until = this.loop.now + lease.ttlMs;
    this.loop.at(lease.until, () => {
      if (!this.away && this.leases.get(id) === lease && lease.until <= this.loop.now) this.end(id);
    });
  }

  private end(id: number): void {
    if (!this.leases.delete(id)) return;
    const gone = [...this.keys].filter(([, { lease }]) => lease === id);
    if (gone.length === 0) return;
    const revision = ++this.revision;
    for (const [key] of gone) {
      this.keys.delete(key);
      this.trace(() => `etcd: revision ${revision} is without ${key}`);
    }
    const events = gone.map(([key]) => {
      const kv = keyValue(key, {
        value: new Uint8Array(0),
        lease: 0,
        createRevision: 0,
        modRevision: revision,
      });
      return { revision, event: { type: 1, kv } as etcdApi.Event };
    });
    this.tell(events);
  }

  private tell(happened: readonly Happened[]): void {
    this.history.push(...happened);
    for (const watch of this.watches) watch(happened);
  }
}

/** One node's connection, made when it is needed and anew after it broke. */
class VirtualStore implements MemberStore {
  private end: ConnectionEnd | undefined;
  private readonly calls = new Map<number, { take(answer: unknown): void; fail(why: string): void }>();
  private last = 0;

  constructor(
    private readonly network: VirtualNetwork,
    private readonly process: VirtualProcess,
    private readonly timeoutMs: number,
  ) {}

  range(): Promise<etcdApi.RangeResponse> {
    return this.ask({ kind: 'range' });
  }

  txn(request: etcdApi.TxnRequest): Promise<etcdApi.TxnResponse> {
    return this.ask({ kind: 'txn', request });
  }

  grant(lease: number, ttlSeconds: number): Promise<etcdApi.LeaseGrantResponse> {
    return this.ask({ kind: 'grant', lease, ttlSeconds });
  }

  revoke(lease: number): Promise<void> {
    return this.ask({ kind: 'revoke', lease });
  }

  keepAlive(lease: number): Promise<number> {
    return this.ask({ kind: 'keepAlive', lease, ttlSeconds: 0 });
  }

  watch(_key: string, _rangeEnd: string, from: number, events: WatchEvents): () => void {
    let open = true;
    const fail = (why: string): void => {
      if (!open) return;
      open = false;
      late();
      events.failed(why);
    };
    const late = this.process.clock.after(this.timeoutMs, () => fail('the watch did not begin in time'));
    const take = (answer: unknown): void => {
      if (!open) return;
      if (answer === 'created') {
        late();
        events.created();
        return;
      }
      const { events: happened, revision } = answer as { events: etcdApi.Event[]; revision: number };
      events.events(happened, revision);
    };
    const call = this.say({ kind: 'watch', from }, take, fail);
    return () => {
      open = false;
      late();
      this.calls.delete(call);
    };
  }

  close(): void {
    this.end?.close('closed');
    this.end = undefined;
    this.calls.clear();
  }

  private ask<A>(question: Question): Promise<A> {
    return new Promise<A>((resolve, reject) => {
      const late = this.process.clock.after(this.timeoutMs, () => {
        this.calls.delete(call);
        reject(new Error('no answer in time'));
      });
      const call = this.say(
        question,
        (answer) => {
          late();
          this.calls.delete(call);
          resolve(answer as A);
        },
        (why) => {
          late();
          reject(new Error(why));
        },
      );
    });
  }

  private say(question: Question, take: (answer: unknown) => void, fail: (why: string) => void): number {
    const call = ++this.last;
    this.calls.set(call, { take, fail });
    this.connection().send({ call, question } satisfies Asked, 64);
    return call;
  }

  private connection(): ConnectionEnd {
    this.end ??= this.network.dial(this.process, address, {
      received: (item) => {
        const { call, answer, refused } = item as Answered;
        const asked = this.calls.get(call);
        if (refused === undefined) asked?.take(answer);
        else {
          this.calls.delete(call);
          asked?.fail(refused);
        }
      },
      closed: (why) => {
        this.end = undefined;
        const calls = [...this.calls.values()];
        this.calls.clear();
        for (const { fail } of calls) fail(why);
      },
    });
    return this.end;
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

function keyValue(key: string, { value, createRevision, modRevision }: Kept): etcdApi.KeyValue {
  return { key: Buffer.from(key), value: Buffer.from(value), createRevision, modRevision };
}
