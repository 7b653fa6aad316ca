import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChannelCredentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { Code, OperatorError, seededRng } from '@derailed/shared/kernel';
import {
  Envelope,
  type ConnectRequest,
  type ConnectResponse,
  type Hello,
  LinkClient,
  type Welcome,
} from '@derailed/shared/contract';
import { freePort } from '@derailed/testing';
import { Registry } from 'prom-client';
import type { MeshConfig } from '../config';
import { createMesh } from '../create-mesh';
import { Ear, parcel } from '../mesh-world.fixture';
import { linkDefaults, quiet, realClock } from '../wirings.fixture';
import type { NodeMesh } from '../node-mesh';
import { testCertificate, testKey } from './certificate.fixture';
import { contractVersion, secretKey } from './wire';

/** A node as the wire sees it: what it says is up to the test. */
class RawDialler {
  readonly replies: ConnectResponse[] = [];
  ended: { code: number; details: string } | undefined;
  private readonly client: LinkClient;
  private readonly stream;
  private wake: () => void = () => undefined;

  constructor(to: NodeMesh, hello: Partial<Hello> = {}, secret?: string) {
    this.client = new LinkClient(to.self.id, ChannelCredentials.createInsecure());
    const metadata = new Metadata();
    if (secret !== undefined) metadata.set(secretKey, Buffer.from(secret));
    this.stream = this.client.connect(metadata);
    this.stream.on('data', (reply: ConnectResponse) => {
      this.replies.push(reply);
      this.wake();
    });
    this.stream.on('error', ({ code, details }: ServiceError) => this.finish(code, details));
    this.stream.on('end', () => this.finish(status.OK, ''));
    const value = {
      contractVersion,
      nodeId: '127.0.0.1:1',
      incarnation: 'one',
      peerIncarnation: '',
      epoch: 1,
      ...hello,
    };
    this.stream.write({ seq: 0, kind: { $case: 'hello', value } });
  }

  say(seq: number, ...indices: number[]): void {
    const envelopes = indices.map((index) =>
      Buffer.from(Envelope.encode({ call: 0, isReply: false, message: parcel('raw', index) }).finish()),
    );
    this.write({ seq, kind: { $case: 'batch', value: { envelopes } } });
  }

  write(frame: ConnectRequest): void {
    this.stream.write(frame);
  }

  async welcome(): Promise<Welcome> {
    await this.until(() => this.replies.length > 0);
    const kind = this.replies[0]?.kind;
    if (kind?.$case !== 'welcome') throw new Error('no welcome');
    return kind.value;
  }

  async received(seq: number): Promise<void> {
    await this.until(() =>
      this.replies.some(({ kind }) => kind?.$case === 'received' && kind.value.seq === seq),
    );
  }

  async end(): Promise<{ code: number; details: string }> {
    await this.until(() => this.ended !== undefined);
    return this.ended!;
  }

  close(): void {
    this.stream.cancel();
    this.client.close();
  }

  private finish(code: number, details: string): void {
    this.ended ??= { code, details };
    this.wake();
  }

  private async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.wake = resolve));
  }
}

