import { type ClusterView, type KeyPart, type Member, RingView } from '@derailed/platform/cluster';
import { InProcessNetwork } from '@derailed/platform/mesh';
import { type CallError, Code, seededRng } from '@derailed/shared/kernel';
import { VirtualClock } from '@derailed/testing';
import { Registry } from 'prom-client';
import { KeyOwner } from './key-owner';
import { KeyWatch } from './key-watch';
import { SeenCluster } from './seen-cluster.fixture';

const settled = () => new Promise((resolve) => setImmediate(resolve));
const keys = Array.from({ length: 100 }, (_, at) => String(at));

/**
 * Guild-nodes and a session-node that says at once that it has said all, each with its own view of the list.
 * @param isExact it speaks of those keys alone that it is asked for
 */
function start({ isExact = false, leaseTtl = undefined as number | undefined } = {}) {
  const clock = new VirtualClock();
  const network = new InProcessNetwork({ clock, rng: seededRng(1) });
  const members = new Map<string, Member>();
  const done: string[] = [];
  const log: string[] = [];
  const join = (id: string) => {
    const mesh = network.join(id);
    const role = id === 's' ? 'session-node' : 'guild-node';
    const { incarnation } = mesh.self;
    members.set(id, { id, incarnation, roles: [role], state: 'serving', contractVersion: 1 });
    return mesh;
  };
  const node = (id: string) => {
    const mesh = join(id);
    const cluster = new SeenCluster(leaseTtl);
    const registry = new Registry();
    const say = (fields: unknown, text?: string) => void log.push(`${text} ${JSON.stringify(fields)}`);
    const watch = new KeyWatch('guild-node', registry, { info: say, warn: say });
    const owner = new KeyOwner('guild-node', mesh, cluster, clock, { changed: () => undefined }, watch);
    owner.start();
    /** Does something with the key, and says so, or says why not. */
    const serve = (...of: string[]): void =>
      owner.run(
        of,
        () => done.push(`${id} ${of.join('+')}`),
        (error: CallError) => done.push(`${id} no ${error.code}`),
      );
    return { id, cluster, owner, serve, mesh, registry };
  };
  const sessions = join('s');
  const asked: (KeyPart | undefined)[] = [];
  sessions.onMessage('ownershipSync', ({ role, generation, part }, from) => {
    asked.push(part);
    sessions.send(from.id, 'sync', {
      $case: 'ownershipSynced',
      value: { role, generation, part: isExact ? part : undefined },
    });
  });
  /** Ids; with `-draining` for one that drains. */
  const list = (generation: number, ...ids: string[]): ClusterView =>
    new RingView(
      generation,
      ['s', ...ids].map((name) => {
        const [id, state] = name.split('-') as [string, Member['state'] | undefined];
        return { ...members.get(id)!, ...(state && { state }) };
      }),
    );
  const between = (view: ClusterView, before: string, after: ClusterView, now: string): string =>
    keys.find(
      (key) => view.ownerOf('guild-node', key) === before && after.ownerOf('guild-node', key) === now,
    )!;
  return { clock, network, node, list, between, done, log, asked };
}

