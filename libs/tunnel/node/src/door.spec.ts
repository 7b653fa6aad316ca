import { readFileSync } from 'node:fs';
import { loadConfig } from '@derailed/platform/config';
import { Code, OperatorError } from '@derailed/shared/kernel';
import { type Authority, type Certificate, createAuthority } from '@derailed/testing';
import {
  ChannelCredentials,
  type ServiceError,
  loadPackageDefinition,
  makeGenericClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { service as healthService } from 'grpc-health-check';
import { TunnelUnderTest, ask, bearer, event, publishWith } from './tunnel.fixture';
import { tunnelMicroserviceOptions, tunnelSettings } from './index';

let tunnel: TunnelUnderTest;
afterEach(() => tunnel?.dispose());

const health = (
  service: string,
  credentials = ChannelCredentials.createInsecure(),
): Promise<{ status: string }> => {
  const Client = makeGenericClientConstructor(healthService, 'Health');
  const client = tunnel.keep(new Client(tunnel.target, credentials));
  const check = client['check'] as (
    request: object,
    done: (error: ServiceError | null, answer: { status: string }) => void,
  ) => void;
  return ask((done) => {
    check.call(client, { service }, done);
  });
};

describe('a token', () => {
  beforeEach(async () => {
    tunnel = await TunnelUnderTest.start({ TUNNEL_TOKEN: 'sesame' });
  });

  it('opens the door', async () => {
    await expect(publishWith(tunnel.tunnel(), event(), bearer('sesame'))).resolves.toMatchObject({
      sessions: 1,
    });
  });

  it.each([
    ['no token', undefined],
    ['another one', 'sesam'],
    ['an empty one', ''],
  ])('with %s a call is UNAUTHENTICATED and goes nowhere', async (_, token) => {
    const metadata = token === undefined ? undefined : bearer(token);
    await expect(publishWith(tunnel.tunnel(), event(), metadata)).rejects.toMatchObject({
      code: Code.UNAUTHENTICATED,
    });
    expect(tunnel.owners.published).toEqual([]);
  });

  it('is asked of streams and of the old services too', async () => {
    const stream = tunnel.tunnel().publishStream(bearer('wrong'));
    const code = await new Promise((resolve) => {
      stream.on('error', (error: ServiceError) => {
        resolve(error.code);
      });
      stream.on('data', () => undefined);
      stream.write({ event: event({ id: 'a' }) });
    });
    expect(code).toBe(Code.UNAUTHENTICATED);
    const guilds = tunnel.guilds();
    await expect(
      ask((done) => guilds.publish({ guildId: '1', message: { event: 'A', data: '{}' } }, done)),
    ).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
  });

  it('is not asked of health checks', async () => {
    await expect(health('')).resolves.toEqual({ status: 'SERVING' });
  });
});

describe('health and reflection', () => {
  beforeEach(async () => {
    tunnel = await TunnelUnderTest.start();
  });

  it.each(['', 'derailed.tunnel.v1.Tunnel', 'derailed.grpc.Guild', 'derailed.grpc.User'])(
    '%p is serving',
    async (service) => {
      await expect(health(service)).resolves.toEqual({ status: 'SERVING' });
    },
  );

  it('an unknown service is NOT_FOUND', async () => {
    await expect(health('derailed.grpc.Nope')).rejects.toMatchObject({ code: Code.NOT_FOUND });
  });

  it('reflection lists the services and describes them', async () => {
    const path = require.resolve('@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto');
    const definition = loadPackageDefinition(loadSync(path, { keepCase: true }));
    const Client = (
      definition as unknown as {
        grpc: { reflection: { v1: { ServerReflection: ReturnType<typeof makeGenericClientConstructor> } } };
      }
    ).grpc.reflection.v1.ServerReflection;
    const client = tunnel.keep(new Client(tunnel.target, ChannelCredentials.createInsecure()));
    const call = (client['ServerReflectionInfo'] as () => NodeJS.ReadWriteStream).call(client);
    const replies: {
      list_services_response?: { service: { name: string }[] };
      file_descriptor_response?: { file_descriptor_proto: Buffer[] };
    }[] = [];
    const over = new Promise((resolve) => call.on('end', resolve));
    call.on('data', (reply: (typeof replies)[number]) => replies.push(reply));
    const write = call.write.bind(call) as unknown as (request: object) => void;
    write({ list_services: '' });
    write({ file_containing_symbol: 'derailed.tunnel.v1.Tunnel' });
    call.end();
    await over;
    expect(replies[0]?.list_services_response?.service.map(({ name }) => name).sort()).toEqual([
      'derailed.grpc.Guild',
      'derailed.grpc.User',
      'derailed.tunnel.v1.Tunnel',
    ]);
    const described = Buffer.concat(
      replies[1]?.file_descriptor_response?.file_descriptor_proto ?? [],
    ).toString('latin1');
    expect(described).toContain('PublishStream');
    expect(described).not.toContain('Authorization');
  });
});

describe('TLS', () => {
  let authority: Authority;
  let door: Certificate;
  let caller: Certificate;
  let environment: Record<string, string>;
  beforeAll(async () => {
    authority = await createAuthority();
    door = await authority.issue('door');
    caller = await authority.issue('caller');
    environment = { TUNNEL_TLS_CERT: door.cert, TUNNEL_TLS_KEY: door.key };
  });
  afterAll(() => {
    authority.remove();
  });

  it('is spoken when there is a certificate', async () => {
    tunnel = await TunnelUnderTest.start(environment);
    const credentials = ChannelCredentials.createSsl(readFileSync(authority.ca));
    await expect(publishWith(tunnel.tunnel(credentials), event())).resolves.toMatchObject({ sessions: 1 });
    await expect(publishWith(tunnel.tunnel(), event())).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  });

  it('with an authority demands a certificate of it', async () => {
    tunnel = await TunnelUnderTest.start({ ...environment, TUNNEL_TLS_CA: authority.ca });
    const root = readFileSync(authority.ca);
    const known = ChannelCredentials.createSsl(root, readFileSync(caller.key), readFileSync(caller.cert));
    await expect(publishWith(tunnel.tunnel(known), event())).resolves.toMatchObject({ sessions: 1 });
    await expect(
      publishWith(tunnel.tunnel(ChannelCredentials.createSsl(root)), event()),
    ).rejects.toMatchObject({
      code: Code.UNAVAILABLE,
    });
  });
});

describe('an operator', () => {
  const optionsOf = (environment: Record<string, string>) =>
    tunnelMicroserviceOptions(loadConfig({ tunnel: tunnelSettings }, environment).tunnel);

  it.each<[string, Record<string, string>, RegExp]>([
    ['listens off loopback without a token', { TUNNEL_LISTEN: '0.0.0.0:0' }, /^TUNNEL_TOKEN must be set/],
    [
      'listens off loopback without TLS',
      { TUNNEL_LISTEN: '10.0.0.1:17000', TUNNEL_TOKEN: 'x' },
      /^TUNNEL_TLS_CERT/,
    ],
    ['names half a pair', { TUNNEL_TLS_CERT: '/tmp/cert.pem' }, /TUNNEL_TLS_KEY/],
    [
      'names a file that is not there',
      { TUNNEL_TLS_CERT: '/nope', TUNNEL_TLS_KEY: '/nope' },
      /^TUNNEL_TLS_CERT/,
    ],
  ])('who %s is told so in one sentence', async (_, environment, sentence) => {
    const start = async (): Promise<void> => {
      await optionsOf(environment).strategy.createClient();
    };
    await expect(start()).rejects.toThrow(OperatorError);
    await expect(start()).rejects.toThrow(sentence);
  });

  it('whose port is taken is told so', async () => {
    tunnel = await TunnelUnderTest.start();
    const strategy = optionsOf({ TUNNEL_LISTEN: tunnel.target }).strategy;
    await expect(strategy.createClient()).rejects.toThrow(/^TUNNEL_LISTEN 127\.0\.0\.1:\d+ can't be had/);
  });

  it('who says TUNNEL_INSECURE=1 is warned', async () => {
    tunnel = await TunnelUnderTest.start({ TUNNEL_LISTEN: '0.0.0.0:0', TUNNEL_INSECURE: '1' });
    expect(tunnel.warnings.join()).toContain(
      'TUNNEL_INSECURE=1: whoever reaches 0.0.0.0:0 may publish, without a token and in plaintext.',
    );
  });
});
