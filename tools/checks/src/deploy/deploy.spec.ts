import { allSettings, createPrint, deployFindings, readDeploy } from './check';
import { readKubernetes } from './kubernetes';
import { composeFindings, dockerfileFindings, schemaFindings, unitFindings } from './schemas';

jest.setTimeout(120_000);

/** deploy/ with one text in the place of another, which has to be there. */
function changed(file: string, from: string | RegExp, to: string): Map<string, string> {
  const files = readDeploy();
  const before = files.get(file) ?? '';
  const after = before.replace(from, to);
  if (after === before) throw new Error(`${file} has no ${String(from)}`);
  return files.set(file, after);
}

describe('deploy/', () => {
  const print = createPrint();
  let settings: ReadonlyMap<string, string>;
  beforeAll(async () => {
    settings = await allSettings(print);
  });

  it('fits the apps', async () => {
    expect(await deployFindings(readDeploy(), settings, print)).toEqual([]);
  });

  it.each<[string, string, string | RegExp, string, RegExp]>([
    [
      'a variable renamed for all pods',
      'kubernetes/base/derailed.env',
      'TUNNEL_LISTEN',
      'TUNNEL_ADDRESS',
      /TUNNEL_ADDRESS is no setting/,
    ],
    [
      'the etcd line of all pods',
      'kubernetes/etcd/etcd.env',
      'CLUSTER=etcd:',
      'CLUSTER=etdc:',
      /CLUSTER must read/,
    ],
    [
      'a variable renamed in one pod',
      'kubernetes/base/tunnel.yaml',
      /TUNNEL_TOKEN/g,
      'TUNNEL_SECRET',
      /TUNNEL_SECRET is not in secrets/,
    ],
    [
      'a variable renamed for a container',
      'compose.yaml',
      'GATEWAY_LISTEN',
      'GATEWAY_DOOR',
      /compose.*GATEWAY_DOOR is no setting/,
    ],
    [
      'a variable renamed for a unit',
      'systemd/etc/tunnel.env',
      'TUNNEL_LISTEN',
      'TUNNEL_DOOR',
      /systemd.*TUNNEL_DOOR is no setting/,
    ],
    [
      'a variable of another app',
      'systemd/etc/auth.env',
      'AUTH_LISTEN',
      'GUILD_IDLE=5m\nAUTH_LISTEN',
      /GUILD_IDLE is no setting of auth/,
    ],
    [
      'a value that the app refuses',
      'kubernetes/base/derailed.env',
      '0.0.0.0:17000',
      'everywhere',
      /TUNNEL_LISTEN must be HOST:PORT/,
    ],
    [
      'a container port',
      'kubernetes/base/tunnel.yaml',
      'containerPort: 17000',
      'containerPort: 17001',
      /port tunnel is 17001, and TUNNEL_LISTEN/,
    ],
    [
      'the name of a container port',
      'kubernetes/base/ws-gateway.yaml',
      'name: clients, containerPort',
      'name: users, containerPort',
      /port called users/,
    ],
    [
      'a port that the variable moves away from',
      'kubernetes/base/derailed.env',
      '0.0.0.0:15000',
      '0.0.0.0:15001',
      /port clients is 15000, and GATEWAY_LISTEN/,
    ],
    [
      'a port of a service',
      'kubernetes/base/tunnel.yaml',
      'port: 17000, targetPort',
      'port: 17002, targetPort',
      /tunnel is 17002, and 17000 in its pods/,
    ],
    ['a probe', 'kubernetes/base/session-node.yaml', '/readyz', '/ready', /readiness probe is not \/readyz/],
    [
      'a published port',
      'compose.yaml',
      '127.0.0.1:17000:17000',
      '127.0.0.1:17000:17001',
      /nothing of gateway listens on port 17001/,
    ],
    [
      'the port of a health check',
      'compose.yaml',
      '127.0.0.1:19000/readyz',
      '127.0.0.1:19001/readyz',
      /nothing of gateway listens on port 19001/,
    ],
    [
      'the number of pods',
      'kubernetes/base/guild-node.yaml',
      'replicas: 2',
      'replicas: 3',
      /CLUSTER does not list guild-node-2/,
    ],
    [
      'the address of a pod',
      'kubernetes/base/derailed.env',
      'tunnel-1.tunnel:18000',
      'tunnel-1:18000',
      /nothing starts tunnel-1:18000/,
    ],
    [
      'a headless service',
      'kubernetes/base/guild-node.yaml',
      'publishNotReadyAddresses: true',
      'publishNotReadyAddresses: false',
      /no headless service/,
    ],
    [
      'an address on one machine',
      'systemd/etc/guild-node.env',
      '127.0.0.1:19002',
      '127.0.0.1:19001',
      /ADMIN_LISTEN is 127\.0\.0\.1:19001, as/,
    ],
    [
      'the port of the auth service',
      'kubernetes/base/auth.yaml',
      'port: 4600, targetPort',
      'port: 4601, targetPort',
      /AUTH_URL names no service/,
    ],
    [
      'an exposed port',
      'Dockerfile',
      'EXPOSE 15000',
      'EXPOSE 15001',
      /EXPOSE lacks the port of GATEWAY_LISTEN/,
    ],
  ])('does not fit any more when what changes is %s', async (_, file, from, to, finding) => {
    const findings = await deployFindings(changed(file, from, to), settings, print);
    expect(findings.filter((text) => finding.test(text))).not.toEqual([]);
  });

  it('does not fit apps that call a setting something else', async () => {
    const renamed = new Map([...settings].filter(([name]) => name !== 'CLUSTER_SECRET'));
    const findings = await deployFindings(readDeploy(), renamed, print);
    const named = findings.filter((text) => text.endsWith('CLUSTER_SECRET is no setting'));
    expect(named.some((text) => text.startsWith('kubernetes/'))).toBe(true);
    expect(named.some((text) => text.startsWith('systemd/'))).toBe(true);
  });
});

