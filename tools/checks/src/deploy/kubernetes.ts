import { parse, parseAllDocuments } from 'yaml';
import { type DeployFiles, type Run, type Variables, clusterFindings, readEnvironment } from './run';

type Labels = Readonly<Record<string, string>>;

/** The fields of manifests that are read here; everything else is the schema's business. */
interface Container {
  readonly args?: readonly string[];
  readonly envFrom?: readonly { configMapRef?: { name: string } }[];
  readonly env?: readonly {
    name: string;
    value?: string;
    valueFrom?: { secretKeyRef?: { name: string; key: string }; fieldRef?: { fieldPath: string } };
  }[];
  readonly ports?: readonly { name: string; containerPort: number }[];
  readonly lifecycle?: { preStop?: unknown };
  readonly resources?: { requests?: { cpu?: string; memory?: string } };
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
}
interface Probe {
  readonly httpGet?: { path: string; port: string };
}
export interface Manifest {
  readonly file: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly serviceName?: string;
    readonly replicas?: number;
    readonly template?: {
      readonly metadata: { readonly labels: Labels };
      readonly spec: { readonly containers: readonly Container[] };
    };
    readonly selector?: Labels | { readonly matchLabels: Labels };
    readonly podSelector?: { readonly matchLabels: Labels };
    readonly clusterIP?: string;
    readonly publishNotReadyAddresses?: boolean;
    readonly ports?: readonly { name: string; port: number; targetPort: string }[];
    readonly ingress?: readonly { readonly ports: readonly { port: string }[] }[];
  };
}
interface Kustomization {
  readonly resources: readonly string[];
  readonly configMapGenerator?: readonly { name: string; envs: readonly string[] }[];
  readonly secretGenerator?: readonly { name: string; envs: readonly string[] }[];
}

/** The base, and what stands on it. */
export const overlays = ['base', 'etcd'] as const;
export type Overlay = (typeof overlays)[number];

const folder = 'kubernetes/base';
const roles = ['session-node', 'guild-node', 'presence-node', 'tunnel', 'ws-gateway'];

export interface Deployment {
  readonly manifests: readonly Manifest[];
  /** Contents of generated ConfigMaps and Secrets, by name; a Secret's from the example beside it. */
  readonly generated: ReadonlyMap<string, Variables>;
}

/** The manifests as an overlay has them. Its own files may only merge into what the base generates. */
export function readKubernetes(files: DeployFiles, overlay: Overlay = 'base'): Deployment {
  const kustomizationOf = (name: Overlay): Kustomization =>
    parse(files.get(`kubernetes/${name}/kustomization.yaml`) ?? '') as Kustomization;
  const base = kustomizationOf('base');
  const layers = overlay === 'base' ? (['base'] as const) : (['base', overlay] as const);
  const generated = new Map<string, Variables>();
  for (const layer of layers) {
    const { configMapGenerator = [], secretGenerator = [] } = kustomizationOf(layer);
    const secrets = secretGenerator.map(({ name, envs }) => ({
      name,
      envs: envs.map((env) => `${env}.example`),
    }));
    for (const { name, envs } of [...configMapGenerator, ...secrets]) {
      const texts = envs.map((env) => files.get(`kubernetes/${layer}/${env}`) ?? '');
      generated.set(name, { ...generated.get(name), ...readEnvironment(texts.join('\n')) });
    }
  }
  const manifests = base.resources.flatMap((file) =>
    parseAllDocuments(files.get(`${folder}/${file}`) ?? '').map((document) => ({
      ...(document.toJS() as Manifest),
      file: `${folder}/${file}`,
    })),
  );
  return { manifests, generated };
}

const isWorkload = ({ kind }: Manifest): boolean => kind === 'StatefulSet' || kind === 'Deployment';
const containerOf = ({ spec }: Manifest): Container => spec?.template?.spec.containers[0] ?? {};
const labelsOf = ({ spec }: Manifest): Labels => spec?.template?.metadata.labels ?? {};
const nameOf = ({ file, kind, metadata }: Manifest): string => `${file}, ${kind} ${metadata.name}`;

/** The pods of a workload as processes; of a StatefulSet each pod, because each has a name of its own. */
export function runsOf({ manifests, generated }: Deployment): Run[] {
  return manifests.filter(isWorkload).flatMap((workload) => {
    const container = containerOf(workload);
    const [main = '', ...args] = container.args ?? [];
    const shared = Object.assign(
      {},
      ...(container.envFrom ?? []).map(({ configMapRef }) => generated.get(configMapRef?.name ?? '') ?? {}),
    ) as Variables;
    return Array.from({ length: workload.spec?.replicas ?? 1 }, (_, ordinal) => {
      const pod = `${workload.metadata.name}-${ordinal}`;
      const own: Record<string, string> = {};
      for (const { name, value, valueFrom } of container.env ?? []) {
        const secret = valueFrom?.secretKeyRef;
        const given = secret === undefined ? pod : generated.get(secret.name)?.[secret.key];
        own[name] = (value ?? given ?? '').replaceAll('$(POD_NAME)', pod);
      }
      const ports = (container.ports ?? []).map(({ name, containerPort }) => ({
        door: name,
        port: containerPort,
      }));
      return {
        where: `${nameOf(workload)}, pod ${ordinal}`,
        app: main.split('/')[0] ?? '',
        args,
        own,
        shared,
        ports,
      };
    });
  });
}