describe('the gRPC link', () => {
  const open: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });

  const node = async (
    config: Partial<MeshConfig> = {},
    ear = new Ear(),
  ): Promise<{ mesh: NodeMesh; ear: Ear }> => {
    const port = await freePort();
    const mesh = createMesh({
      config: { ...linkDefaults, listen: { host: '127.0.0.1', port }, ...config },
      others: true,
      clock: realClock,
      rng: seededRng(port),
      logger: quiet,
      metrics: new Registry(),
    });
    open.push(mesh);
    ear.listen(mesh);
    await mesh.listen();
    return { mesh, ear };
  };
  const dial = (to: NodeMesh, hello?: Partial<Hello>, secret?: string): RawDialler => {
    const raw = new RawDialler(to, hello, secret);
    open.push(raw);
    return raw;
  };

  it('lets other flows overtake a long message', async () => {
    const [a, b] = [await node(), await node()];
    a.mesh.send(b.mesh.self.id, 'long', parcel('long', 0, 4 * 1024 * 1024));
    a.mesh.send(b.mesh.self.id, 'long', parcel('long', 1));
    a.mesh.send(b.mesh.self.id, 'short', parcel('short', 0));
    await b.ear.until(() => b.ear.order.length === 3);
    expect(b.ear.order).toEqual(['short', 'long', 'long']);
  });

  it('takes up a stream of the same epoch where the last one ended, and drops what came before', async () => {
    const { mesh, ear } = await node();
    const first = dial(mesh);
    expect(await first.welcome()).toMatchObject({
      received: 0,
      epoch: 1,
      incarnation: mesh.self.incarnation,
    });
    first.say(1, 0, 1);
    await first.received(1);
    const second = dial(mesh);
    expect(await second.welcome()).toMatchObject({ received: 1, epoch: 1 });
    second.say(1, 0, 1);
    second.say(2, 2);
    await second.received(2);
    expect(ear.heard('raw')).toEqual([0, 1, 2]);
    expect(ear.kinds()).toEqual(['up']);
  });

  it('never handles frames of an older epoch', async () => {
    const { mesh, ear } = await node();
    const old = dial(mesh, { epoch: 3 });
    await old.welcome();
    old.say(1, 0);
    await old.received(1);
    const current = dial(mesh, { epoch: 4 });
    expect(await current.welcome()).toMatchObject({ received: 0, epoch: 4 });
    old.say(2, 1);
    const late = dial(mesh, { epoch: 3 });
    expect(await late.welcome()).toMatchObject({ epoch: 4 });
    late.say(2, 1);
    await Promise.all([old.end(), late.end()]);
    current.say(1, 2);
    await current.received(1);
    expect(ear.heard('raw')).toEqual([0, 2]);
    expect(ear.peers.map(({ kind, epoch }) => [kind, epoch])).toEqual([
      ['up', 3],
      ['gone', 3],
      ['up', 4],
    ]);
  });

  it('never handles frames of an older incarnation', async () => {
    const { mesh, ear } = await node();
    const old = dial(mesh, { epoch: 1 });
    await old.welcome();
    const reborn = dial(mesh, { incarnation: 'two', epoch: 1 });
    const { epoch } = await reborn.welcome();
    expect(epoch).toBeGreaterThan(1);
    old.say(1, 0);
    await Promise.all([old.end(), reborn.end()]);
    const again = dial(mesh, { incarnation: 'two', epoch });
    await again.welcome();
    again.say(1, 1);
    await again.received(1);
    expect(ear.heard('raw')).toEqual([1]);
    expect(ear.peers.map(({ kind, node: { incarnation } }) => [kind, incarnation])).toEqual([
      ['up', 'one'],
      ['gone', 'one'],
      ['up', 'two'],
    ]);
  });

  it.each<[string, Partial<Hello>, number, RegExp]>([
    [
      'a contract version too new',
      { contractVersion: contractVersion + 2 },
      status.FAILED_PRECONDITION,
      /speaks contract version 3/,
    ],
    ['a name that nobody could dial', { nodeId: 'somebody' }, status.INVALID_ARGUMENT, /nodeId/],
    ['no incarnation', { incarnation: '' }, status.INVALID_ARGUMENT, /incarnation/],
    ['a name too long', { nodeId: `${'a'.repeat(300)}:1` }, status.INVALID_ARGUMENT, /nodeId/],
  ])('refuses a dialler with %s, in one sentence', async (_, hello, code, sentence) => {
    const { mesh, ear } = await node();
    const { code: got, details } = await dial(mesh, hello).end();
    expect(got).toBe(code);
    expect(details).toMatch(sentence);
    expect(ear.peers).toEqual([]);
  });

  it('gets on with the contract version before and after its own', async () => {
    const { mesh } = await node();
    for (const version of [contractVersion - 1, contractVersion + 1]) {
      expect(await dial(mesh, { contractVersion: version }).welcome()).toMatchObject({ contractVersion });
    }
  });

  it('refuses data before hello, more peers than LINK_PEERS, and gives a peer up that breaks the contract', async () => {
    const { mesh, ear } = await node({ peers: 1 });
    const known = dial(mesh);
    await known.welcome();
    expect(await dial(mesh, { nodeId: '127.0.0.1:2' }).end()).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    });
    known.say(7, 0);
    expect(await known.end()).toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: 'frame 7 came after 0',
    });
    expect(ear.kinds()).toEqual(['up', 'gone']);
    expect(ear.order).toEqual([]);
  });

  it.each([
    ['a wrong secret', 'sesame'],
    ['no secret', undefined],
  ])('refuses %s', async (_, shown) => {
    const { mesh } = await node({ secret: 'open' });
    expect(await dial(mesh, {}, shown).end()).toEqual({
      code: status.UNAUTHENTICATED,
      details: 'CLUSTER_SECRET does not match',
    });
    expect(await dial(mesh, {}, 'open').welcome()).toBeDefined();
  });

  it('needs a secret off loopback, and names the door that is in use', async () => {
    await expect(node({ listen: { host: '0.0.0.0', port: 18_000 } })).rejects.toThrow(
      new OperatorError('CLUSTER_SECRET is required because LINK_LISTEN, 0.0.0.0:18000, is off loopback.'),
    );
    const { mesh } = await node();
    const port = Number(mesh.self.id.split(':')[1]);
    await expect(node({ listen: { host: '127.0.0.1', port } })).rejects.toThrow(
      new OperatorError(`LINK_LISTEN: ${mesh.self.id} is in use.`),
    );
  });

  it('gives up a peer that leaves more signals unreceived than LINK_QUEUE', async () => {
    const { mesh, ear } = await node({ queue: 64 * 1024 });
    const address = `127.0.0.1:${await freePort()}`;
    let sent = 0;
    while (mesh.signal(address, parcel('x', sent, 1024))) sent++;
    expect(sent).toBeGreaterThan(30);
    expect(ear.peers).toEqual([]);
    await ear.until(() => ear.peers.length === 1);
    expect(ear.peers).toMatchObject([{ kind: 'gone', node: { id: address, incarnation: '' } }]);
  });

  it('says what it has to say before it closes', async () => {
    const [a, b] = [await node(), await node()];
    a.mesh.send(b.mesh.self.id, 'x', parcel('x', 0));
    await b.ear.until(() => b.ear.order.length === 1);
    for (const index of [1, 2, 3]) a.mesh.send(b.mesh.self.id, 'x', parcel('x', index, 100_000));
    await a.mesh.close();
    expect(b.ear.heard('x')).toEqual([0, 1, 2, 3]);
    expect(a.mesh.send(b.mesh.self.id, 'x', parcel('x', 4))).toBe(false);
  });

  it('works over mutual TLS, and not without a certificate', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'link-tls-'));
    open.push({ close: () => rmSync(dir, { recursive: true }) });
    const file = (name: string): string => join(dir, name);
    writeFileSync(file('cert'), testCertificate);
    writeFileSync(file('key'), testKey);
    const tls = { tlsCert: file('cert'), tlsKey: file('key'), tlsCa: file('cert'), secret: 'open' };
    const [a, b] = [await node(tls), await node(tls)];
    b.mesh.onCall('guildInfo', () => ({ $case: 'guildInfoReply', value: { presences: 7, available: true } }));
    const ask = (from: NodeMesh, deadlineMs: number) =>
      from.call(
        b.mesh.self.id,
        'g',
        { $case: 'guildInfo', value: { guildId: '1' } },
        'guildInfoReply',
        deadlineMs,
      );
    expect(await ask(a.mesh, 10_000)).toMatchObject({ presences: 7 });
    const stranger = await node({ ca: file('cert'), secret: 'open', grace: 200 });
    await expect(ask(stranger.mesh, 10_000)).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });

  it('drops the answer to a call of an incarnation that is no more', async () => {
    let answer = (): void => undefined;
    const { mesh, ear } = await node();
    mesh.onCall(
      'guildInfo',
      () =>
        new Promise((resolve) => {
          answer = () => resolve({ $case: 'guildInfoReply', value: { presences: 1, available: true } });
          mesh.send(mesh.self.id, 'x', parcel('asked', 0));
        }),
    );
    const caller = await node();
    const id = caller.mesh.self.id;
    const lost = caller.mesh.call(
      mesh.self.id,
      'g',
      { $case: 'guildInfo', value: { guildId: '1' } },
      'guildInfoReply',
      10_000,
    );
    await ear.until(() => ear.order.length === 1);
    await caller.mesh.close();
    await expect(lost).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    const [host, port] = id.split(':') as [string, string];
    const reborn = await node({ listen: { host, port: Number(port) } });
    reborn.mesh.send(mesh.self.id, 'x', parcel('reborn', 0));
    await ear.until(() => ear.heard('reborn').length === 1);
    answer();
    mesh.send(id, 'x', parcel('after', 0));
    await reborn.ear.until(() => reborn.ear.heard('after').length === 1);
    expect(ear.kinds()).toEqual(['up', 'gone', 'up']);
  });
});
