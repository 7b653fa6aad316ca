import { type AddressInfo, createServer } from 'node:net';
import { runApp } from '@derailed/testing';
import { refusal } from './refusal';
import type { Environment } from './wiring';

/** None of these starts gets as far as to look. */
const nowhere: Environment = { DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/nothing' };

jest.setTimeout(30_000);

describe('a mistake in the configuration is one sentence that names it, and exit code 1', () => {
  it.each<[string, string, Environment, RegExp]>([
    [
      'a variable that does not exist',
      'gateway',
      { GATEWAY_LISTENN: '127.0.0.1:1' },
      /^GATEWAY_LISTENN is no setting/,
    ],
    [
      'a value that does not parse',
      'tunnel',
      { TUNNEL_LISTEN: 'here' },
      /^TUNNEL_LISTEN must be HOST:PORT.*"here"/,
    ],
    [
      'a value out of bounds',
      'gateway',
      { HEARTBEAT_INTERVAL: '1s' },
      /^HEARTBEAT_INTERVAL must be .*2s to 55s, not "1s"/,
    ],
    ['an unknown role', 'gateway', { ROLES: 'tunnel,broker' }, /^ROLES must name roles of .*broker"\.$/],
    ['a cluster line without nodes', 'gateway', { CLUSTER: 'static:' }, /^CLUSTER names no node/],
    [
      'a cluster line that is cut off',
      'gateway',
      { CLUSTER: 'static:127.0.0.1:18000' },
      /^CLUSTER entry 1, 127\.0\.0\.1:18000, has no roles/,
    ],
    [
      'a node without a port',
      'tunnel',
      { CLUSTER: 'static:127.0.0.1/tunnel' },
      /^CLUSTER entry 1.*HOST:PORT/,
    ],
    [
      'an unknown role in the cluster line',
      'tunnel',
      { CLUSTER: 'static:127.0.0.1:1/broker' },
      /^CLUSTER entry 1.*"broker"/,
    ],
    [
      'a member list that is not offered',
      'tunnel',
      { CLUSTER: 'gossip:127.0.0.1:1' },
      /^CLUSTER must read static:.*"gossip"/,
    ],
    [
      'half of a certificate pair',
      'gateway',
      { GATEWAY_TLS_CERT: '/nowhere.crt', ...nowhere },
      /^GATEWAY_TLS_CERT needs GATEWAY_TLS_KEY/,
    ],
    [
      'a certificate that is not there',
      'gateway',
      { GATEWAY_TLS_CERT: '/nowhere.crt', GATEWAY_TLS_KEY: '/nowhere.key', ...nowhere },
      /^GATEWAY_TLS_CERT: can't read \/nowhere\.crt/,
    ],
    [
      'an authority that is not there',
      'guild-node',
      { DATABASE_CA: '/nowhere.crt', ...nowhere },
      /^DATABASE_CA: \/nowhere\.crt/,
    ],
    [
      'a signing key that is too short',
      'auth',
      { AUTH_SIGNING_KEY: 'short' },
      /^AUTH_SIGNING_KEY must be 32 characters/,
    ],
  ])('%s', async (_, app, env, sentence) => {
    expect(await refusal(app, env)).toMatch(sentence);
  });

  it('a cluster line that this node is missing from', async () => {
    const env = { CLUSTER: 'static:127.0.0.1:28001/tunnel', LINK_LISTEN: '127.0.0.1:28002' };
    expect(await refusal('tunnel', env)).toMatch(/^CLUSTER does not have this node, 127\.0\.0\.1:28002/);
  });

  it('a cluster line that gives this node the role of another', async () => {
    const env = { CLUSTER: 'static:127.0.0.1:28001/guild-node', LINK_LISTEN: '127.0.0.1:28001' };
    expect(await refusal('tunnel', env)).toMatch(/^CLUSTER gives 127\.0\.0\.1:28001 the roles guild-node/);
  });

  it('a flag that does not exist', async () => {
    expect(await refusal('gateway', {}, ['--role', 'tunnel'])).toMatch(/'--role'.*--help/);
  });

  it('never shows a secret', async () => {
    const env = { DATABASE_URL: 'mysql://root:hunter2@127.0.0.1/x', AUTH_SIGNING_KEY: 'hunter2' };
    expect(await refusal('guild-node', env)).toMatch(/^DATABASE_URL must look like((?!hunter2).)*$/);
    expect(await refusal('auth', env)).not.toContain('hunter2');
  });

  it.each(['ws-gateway', 'session-node', 'guild-node'])('%s without DATABASE_URL', async (app) => {
    expect(await refusal(app, {})).toMatch(/^DATABASE_URL is not set/);
  });
});

describe('a door that other machines could reach does not open', () => {
  it.each<[string, string, Environment, RegExp]>([
    ['the tunnel without a token', 'tunnel', { TUNNEL_LISTEN: '0.0.0.0:0' }, /^TUNNEL_TOKEN must be set/],
    [
      'the tunnel in plaintext',
      'tunnel',
      { TUNNEL_LISTEN: '0.0.0.0:0', TUNNEL_TOKEN: 'x' },
      /^TUNNEL_TLS_CERT and TUNNEL_TLS_KEY must be set/,
    ],
    [
      'a link without a secret',
      'presence-node',
      { LINK_LISTEN: '0.0.0.0:0', CLUSTER: 'static:127.0.0.1:1/presence-node' },
      /^CLUSTER_SECRET is required/,
    ],
    [
      'the auth service in plaintext',
      'auth',
      { AUTH_LISTEN: '0.0.0.0:0' },
      /^AUTH_TLS_CERT and AUTH_TLS_KEY must be set/,
    ],
  ])('%s', async (_, app, env, sentence) => {
    expect(await refusal(app, env)).toMatch(sentence);
  });
});

describe('a port that is in use', () => {
  const taken = createServer();
  let address: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
  });
  afterAll(() => taken.close());

  it.each([
    ['GATEWAY_LISTEN', 'ws-gateway'],
    ['TUNNEL_LISTEN', 'tunnel'],
    ['AUTH_LISTEN', 'auth'],
    ['ADMIN_LISTEN', 'presence-node'],
  ])('is said with its variable, %s', async (variable, app) => {
    expect(await refusal(app, { ...nowhere, [variable]: address })).toBe(
      `${variable}: ${address} is in use.`,
    );
  });

  it('is said of the link door too', async () => {
    const env = { LINK_LISTEN: address, CLUSTER: `static:${address}/tunnel` };
    expect(await refusal('tunnel', env)).toBe(`LINK_LISTEN: ${address} is in use.`);
  });
});