const matches = (selector: Labels, labels: Labels): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);

/** What the manifests say of each other that no schema knows. */
export function kubernetesFindings({ manifests, generated }: Deployment): string[] {
  const workloads = manifests.filter(isWorkload);
  const selected = (labels: Labels): Manifest[] =>
    workloads.filter((workload) => matches(labels, labelsOf(workload)));
  const portsOf = (workload: Manifest) => containerOf(workload).ports ?? [];
  const findings: string[] = [];
  for (const manifest of manifests) {
    const { kind, spec } = manifest;
    const say = (what: string): void => void findings.push(`${nameOf(manifest)}: ${what}`);
    const selector = kind === 'Service' ? (spec?.selector as Labels) : undefined;
    const targets = selected(
      selector ??
        (spec?.selector as { matchLabels?: Labels } | undefined)?.matchLabels ??
        spec?.podSelector?.matchLabels ?? { none: '' },
    );
    if (kind !== 'Namespace' && targets.length === 0) say('selects no pod');
    for (const { name, port, targetPort } of kind === 'Service' ? (spec?.ports ?? []) : []) {
      const found = targets.flatMap(portsOf).find((candidate) => candidate.name === targetPort);
      if (found === undefined) say(`its pods have no port ${targetPort}`);
      else if (found.containerPort !== port)
        say(`${name} is ${port}, and ${found.containerPort} in its pods`);
    }
    for (const { port } of spec?.ingress?.flatMap(({ ports }) => ports) ?? []) {
      const without = targets.filter((target) => !portsOf(target).some(({ name }) => name === port));
      if (without.length > 0)
        say(`${without.map(({ metadata }) => metadata.name).join(', ')} has no port ${port}`);
    }
    if (isWorkload(manifest)) findings.push(...workloadFindings(manifest, manifests, generated));
  }
  for (const role of [...roles, 'auth']) {
    if (!workloads.some(({ metadata }) => metadata.name === role))
      findings.push(`${folder}: ${role} has no workload`);
  }
  return [...findings, ...memberFindings(manifests, generated), ...authFindings(manifests, generated)];
}

function workloadFindings(
  workload: Manifest,
  manifests: readonly Manifest[],
  generated: Deployment['generated'],
): string[] {
  const findings: string[] = [];
  const say = (what: string): void => void findings.push(`${nameOf(workload)}: ${what}`);
  const container = containerOf(workload);
  const probes = {
    startup: container.startupProbe,
    readiness: container.readinessProbe,
    liveness: container.livenessProbe,
  };
  for (const [name, probe] of Object.entries(probes)) {
    const path = name === 'readiness' ? '/readyz' : '/healthz';
    if (probe?.httpGet?.path !== path || probe.httpGet.port !== 'admin')
      say(`its ${name} probe is not ${path} at admin`);
  }
  if (container.lifecycle?.preStop === undefined) say('has no preStop');
  if (!container.resources?.requests?.cpu || !container.resources.requests.memory)
    say('requests no cpu or no memory');
  const budget = manifests.some(
    ({ kind, spec }) =>
      kind === 'PodDisruptionBudget' &&
      matches((spec?.selector as { matchLabels: Labels }).matchLabels, labelsOf(workload)),
  );
  if (!budget) say('has no PodDisruptionBudget');
  for (const { configMapRef } of container.envFrom ?? []) {
    if (!generated.has(configMapRef?.name ?? ''))
      say(`nothing makes the ConfigMap ${String(configMapRef?.name)}`);
  }
  for (const { valueFrom } of container.env ?? []) {
    const secret = valueFrom?.secretKeyRef;
    if (secret !== undefined && generated.get(secret.name)?.[secret.key] === undefined)
      say(`${secret.key} is not in secrets.env.example`);
  }
  if (workload.kind !== 'StatefulSet') return findings;
  const service = manifests.find(
    ({ kind, metadata }) => kind === 'Service' && metadata.name === workload.spec?.serviceName,
  );
  if (service?.spec?.clusterIP !== 'None' || service.spec.publishNotReadyAddresses !== true)
    say('has no headless service that publishes addresses that are not ready');
  return findings;
}

/** A static CLUSTER lists the very pods that the StatefulSets make. */
function memberFindings(manifests: readonly Manifest[], generated: Deployment['generated']): string[] {
  const line = generated.get('derailed')?.['CLUSTER'] ?? '';
  const nodes = runsOf({ manifests, generated })
    .filter(({ own }) => own['LINK_ADVERTISE'] !== undefined)
    .map(({ app, own }) => ({ address: own['LINK_ADVERTISE'] ?? '', roles: app }));
  return clusterFindings('kubernetes, CLUSTER', line, nodes);
}

function authFindings(manifests: readonly Manifest[], generated: Deployment['generated']): string[] {
  const [host, port] = (generated.get('derailed')?.['AUTH_URL'] ?? '').split(':');
  const service = manifests.find(({ kind, metadata }) => kind === 'Service' && metadata.name === host);
  const open = service?.spec?.ports?.some((candidate) => candidate.port === Number(port));
  return open ? [] : [`${folder}/derailed.env: AUTH_URL names no service with that port`];
}