describe('the schemas', () => {
  const manifestsOf = (files: ReadonlyMap<string, string>) => readKubernetes(files).manifests;

  it('of Kubernetes, Compose, Dockerfiles and systemd hold', async () => {
    const files = readDeploy();
    expect(await schemaFindings(manifestsOf(files))).toEqual([]);
    expect(composeFindings(files)).toEqual([]);
    expect(dockerfileFindings(files)).toEqual([]);
    expect((await unitFindings(files)) ?? []).toEqual([]);
  });

  it.each<[string, string | RegExp, string, RegExp]>([
    ['a value of the wrong type', 'replicas: 2', "replicas: 'two'", /replicas must be integer/],
    [
      'a field that is missing',
      /selector: \{ matchLabels: \{ app: tunnel \} \}\n {2}template/,
      'template',
      /selector/,
    ],
    ['a field that does not exist', 'podManagementPolicy', 'podManagement', /podManagement/],
    ['a kind that does not exist', 'kind: PodDisruptionBudget', 'kind: PodBudget', /has no PodBudget/],
  ])('of Kubernetes refuse %s', async (_, from, to, finding) => {
    const findings = await schemaFindings(manifestsOf(changed('kubernetes/base/tunnel.yaml', from, to)));
    expect(findings.join('\n')).toMatch(finding);
  });

  it('of Compose and Dockerfiles refuse what they do not know', () => {
    expect(composeFindings(changed('compose.yaml', 'cap_drop', 'drop_caps'))).not.toEqual([]);
    expect(dockerfileFindings(changed('Dockerfile', 'EXPOSE', 'EXPOSES'))).not.toEqual([]);
  });

  it('of systemd refuse a unit that it can not read', async () => {
    const findings = await unitFindings(
      changed('systemd/derailed@.service', 'Restart=always', 'Restart=whenever'),
    );
    if (findings !== undefined) expect(findings.join('\n')).toMatch(/whenever/);
  });
});