describe('KeyOwner', () => {
  it('serves keys of a living node only when that one has seen that they are its no more', async () => {
    const { node, list, between, done } = start();
    const [a, b] = [node('a'), node('b')];
    a.cluster.show(list(1, 'a'));
    await settled();
    const key = between(list(1, 'a'), 'a', list(2, 'a', 'b'), 'b');
    b.cluster.show(list(2, 'a', 'b'));
    b.serve(key);
    a.serve(key);
    await settled();
    expect(done).toEqual([`a ${key}`]);
    a.cluster.show(list(2, 'a', 'b'));
    a.serve(key);
    await settled();
    await settled();
    expect(done).toEqual([`a ${key}`, 'a no 10', `b ${key}`]);
  });

  it('serves keys of a node that has told it unasked, before it knew itself', async () => {
    const { network, node, list, between, done } = start();
    const [a, b] = [node('a'), node('b')];
    a.cluster.show(list(1, 'a'));
    await settled();
    const key = between(list(1, 'a'), 'a', list(2, 'a', 'b'), 'b');
    a.cluster.show(list(2, 'a', 'b'));
    await settled();
    network.cut('a', 'b');
    b.cluster.show(list(2, 'a', 'b'));
    b.serve(key);
    await settled();
    expect(done).toEqual([`b ${key}`]);
    network.heal('a', 'b');
    await settled();
    // Whoever leaves tells all who stay.
    b.cluster.show(list(3, 'a', 'b-draining'));
    await settled();
    network.cut('a', 'b');
    a.cluster.show(list(3, 'a', 'b-draining'));
    a.serve(key);
    await settled();
    expect(done).toEqual([`b ${key}`, `a ${key}`]);
  });

  it('serves keys of a node that it can not reach when the store says by which list that one goes', async () => {
    const { clock, network, node, list, between, done, log } = start();
    const [a, b] = [node('a'), node('b')];
    a.cluster.show(list(1, 'a'));
    await settled();
    const key = between(list(1, 'a'), 'a', list(2, 'a', 'b'), 'b');
    network.cut('a', 'b');
    b.cluster.show(list(2, 'a', 'b'));
    b.serve(key);
    const { incarnation } = a.mesh.self;
    // It has not seen yet that the key is its no more, or it is another start of it.
    b.cluster.lists = [
      { id: 'a', incarnation, generation: 1 },
      { id: 'a', incarnation: 'zero', generation: 2 },
    ];
    const pass = async (ms: number) => {
      clock.advance(ms);
      await settled();
      await settled();
    };
    await pass(1999);
    expect(b.cluster.looks).toBe(0);
    for (let second = 0; second < 20; second++) await pass(1000);
    expect([done, b.cluster.looks > 10]).toEqual([[], true]);
    expect(await b.registry.metrics()).toContain('awaited_nodes{role="guild-node",for="yield"} 1');
    b.cluster.lists = [{ id: 'a', incarnation, generation: 2 }];
    await pass(1000);
    expect(done).toEqual([`b ${key}`]);
    expect(log[0]).toBe(
      'nodes that served keys do not answer: etcd is asked whether they have yielded {"role":"guild-node","nodes":["a"]}',
    );
    expect(await b.registry.metrics()).toContain('awaited_nodes{role="guild-node",for="yield"} 0');
  });

  it('keeps the order of each key while it waits, also for what is about several', async () => {
    const { node, list, done } = start();
    const a = node('a');
    a.cluster.show(list(1, 'a'));
    a.serve('1', '2');
    a.serve('2');
    a.owner.behind('2', () => done.push('behind'));
    expect(done).toEqual([]);
    await settled();
    a.serve('3');
    expect(done).toEqual(['a 1+2', 'a 2', 'behind', 'a 3']);
  });

  it('keeps what is for a list that it has not seen yet, and drops what is elsewhere', async () => {
    const { node, list, between, done } = start();
    const [a] = [node('a'), node('b')];
    a.cluster.show(list(1, 'a', 'b'));
    const key = between(list(1, 'a', 'b'), 'b', list(2, 'a'), 'a');
    a.owner.take(key, 2, 'waiting', () => done.push('early'));
    a.owner.take(key, 1, 'waiting', () => done.push('never'));
    expect(done).toEqual([]);
    a.cluster.show(list(2, 'a'));
    expect(done).toEqual(['early']);
  });

  it('catches up first with whoever asks by a list that it has not seen yet', async () => {
    const { node, list, done } = start();
    const a = node('a');
    a.cluster.show(list(1, 'a'));
    await settled();
    a.owner.take('1', 2, 'ready', () => done.push('asked'));
    a.serve('1');
    expect(done).toEqual([]);
    a.cluster.show(list(2, 'a'));
    await settled();
    expect(done).toEqual(['asked', 'a 1']);
  });

  it('asks a session-node again whose word was of a term that is over', async () => {
    const { node, list, done, asked } = start({ isExact: true });
    const a = node('a');
    a.cluster.show(list(1, 'a'));
    a.owner.doubt('s');
    a.serve('1');
    await settled();
    expect(done).toEqual(['a 1']);
    expect(asked.slice(0, 2)).toEqual([asked[0], asked[0]]);
  });

  it('asks for the keys that something waits for before all others', async () => {
    const { clock, node, list, done, asked } = start({ isExact: true });
    const a = node('a');
    a.owner.take('2', 1, 'ready', () => done.push('taken'));
    a.owner.take('3', 1, 'waiting', () => done.push('early'));
    a.cluster.show(list(1, 'a'));
    await settled();
    expect(done).toEqual(['early', 'taken']);
    a.serve('4');
    a.serve('5');
    await settled();
    expect(done.slice(2)).toEqual(['a 4', 'a 5']);
    const of = (part: KeyPart | undefined): readonly string[] | number =>
      part?.keys.length === 0 ? part.number : part!.keys;
    expect(asked.map(of)).toEqual([['2'], 0, ['4', '5']]);
    for (let part = 1; part < 64; part++) {
      clock.advance(10);
      await settled();
    }
    expect(asked.slice(3).map(of)).toEqual(Array.from({ length: 63 }, (_, at) => at + 1));
    expect(a.owner.standing('6')).toBe('ready');
  });

  it("lets a node that drains go when it serves what was that one's, and not before", async () => {
    const { clock, node, list, between, done, network } = start();
    const [a, b] = [node('a'), node('b')];
    for (const { cluster } of [a, b]) cluster.show(list(1, 'a', 'b'));
    clock.advance(200);
    await settled();
    await settled();
    const draining = list(2, 'a', 'b-draining');
    const key = between(list(1, 'a', 'b'), 'b', draining, 'a');
    let left = false;
    b.cluster.show(draining);
    void b.owner.left().then(() => (left = true));
    network.cut('a', 's');
    await settled();
    a.cluster.show(draining);
    a.serve(key);
    await settled();
    await settled();
    // It waits for the session-node's word.
    expect([done, left]).toEqual([[], false]);
    network.heal('a', 's');
    for (let turn = 0; turn < 4; turn++) await settled();
    clock.advance(100);
    await settled();
    expect([done, left]).toEqual([[`a ${key}`], true]);
  });

  it('lets a node that drains go when nobody else has its role', async () => {
    const { node, list } = start();
    const b = node('b');
    b.cluster.show(list(1, 'b-draining'));
    await b.owner.left();
    expect(b.owner.standing('1')).toBe('elsewhere');
  });

  it('does nothing without its lease', async () => {
    const { node, list, done } = start();
    const a = node('a');
    a.cluster.show(list(1, 'a'));
    await settled();
    a.cluster.isMember = false;
    a.serve('1');
    expect(done).toEqual([]);
    expect(a.owner.mayAnswer('1')).toBe(false);
  });

  it('goes on with what came without its lease when that is there again, in order', async () => {
    const { clock, node, list, done } = start();
    const a = node('a');
    a.cluster.show(list(1, 'a'));
    await settled();
    a.cluster.isMember = false;
    a.serve('1');
    clock.advance(100);
    a.cluster.isMember = true;
    a.serve('1', '2');
    expect(done).toEqual([]);
    clock.advance(20);
    expect(done).toEqual(['a 1', 'a 1+2']);
  });

  it("refuses what came without its lease when the key is another's", async () => {
    const { node, list, between, done } = start();
    const [a] = [node('a'), node('b')];
    a.cluster.show(list(1, 'a'));
    await settled();
    a.cluster.isMember = false;
    const key = between(list(1, 'a'), 'a', list(2, 'a', 'b'), 'b');
    a.serve(key);
    a.cluster.show(list(2, 'a', 'b'));
    expect(done).toEqual([`a no 10`]);
  });

  it('waits no longer than a while for a session-node that does not answer', async () => {
    const { clock, network, node, list, done, log } = start();
    const a = node('a');
    network.cut('a', 's');
    a.cluster.show(list(1, 'a'));
    a.serve('1');
    clock.advance(4999);
    await settled();
    expect(done).toEqual([]);
    clock.advance(1);
    expect(done).toEqual(['a 1']);
    expect(a.owner.isLate('s')).toBe(true);
    expect(log).toEqual([
      'keys are served without the word of session-nodes: sessions that were subscribed there end when they come {"role":"guild-node","nodes":["s"]}',
    ]);
  });

  it('waits where there are leases until the one of a session-node that stands still has ended, or longer', async () => {
    const { clock, network, node, list, done } = start({ leaseTtl: 10_000 });
    const a = node('a');
    network.cut('a', 's');
    a.cluster.show(list(1, 'a'));
    a.serve('1');
    clock.advance(9000);
    await settled();
    expect(done).toEqual([]);
    network.heal('a', 's');
    clock.advance(1000);
    for (let turn = 0; turn < 4; turn++) await settled();
    expect([done, a.owner.isLate('s')]).toEqual([['a 1'], false]);
  });

  describe('answers the calls of another node', () => {
    /** A call of node t for keys of node a, answered with the place of its turn. */
    const calls = () => {
      const world = start();
      const a = world.node('a');
      const { self: from } = world.network.join('t');
      let turns = 0;
      const call = (keys: readonly string[], restarts?: boolean): Promise<number | Code> =>
        a.owner
          .answer<number>({ from, keys, restarts }, (resolve) => resolve(++turns))
          .catch(({ code }: CallError) => code);
      return { ...world, a, call };
    };

    it('and takes none whose predecessor it has refused, until they begin again from the first', async () => {
      const { a, list, call } = calls();
      const refused = [call(['1'], false), call(['2'], false)];
      a.cluster.show(list(1, 'a'));
      await settled();
      // It owns the key by now; the refusal of the first is still on its way.
      const behind = [call(['1'], false), call(['2', '3'], false), call(['3'], false)];
      const again = [call(['1'], true), call(['1'], false)];
      expect(await Promise.all([...refused, ...behind])).toEqual(Array(5).fill(Code.ABORTED));
      expect(await Promise.all(again)).toEqual([1, 2]);
      expect(await Promise.all([call(['3'], true), call(['2'], false)])).toEqual([3, Code.ABORTED]);
    });

    it('also of one that waited here before it was refused', async () => {
      const { a, node, list, between, call } = calls();
      node('b');
      const key = between(list(1, 'a'), 'a', list(2, 'a', 'b'), 'b');
      a.cluster.show(list(1, 'a'));
      const waited = call([key], false);
      a.cluster.show(list(2, 'a', 'b'));
      a.cluster.show(list(3, 'a'));
      expect(await waited).toBe(Code.ABORTED);
      await settled();
      expect(await call([key], false)).toBe(Code.ABORTED);
      expect(await call([key], true)).toBe(1);
    });

    it('of a version that does not say when it begins again as they come', async () => {
      const { a, list, call } = calls();
      expect(await call(['1'])).toBe(Code.ABORTED);
      a.cluster.show(list(1, 'a'));
      await settled();
      expect(await call(['1'])).toBe(1);
    });

    it('and forgets what it refused when the link is gone: what was on its way is lost', async () => {
      const { a, list, network, call } = calls();
      expect(await call(['1'], false)).toBe(Code.ABORTED);
      a.mesh.send('t', 'x', { $case: 'ownershipYielded', value: { role: 'guild-node', generation: 0 } });
      await settled();
      network.leave('t');
      a.cluster.show(list(1, 'a'));
      await settled();
      expect(await call(['1'], false)).toBe(1);
    });
  });
});
