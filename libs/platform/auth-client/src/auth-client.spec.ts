import { type AddressInfo, createServer } from 'node:net';
import { Server, ServerCredentials, type ServiceError, type handleUnaryCall, status } from '@grpc/grpc-js';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { Logger } from '@derailed/platform/observability';
import { type Credentials, DatabaseUnavailable } from '@derailed/platform/persistence';
import { authGrpc } from '@derailed/shared/contract';
import { VirtualClock } from '@derailed/testing';
import { AuthClient } from './auth-client';
import { AuthorizationCalls } from './authorization-calls';
import { authMetrics } from './metrics';
import { TokenCache } from './token-cache';

const ada = '100000000000000001';
const tokenOf = (userId: string, rest = 'x.good'): string =>
  `${Buffer.from(userId).toString('base64url')}.${rest}`;

type Answer = boolean | 'silence' | { code: number };

/** A platform's auth service whose answers the test chooses; `asked` is what it was asked. */
async function startService() {
  const asked: authGrpc.ValidateToken[] = [];
  const answers: Answer[] = [];
  let always: (request: authGrpc.ValidateToken) => Answer = ({ password, token }) =>
    password === 'hash' && token.endsWith('.good');
  const validate: handleUnaryCall<authGrpc.ValidateToken, authGrpc.Valid> = ({ request }, respond) => {
    asked.push(request);
    const answer = answers.shift() ?? always(request);
    if (answer === 'silence') return;
    if (typeof answer === 'boolean') respond(null, { valid: answer });
    else respond({ code: answer.code, details: 'as the test wants' } as ServiceError);
  };
  const server = new Server();
  server.addService(authGrpc.AuthorizationService, {
    validate,
    create: (({ request }, respond) => {
      respond(null, { token: tokenOf(request.userId, `${request.password}.good`) });
    }) satisfies handleUnaryCall<authGrpc.CreateToken, authGrpc.NewToken>,
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    url: `127.0.0.1:${port}`,
    asked,
    /** The next answers, one call each. */
    next: (...some: Answer[]) => void answers.push(...some),
    always: (answer: (request: authGrpc.ValidateToken) => Answer) => void (always = answer),
    stop: () => {
      server.forceShutdown();
    },
  };
}

async function closedPort(): Promise<string> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return `127.0.0.1:${port}`;
}

let service: Awaited<ReturnType<typeof startService>>;
let stored: Map<string, Credentials>;
let clock: VirtualClock;
let log: string;
let registry: Registry;
let close: () => void;

function createClient({
  url = service.url,
  deadline = 1000,
  cacheTtl = 10_000,
  cacheSize = 100,
} = {}): AuthClient {
  const calls = new AuthorizationCalls({ url, deadline });
  close = () => calls.close();
  const users = { credentials: (userId: string) => Promise.resolve(stored.get(userId) ?? null) };
  registry = new Registry();
  const logger: Logger = pino({ level: 'trace' }, { write: (line: string) => void (log += line) });
  return new AuthClient(
    users,
    calls,
    new TokenCache(cacheTtl, cacheSize),
    clock,
    logger,
    authMetrics(registry),
  );
}

const credentialsOf = (id: string, more: Partial<Credentials> = {}): Credentials => ({
  user: {
    id,
    username: 'ada',
    discriminator: '0',
    avatar: null,
    email: null,
    flags: 0,
    bot: false,
    system: false,
  },
  passwordHash: 'hash',
  suspended: false,
  ...more,
});

const metric = async (name: string): Promise<Record<string, number>> => {
  const { values } = (await registry.getSingleMetric(name)?.get()) ?? { values: [] };
  return Object.fromEntries(values.map(({ labels, value }) => [String(labels['outcome'] ?? name), value]));
};

beforeEach(async () => {
  service = await startService();
  stored = new Map([[ada, credentialsOf(ada)]]);
  clock = new VirtualClock();
  log = '';
});
afterEach(() => {
  close();
  service.stop();
});

const invalid = { ok: false, reason: 'invalid' };
const unavailable = { ok: false, reason: 'unavailable' };

describe('a token', () => {
  it('that the service knows leads to its user; the service sees the stored hash and no Bot', async () => {
    const client = createClient();
    const token = tokenOf(ada);
    await expect(client.authenticate(`Bot ${token}`)).resolves.toEqual({
      ok: true,
      user: stored.get(ada)?.user,
    });
    expect(service.asked).toEqual([{ userId: ada, password: 'hash', token }]);
    await expect(metric('derailed_auth_up')).resolves.toEqual({ derailed_auth_up: 1 });
  });

  it('of an unknown user, of a suspended user and a wrong one are all refused after the same call', async () => {
    const suspended = '100000000000000009';
    stored.set(suspended, credentialsOf(suspended, { suspended: true }));
    const client = createClient();
    for (const token of [tokenOf('999'), tokenOf(suspended), tokenOf(ada, 'x.bad')]) {
      await expect(client.authenticate(token)).resolves.toEqual(invalid);
    }
    expect(service.asked.map(({ userId }) => userId)).toEqual(['999', suspended, ada]);
    expect(service.asked[0]?.password).not.toBe('');
    await expect(metric('derailed_auth_checks_total')).resolves.toMatchObject({ invalid: 3, valid: 0 });
  });

  it('of an unknown user is refused even by a service that says yes to everything', async () => {
    service.always(() => true);
    await expect(createClient().authenticate(tokenOf('999'))).resolves.toEqual(invalid);
  });

  it('that names nobody is refused without a call', async () => {
    await expect(createClient().authenticate('nonsense')).resolves.toEqual(invalid);
    expect(service.asked).toEqual([]);
  });

  it('that the service answers with INVALID_ARGUMENT or NOT_FOUND is refused', async () => {
    service.next({ code: status.INVALID_ARGUMENT }, { code: status.NOT_FOUND });
    const client = createClient();
    await expect(client.authenticate(tokenOf(ada))).resolves.toEqual(invalid);
    await expect(client.authenticate(tokenOf(ada))).resolves.toEqual(invalid);
  });

  it('can be made by the service', async () => {
    await expect(createClient().createToken(ada, 'hash')).resolves.toBe(tokenOf(ada, 'hash.good'));
  });
});

