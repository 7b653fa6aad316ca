import { type AddressInfo, createServer } from 'node:net';
import { ChannelCredentials, Client, type ServiceError, status } from '@grpc/grpc-js';
import { Global, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { service as healthService } from 'grpc-health-check';
import { CLOCK } from '@derailed/platform/runtime';
import { authGrpc } from '@derailed/shared/contract';
import { VirtualClock } from '@derailed/testing';
import { AuthServiceModule, authApp, authMicroserviceOptions, createTokenSigner } from './auth-service';
import type { AuthServiceConfig } from './settings';

const ada = '100000000000000001';
const key = 'a key for tests, of enough length';

const provided = [{ provide: CLOCK, useFactory: () => new VirtualClock() }];
@Global()
@Module({ providers: provided, exports: provided })
class Platform {}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const configOf = (port: number, more: Partial<AuthServiceConfig> = {}): AuthServiceConfig => ({
  listen: { host: '127.0.0.1', port },
  insecure: false,
  signingKey: key,
  keyFile: '/nonexistent',
  ...more,
});

let app: INestApplicationContext;
let client: InstanceType<typeof authGrpc.AuthorizationClient>;
let address: string;
let config: AuthServiceConfig;

beforeAll(async () => {
  config = configOf(await freePort());
  address = `127.0.0.1:${config.listen.port}`;
  @Module({ imports: [Platform, AuthServiceModule.forRoot(config)] })
  class AppModule {}
  const nest = await NestFactory.createMicroservice(AppModule, {
    ...authMicroserviceOptions(config),
    logger: false,
  });
  await nest.listen();
  app = nest;
  client = new authGrpc.AuthorizationClient(address, ChannelCredentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await app.close();
});

const create = (userId: string, password: string): Promise<string> =>
  new Promise((resolve, reject) => {
    client.create({ userId, password }, (error, answer) => (error ? reject(error) : resolve(answer.token)));
  });
const validate = (userId: string, password: string, token: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    client.validate({ userId, password, token }, (error, answer) =>
      error ? reject(error) : resolve(answer.valid),
    );
  });

it('what it creates it validates, until the password changes', async () => {
  const token = await create(ada, 'hash');
  await expect(validate(ada, 'hash', token)).resolves.toBe(true);
  await expect(validate(ada, 'changed', token)).resolves.toBe(false);
  await expect(validate('100000000000000002', 'hash', token)).resolves.toBe(false);
});

it.each(['', '.', '..', 'x', 'a.b.c', 'Bot x', '\0', 'é'.repeat(1000)])(
  'the malformed token %j is answered like a wrong one',
  async (token) => {
    await expect(validate(ada, 'hash', token)).resolves.toBe(false);
  },
);

it.each([
  ['', 'hash', 'user_id: must be a snowflake'],
  ['ada', 'hash', 'user_id: must be a snowflake'],
  [ada, '', 'password: must be the stored hash'],
])('a token for user %j with hash %j is not made', async (userId, password, details) => {
  const error = (await create(userId, password).catch((refused: unknown) => refused)) as ServiceError;
  expect(error).toMatchObject({ code: status.INVALID_ARGUMENT, details });
});

it('a message beyond all that a token can need is refused unread', async () => {
  await expect(validate(ada, 'hash', 'x'.repeat(20_000))).rejects.toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
  });
});

it('a signer of the same configuration makes tokens that the service knows', async () => {
  const token = createTokenSigner(config).create(ada, 'hash', 0);
  await expect(validate(ada, 'hash', token)).resolves.toBe(true);
});

it('health is served for the server and for the service', async () => {
  const health = new Client(address, ChannelCredentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = healthService['Check']!;
  for (const service of ['', 'derailed.grpc.auth.Authorization']) {
    const answer = await new Promise((resolve, reject) => {
      health.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, value) =>
        error ? reject(error) : resolve(value),
      );
    });
    expect(answer).toMatchObject({ status: 'SERVING' });
  }
  health.close();
});

it('off loopback it wants TLS, or to be told that plaintext is meant', () => {
  const open = { listen: { host: '0.0.0.0', port: 4600 } };
  expect(() => authMicroserviceOptions(configOf(0, open))).toThrow(
    'AUTH_TLS_CERT and AUTH_TLS_KEY must be set',
  );
  expect(() => authMicroserviceOptions(configOf(0, { ...open, insecure: true }))).not.toThrow();
});

it('the app announces where it listens', () => {
  expect(authApp(configOf(4600)).doors).toEqual([{ name: 'auth', at: 'grpc://127.0.0.1:4600' }]);
});
