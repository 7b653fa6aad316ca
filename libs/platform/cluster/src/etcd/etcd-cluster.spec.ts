import {
  type Authority,
  type RunningEtcd,
  type TcpProxy,
  createAuthority,
  describeWithEtcd,
  startEtcd,
  startTcpProxy,
} from '@derailed/testing';
import type { Cluster } from '../cluster';
import { enter, idsOf, nodeOf, viewOf } from './etcd-nodes.fixture';

const member = (id: string) => ({ id, roles: ['guild-node' as const] });
const [a, b, c] = ['10.0.0.1:1', '10.0.0.2:1', '10.0.0.3:1'] as const;

describeWithEtcd('a node on etcd', () => {
  let etcd: RunningEtcd;
  let prefix = 0;
  let at: string;
  const nodes: Cluster[] = [];
  const open = (id: string, options?: Parameters<typeof nodeOf>[2], where = at): Cluster => {
    const node = nodeOf(where, member(id), options);
    nodes.push(node);
    return node;
  };

  beforeAll(async () => {
    etcd = await startEtcd();
  }, 20_000);
  afterAll(() => etcd.stop());
  beforeEach(() => {
    at = `${etcd.address}/spec-${++prefix}`;
  });
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.leave()));
  });

  it('is seen joining, serving, draining and leaving by the others', async () => {
    const first = await enter(open(a));
    const second = open(b);
    await second.join();
    await viewOf(first, (view) => view.member(b)?.state === 'joining');
    expect(first.view.membersOf('guild-node')).toEqual([a]);
    await second.become('serving');
    await viewOf(first, (view) => view.member(b)?.state === 'serving');
    expect(first.view.membersOf('guild-node')).toEqual([a, b]);
    await second.become('draining');
    await viewOf(first, (view) => view.member(b)?.state === 'draining');
    expect(first.view.membersOf('guild-node')).toEqual([a]);
    await second.leave();
    await viewOf(first, (view) => idsOf(view) === a);
  });

  it('that falls silent is off the list when its lease has ended, and knows it first', async () => {
    const first = await enter(open(a));
    const proxy = await startTcpProxy(etcd.address);
    const second = await enter(open(b, {}, `${proxy.address}/spec-${prefix}`));
    proxy.retarget('');
    proxy.cut();
    await viewOf(first, (view) => idsOf(view) === a);
    expect(second.holdsLease()).toBe(false);
    const lost = new Promise((resolve) => second.onLost(resolve));
    proxy.retarget(etcd.address);
    expect(await lost).toBe(`the lease of ${b} has ended`);
    await proxy.close();
  });

  it('says by which list it goes, for those that it has no link to, as long as it has its lease', async () => {
    const first = await enter(open(a));
    const second = await enter(open(b));
    const { generation } = await viewOf(first, (view) => view.member(b)?.state === 'serving');
    await viewOf(second, (view) => view.generation === generation);
    const wanted = [a, b].map((id) => {
      const { incarnation } = first.view.member(id)!;
      return { id, incarnation, generation };
    });
    let adopted = await first.adopted();
    // Each writes when it has seen the list.
    while (JSON.stringify(adopted) !== JSON.stringify(wanted)) adopted = await first.adopted();
    expect((await second.adopted()).map(({ id }) => id)).toEqual([a, b]);
    await second.leave();
    await viewOf(first, (view) => idsOf(view) === a);
    expect((await first.adopted()).map(({ id }) => id)).toEqual([a]);
    expect(first.view.generation).toBeGreaterThan(generation);
  });

  it('waits for the end of the lease of its earlier start', async () => {
    const proxy = await startTcpProxy(etcd.address);
    await enter(open(a, {}, `${proxy.address}/spec-${prefix}`));
    const again = open(a);
    const trouble = new Promise((resolve) => again.onTrouble(resolve));
    const joined = again.join();
    expect(await trouble).toBe(
      `an earlier start of ${a} still has its lease, and this one waits for its end`,
    );
    proxy.retarget('');
    proxy.cut();
    await joined;
    expect(again.holdsLease()).toBe(true);
    await proxy.close();
  });

  it.each([
    [3, 1, 'old', 'upgrade it'],
    [1, 3, 'new', 'upgrade the others'],
  ])('says in one sentence that among version %i version %i is too %s', async (theirs, ours, age, then) => {
    await enter(open(a, { version: theirs }));
    const second = open(b, { version: ours });
    const trouble = new Promise((resolve) => second.onTrouble(resolve));
    void second.join();
    expect(await trouble).toBe(
      `this node is too ${age} for the cluster: it speaks contract version ${ours}, and ${a} speaks ${theirs}; ${then}`,
    );
  });

  describe('whose watch was cut', () => {
    let proxy: TcpProxy;
    let cut: Cluster;
    let first: Cluster;
    beforeEach(async () => {
      proxy = await startTcpProxy(etcd.address);
      first = await enter(open(a, { env: { LEASE_TTL: '10s' } }));
      cut = await enter(open(b, { env: { LEASE_TTL: '10s' } }, `${proxy.address}/spec-${prefix}`));
    });
    afterEach(() => proxy.close());

    const agree = async (): Promise<void> => {
      const { generation, members } = await viewOf(cut, (view) => idsOf(view) === [a, b].join());
      const other = await viewOf(first, (view) => view.generation >= generation);
      expect(other.generation).toBe(generation);
      expect(other.members).toEqual(members);
    };

    it('hears of everything that happened meanwhile', async () => {
      const third = await enter(open(c));
      await viewOf(cut, (view) => idsOf(view) === [a, b, c].join());
      proxy.retarget('');
      proxy.cut();
      await third.leave();
      await viewOf(first, (view) => idsOf(view) === [a, b].join());
      proxy.retarget(etcd.address);
      await agree();
    });

    it('names the list by the same generation when etcd has forgotten what happened meanwhile', async () => {
      const third = await enter(open(c));
      await viewOf(cut, (view) => idsOf(view) === [a, b, c].join());
      proxy.retarget('');
      proxy.cut();
      await third.leave();
      await viewOf(first, (view) => idsOf(view) === [a, b].join());
      // Something else is written, so that the end of the third is not the last revision.
      await etcd.ctl('put', 'elsewhere', '1');
      const { header } = JSON.parse(await etcd.ctl('get', 'elsewhere', '-w', 'json')) as {
        header: { revision: number };
      };
      await etcd.ctl('compact', String(header.revision));
      proxy.retarget(etcd.address);
      await agree();
    });
  });

  it('goes on with the last list while etcd is away, and with its lease when etcd is back', async () => {
    const own = await startEtcd();
    const node = await enter(open(a, { env: { LEASE_TTL: '10s' } }, `${own.address}/away`));
    const { generation } = node.view;
    const trouble = new Promise((resolve) => node.onTrouble((why) => why !== undefined && resolve(why)));
    await own.kill();
    expect(await trouble).toMatch(/^etcd: /);
    expect(node.view.generation).toBe(generation);
    const over = new Promise<void>((resolve) => node.onTrouble((why) => why === undefined && resolve()));
    await own.restart();
    await over;
    expect(node.holdsLease()).toBe(true);
    expect(idsOf(node.view)).toBe(a);
    await node.leave();
    await own.stop();
  }, 20_000);
});