describe('what was valid', () => {
  it('is believed for the time to live, and not a moment longer once the hash has changed', async () => {
    const client = createClient();
    await client.authenticate(tokenOf(ada));
    stored.set(ada, credentialsOf(ada, { passwordHash: 'changed' }));
    clock.advance(9_999);
    await expect(client.authenticate(tokenOf(ada))).resolves.toMatchObject({ ok: true });
    expect(service.asked).toHaveLength(1);
    clock.advance(1);
    await expect(client.authenticate(tokenOf(ada))).resolves.toEqual(invalid);
    await expect(metric('derailed_auth_checks_total')).resolves.toMatchObject({
      valid: 1,
      cached: 1,
      invalid: 1,
    });
  });

  it('is forgotten, oldest first, when there is too much of it', async () => {
    const users = ['1', '2', '3'];
    for (const id of users) stored.set(id, credentialsOf(id));
    const client = createClient({ cacheSize: 2 });
    for (const id of users) await client.authenticate(tokenOf(id));
    for (const id of users.toReversed()) await client.authenticate(tokenOf(id));
    expect(service.asked.map(({ userId }) => userId)).toEqual(['1', '2', '3', '1']);
  });

  it('is asked for again each time when there is no time to live', async () => {
    const client = createClient({ cacheTtl: 0 });
    await client.authenticate(tokenOf(ada));
    await client.authenticate(tokenOf(ada));
    expect(service.asked).toHaveLength(2);
  });

  it('does not cover another token of the same user', async () => {
    const client = createClient();
    await client.authenticate(tokenOf(ada));
    await expect(client.authenticate(tokenOf(ada, 'x.bad'))).resolves.toEqual(invalid);
  });
});

describe('a service in trouble', () => {
  it('is asked again when it was unavailable', async () => {
    service.next({ code: status.UNAVAILABLE }, { code: status.UNAVAILABLE });
    await expect(createClient().authenticate(tokenOf(ada))).resolves.toMatchObject({ ok: true });
    expect(service.asked).toHaveLength(3);
  });

  it('is not asked again when it failed', async () => {
    service.next({ code: status.INTERNAL });
    await expect(createClient().authenticate(tokenOf(ada))).resolves.toEqual(unavailable);
    expect(service.asked).toHaveLength(1);
    await expect(metric('derailed_auth_up')).resolves.toEqual({ derailed_auth_up: 0 });
  });

  it('that says nothing is given up on at the deadline', async () => {
    service.always(() => 'silence');
    const began = performance.now();
    await expect(createClient({ deadline: 200 }).authenticate(tokenOf(ada))).resolves.toEqual(unavailable);
    expect(performance.now() - began).toBeLessThan(1000);
  });

  it('is left alone after five failures in a row, and found again when it is back', async () => {
    const client = createClient();
    service.always(() => ({ code: status.INTERNAL }));
    for (let time = 0; time < 8; time++) {
      await expect(client.authenticate(tokenOf(ada))).resolves.toEqual(unavailable);
    }
    expect(service.asked).toHaveLength(5);
    service.always(() => true);
    let answer = await client.authenticate(tokenOf(ada));
    while (!answer.ok) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      answer = await client.authenticate(tokenOf(ada));
    }
    expect(service.asked).toHaveLength(6);
    await expect(metric('derailed_auth_up')).resolves.toEqual({ derailed_auth_up: 1 });
  });

  it('that is not there makes the answer unavailable, not invalid', async () => {
    const client = createClient({ url: await closedPort() });
    await expect(client.authenticate(tokenOf(ada))).resolves.toEqual(unavailable);
  });
});

it('without the database the answer is unavailable, and nobody is asked', async () => {
  const calls = new AuthorizationCalls({ url: service.url, deadline: 1000 });
  close = () => calls.close();
  const users = { credentials: () => Promise.reject(new DatabaseUnavailable(new Error('gone'))) };
  const metrics = authMetrics(new Registry());
  const client = new AuthClient(users, calls, new TokenCache(1, 1), clock, pino({ enabled: false }), metrics);
  await expect(client.authenticate(tokenOf(ada))).resolves.toEqual(unavailable);
  expect(service.asked).toEqual([]);
});

it('tokens and hashes never reach the log', async () => {
  const client = createClient();
  service.next(true, { code: status.INTERNAL }, false);
  const tokens = [tokenOf(ada, 'x.one'), tokenOf(ada, 'x.two'), tokenOf(ada, 'x.three')];
  for (const token of tokens) await client.authenticate(token);
  expect(log).toContain('auth service away');
  for (const secret of [...tokens, 'hash']) expect(log).not.toContain(secret);
});

it.each(['nonsense', 'host', 'ftp://host:1', 'http://host:1/path', 'host:99999'])(
  'AUTH_URL=%s is refused',
  (url) => {
    close = () => undefined;
    expect(() => new AuthorizationCalls({ url, deadline: 1 })).toThrow('AUTH_URL');
  },
);