describe('the command line', () => {
  it('--print-config gives an environment file with every setting, secrets masked', async () => {
    const env = { TUNNEL_TOKEN: 'hunter2', CLUSTER_SECRET: 'hunter3', GATEWAY_LISTEN: '127.0.0.1:15001' };
    const { code, stdout, stderr } = await runApp('gateway', { env, args: ['--print-config'] });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.split('\n').filter((line) => !/^(#.*|[A-Z_]+=.*)?$/.test(line))).toEqual([]);
    expect(stdout).toMatch(/^GATEWAY_LISTEN=127\.0\.0\.1:15001$/m);
    expect(stdout).toMatch(/^TUNNEL_LISTEN=127\.0\.0\.1:17000$/m);
    expect(stdout).toMatch(/^TUNNEL_TOKEN=\*\*\*$/m);
    expect(stdout).not.toMatch(/hunter/);
  });

  it('what --print-config says starts the app again with the same settings', async () => {
    const { stdout } = await runApp('tunnel', { args: ['--print-config'] });
    const lines = stdout.split('\n').filter((line) => /^[A-Z]/.test(line));
    const env = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    const again = await runApp('tunnel', { env, args: ['--print-config'] });
    const settings = (text: string) => text.split('\n').filter((line) => !line.startsWith('# '));
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect(settings(again.stdout)).toEqual(settings(stdout));
  });

  it('--version and --help answer without starting anything', async () => {
    const version = await runApp('gateway', { args: ['--version'] });
    expect(version).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' });
    const help = await runApp('auth', { args: ['--help'] });
    expect(help).toEqual({ code: 0, stdout: expect.stringMatching(/^Usage: auth /), stderr: '' });
  });
});
