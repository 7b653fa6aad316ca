import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { ChannelCredentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { LinkClient, authGrpc } from '@derailed/shared/contract';
import { Code } from '@derailed/shared/kernel';
import { type Authority, type Certificate, createAuthority, startApp, startCluster } from '@derailed/testing';
import { demo } from './demo';
import { Publisher } from './publisher';
import { RawClient } from './raw-client';
import { refusal } from './refusal';

const secret = 'what only nodes know';
const token = 'what only the monolith knows';

jest.setTimeout(30_000);

describe('separate processes with TLS on all doors', () => {
  let authority: Authority;
  let stranger: Authority;
  let nodes: Certificate;
  let monolith: Certificate;
  let cluster: Awaited<ReturnType<typeof startCluster>>;
  let trust: { ca: Buffer; cert: Buffer; key: Buffer };
  const callerOf = ({ cert, key }: Certificate) =>
    ChannelCredentials.createSsl(trust.ca, readFileSync(key), readFileSync(cert));
  const nobody = () => ChannelCredentials.createSsl(trust.ca);

  beforeAll(async () => {
    [authority, stranger] = await Promise.all([createAuthority('ours'), createAuthority('theirs')]);
    [nodes, monolith] = await Promise.all([authority.issue('nodes'), authority.issue('monolith')]);
    trust = {
      ca: readFileSync(authority.ca),
      cert: readFileSync(monolith.cert),
      key: readFileSync(monolith.key),
    };
    cluster = await startCluster({
      tls: { ca: authority.ca, certificate: nodes },
      // Callers of these doors show a certificate as well.
      env: {
        TUNNEL_TLS_CA: authority.ca,
        LINK_TLS_CA: authority.ca,
        ADMIN_TLS_CA: authority.ca,
        TUNNEL_TOKEN: token,
        CLUSTER_SECRET: secret,
      },
    });
  }, 60_000);

  afterAll(async () => {
    await cluster.stop();
    authority.remove();
    stranger.remove();
  }, 30_000);

  const gateway = () => cluster.app('ws-gateway').door('WebSocket');
  const tunnel = () => cluster.app('tunnel').door('tunnel');
  const get = (address: string, path: string, options: object): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      request(`https://${address}${path}`, { ...options, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });

  it('a client gets READY, its guilds and what is published', async () => {
    const client = new RawClient(`wss://${gateway()}`, 'v=10', { ca: trust.ca });
    await client.identify(cluster.token(demo.insider));
    const ready = await client.event('READY');
    expect(ready.d['resume_gateway_url']).toBe(`wss://${gateway()}`);
    await client.first(({ t, d }) => t === 'GUILD_CREATE' && d['id'] === demo.guild);
    const publisher = new Publisher(tunnel(), { token, trust: callerOf(monolith) });
    const message = { id: '1', channel_id: demo.channel, content: 'sealed' };
    expect(await publisher.publish({ guildId: demo.guild }, 'MESSAGE_CREATE', message)).toBe(1);
    expect((await client.event('MESSAGE_CREATE')).d).toEqual(message);
    publisher.close();
    await client.close();
  });

  it('the WebSocket door speaks HTTPS, and no plaintext', async () => {
    expect(await get(gateway(), '/gateway', { ca: trust.ca })).toBe(200);
    await expect(get(gateway(), '/gateway', {})).rejects.toThrow(/certificate/);
    await expect(new RawClient(gateway()).closed).rejects.toThrow();
    await expect(new RawClient(`wss://${gateway()}`).closed).rejects.toThrow(/certificate/);
  });

  it('the tunnel wants a certificate and the token', async () => {
    const codeWith = async (options: ConstructorParameters<typeof Publisher>[1]): Promise<number> => {
      const publisher = new Publisher(tunnel(), options);
      const failure = await publisher
        .publish({ guildId: demo.guild }, 'ANY', {})
        .catch((error: ServiceError) => error);
      publisher.close();
      return (failure as ServiceError).code;
    };
    const [known, unknown] = [callerOf(monolith), callerOf(await stranger.issue('monolith'))];
    expect(await codeWith({ trust: known })).toBe(Code.UNAUTHENTICATED);
    expect(await codeWith({ trust: known, token: 'a guess' })).toBe(Code.UNAUTHENTICATED);
    expect(await codeWith({ trust: nobody(), token })).toBe(Code.UNAVAILABLE);
    expect(await codeWith({ trust: unknown, token })).toBe(Code.UNAVAILABLE);
    expect(await codeWith({ token })).toBe(Code.UNAVAILABLE);
  });

  it('a link wants a certificate and the secret', async () => {
    const codeWith = (credentials: ChannelCredentials, shown?: string): Promise<number> =>
      new Promise((resolve) => {
        const client = new LinkClient(cluster.app('guild-node').door('link'), credentials);
        const metadata = new Metadata();
        if (shown !== undefined) metadata.set('cluster-secret-bin', Buffer.from(shown));
        const call = client.connect(metadata, { deadline: Date.now() + 5000 });
        call.on('data', () => undefined);
        call.on('error', (error: ServiceError) => {
          client.close();
          resolve(error.code);
        });
        call.on('end', () => undefined);
      });
    expect(await codeWith(callerOf(nodes))).toBe(Code.UNAUTHENTICATED);
    expect(await codeWith(callerOf(nodes), 'a guess')).toBe(Code.UNAUTHENTICATED);
    expect(await codeWith(nobody(), secret)).toBe(Code.UNAVAILABLE);
  });

  it('the admin door wants a certificate', async () => {
    const admin = cluster.app('session-node').door('admin');
    expect(await get(admin, '/readyz', trust)).toBe(200);
    await expect(get(admin, '/readyz', { ca: trust.ca })).rejects.toThrow();
    await expect(get(admin, '/readyz', {})).rejects.toThrow(/certificate/);
  });

  it('the auth service is not to be had in plaintext', async () => {
    const validate = (credentials: ChannelCredentials): Promise<boolean> =>
      new Promise((resolve, reject) => {
        const client = new authGrpc.AuthorizationClient(cluster.app('auth').door('auth'), credentials);
        client.validate({ userId: '1', password: 'x', token: 'x' }, (error, answer) => {
          client.close();
          if (error) reject(error);
          else resolve(answer.valid);
        });
      });
    expect(await validate(nobody())).toBe(false);
    await expect(validate(ChannelCredentials.createInsecure())).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
    });
    await expect(validate(ChannelCredentials.createSsl())).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });

  it('a database that another authority vouches for is not believed', async () => {
    const env = { DATABASE_URL: cluster.databaseUrl, DATABASE_CA: stranger.ca };
    await expect(startApp('guild-node', { env })).rejects.toThrow(
      /ended with 1 .*DATABASE_URL: the database refuses us: .*certificate/s,
    );
  });

  it('a key that is not of its certificate is one sentence', async () => {
    const env = { TUNNEL_TLS_CERT: nodes.cert, TUNNEL_TLS_KEY: monolith.key };
    expect(await refusal('tunnel', env)).toMatch(
      /^TUNNEL_TLS_CERT and TUNNEL_TLS_KEY can't be used: .*mismatch/,
    );
  });
});
