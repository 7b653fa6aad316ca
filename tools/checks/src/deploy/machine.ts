import { parse } from 'yaml';
import {
  type DeployFiles,
  type Printed,
  type Run,
  clusterFindings,
  listening,
  portOf,
  readEnvironment,
} from './run';

interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
}
interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
}

/** `${NAME:?…}` and `${NAME:-default}` with the values of compose.env.example. */
function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (_, name: string, kind?: string, rest?: string) => {
      const value = values[name] ?? (kind === '-' ? rest : undefined);
      return value ?? `\${${name}}`;
    },
  );
}

/** Our containers of the compose file; a health check's port counts as one that the file names. */
export function readCompose(files: DeployFiles): Run[] {
  const { services } = parse(files.get('compose.yaml') ?? '') as Compose;
  const values = readEnvironment(files.get('compose.env.example'));
  const ours = Object.entries(services).filter(([, { image }]) => image.startsWith('derailed-gateway:'));
  return ours.map(([name, { command = [], environment = {}, ports = [], healthcheck }]) => {
    const [main = '', ...args] = command;
    const checked = /127\.0\.0\.1:(\d+)/.exec(healthcheck?.test.join(' ') ?? '')?.[1];
    return {
      where: `compose.yaml, ${name}`,
      app: main.split('/')[0] ?? '',
      args,
      own: Object.fromEntries(
        Object.entries(environment).map(([key, value]) => [key, filled(value, values)]),
      ),
      shared: {},
      ports: [...ports, ...(checked === undefined ? [] : [checked])].map((text) => ({ port: portOf(text) })),
    };
  });
}

const units = 'systemd';

/** The processes that derailed.target and derailed-gateway.service start. */
export function readSystemd(files: DeployFiles): Run[] {
  const target = files.get(`${units}/derailed.target`) ?? '';
  const apps = [...target.matchAll(/derailed@([\w-]+)\.service/g)].map(([, app = '']) => app);
  const etc = (name: string): Record<string, string> => readEnvironment(files.get(`${units}/etc/${name}`));
  const shared = { ...etc('common.env'), ...etc('secrets.env.example') };
  const each = apps.map((app) => ({
    where: `${units}/etc/${app}.env`,
    app,
    args: [],
    own: etc(`${app}.env`),
    shared,
    ports: undefined,
  }));
  const composed = {
    where: `${units}/etc/gateway.env`,
    app: 'gateway',
    args: [],
    own: etc('gateway.env'),
    shared: etc('secrets.env.example'),
    ports: undefined,
  };
  return [...each, composed];
}

/** Processes of one machine: no address twice, and CLUSTER lists them. @param printed of each run, in their order */
export function systemdFindings(runs: readonly Run[], printed: readonly Printed[]): string[] {
  const findings: string[] = [];
  const taken = new Map<string, string>();
  const nodes: { address: string; roles: string }[] = [];
  runs.forEach(({ app, where }, at) => {
    const settings = printed[at];
    if (app === 'gateway' || settings === undefined || typeof settings === 'string') return;
    for (const [setting, address] of listening(settings)) {
      const other = taken.get(address);
      if (other !== undefined) findings.push(`${where}: ${setting} is ${address}, as ${other} is`);
      taken.set(address, `${setting} of ${app}`);
      if (setting === 'LINK_LISTEN') nodes.push({ address, roles: app });
    }
  });
  const line = runs.find(({ shared }) => shared['CLUSTER'] !== undefined)?.shared['CLUSTER'] ?? '';
  return [...findings, ...clusterFindings(`${units}/etc/common.env`, line, nodes)];
}