describeWithEtcd('an etcd with a lock on its door', () => {
  let authority: Authority;
  let etcd: RunningEtcd;
  beforeAll(async () => {
    authority = await createAuthority();
    const certificate = await authority.issue('root');
    etcd = await startEtcd({ tls: { ca: authority.ca, certificate } });
    await etcd.ctl('user', 'add', 'root', '--new-user-password', 'hunter2');
    await etcd.ctl('user', 'grant-role', 'root', 'root').catch(() => undefined);
    await etcd.ctl('user', 'add', 'gateway', '--new-user-password', 'secret');
    await etcd.ctl('role', 'add', 'gateway');
    await etcd.ctl('role', 'grant-permission', 'gateway', '--prefix', 'readwrite', 'mine/');
    await etcd.ctl('user', 'grant-role', 'gateway', 'gateway');
    await etcd.ctl('auth', 'enable');
  }, 20_000);
  afterAll(async () => {
    await etcd.stop();
    authority.remove();
  });

  const access = async (password: string) => {
    const { cert, key } = await authority.issue('node');
    return {
      ETCD_CA: authority.ca,
      ETCD_CERT: cert,
      ETCD_KEY: key,
      ETCD_USER: 'gateway',
      ETCD_PASSWORD: password,
    };
  };

  it('takes a node with a certificate, a user and a password', async () => {
    const node = nodeOf(`${etcd.address}/mine`, member(a), { env: await access('secret') });
    await enter(node);
    expect(idsOf(node.view)).toBe(a);
    await node.leave();
  });

  it('turns a wrong password away, and the node says so', async () => {
    const node = nodeOf(`${etcd.address}/mine`, member(a), { env: await access('wrong') });
    const trouble = new Promise((resolve) => node.onTrouble(resolve));
    void node.join();
    expect(await trouble).toMatch(/authentication failed, invalid user ID or password/);
    await node.leave();
  });
});
