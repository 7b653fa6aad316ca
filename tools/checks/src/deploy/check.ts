import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CheckFailed, root, run as execute } from '../exec';
import { filesUnder } from '../files';
import { kubernetesFindings, overlays, readKubernetes, runsOf } from './kubernetes';
import { readCompose, readSystemd, systemdFindings } from './machine';
import { type DeployFiles, type Printed, type Run, findingsOf, listening, portOf } from './run';
import { composeFindings, dockerfileFindings, schemaFindings, unitFindings } from './schemas';

/** `deploy/` as it is. */
export function readDeploy(): Map<string, string> {
  return new Map(
    filesUnder('deploy', '').map((file) => [
      file.slice('deploy/'.length),
      readFileSync(join(root, file), 'utf8'),
    ]),
  );
}

type Process = Pick<Run, 'app' | 'args' | 'own' | 'shared'>;
export type Print = (process: Process) => Promise<Printed>;

/**
 * What apps make of variables: their --print-config, which refuses what it can't read. Each question is asked once. The
 * apps must be built.
 */
export function createPrint(): Print {
  const asked = new Map<string, Promise<Printed>>();
  return ({ app, args, own, shared }) => {
    const { POD_NAME: _, NODE_OPTIONS: __, ...variables } = { ...shared, ...own };
    const set = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    const main = join(root, 'dist/apps', app, 'main.js');
    const line = ['-i', ...set, process.execPath, main, ...args, '--print-config'];
    const answer = asked.get(line.join('\n')) ?? printedBy(line);
    asked.set(line.join('\n'), answer);
    return answer;
  };
}

async function printedBy(line: readonly string[]): Promise<Printed> {
  const { code, output } = await execute('env', line);
  if (code !== 0) return output.trim();
  const settings = output.split('\n').flatMap((text) => {
    const [, name, value] = /^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$/.exec(text) ?? [];
    return name === undefined ? [] : [[name, value ?? ''] as const];
  });
  return new Map(settings);
}

const nothing = { args: [], own: {}, shared: {} };
/** Apps of the image that are no nodes: which settings they read. */
const tools: Readonly<Record<string, RegExp>> = { migrate: /^DATABASE_/ };

/** Every setting of every app, from the composed one, which has them all. */
export async function allSettings(print: Print): Promise<ReadonlyMap<string, string>> {
  const printed = await print({ app: 'gateway', ...nothing });
  if (typeof printed === 'string') throw new CheckFailed(`the apps must be built: ${printed}`);
  return printed;
}

/** Everything that is wrong in deploy/, a line each, schemas aside. */
export async function deployFindings(
  files: DeployFiles,
  settings: ReadonlyMap<string, string>,
  print: Print,
): Promise<string[]> {
  const clusters = overlays.map((overlay) => readKubernetes(files, overlay));
  const systemd = readSystemd(files);
  const known = new Set(settings.keys());
  const look = async (run: Run): Promise<{ printed: Printed; findings: string[] }> => {
    const tool = tools[run.app];
    const printed = tool ? new Map([...settings].filter(([name]) => tool.test(name))) : await print(run);
    return { printed, findings: findingsOf(run, printed, known) };
  };
  const findings = clusters.flatMap(kubernetesFindings);
  for (const run of [...clusters.flatMap(runsOf), ...readCompose(files)])
    findings.push(...(await look(run)).findings);
  const looked = [];
  for (const run of systemd) looked.push(await look(run));
  findings.push(...looked.flatMap((one) => one.findings));
  findings.push(
    ...systemdFindings(
      systemd,
      looked.map(({ printed }) => printed),
    ),
  );
  return [...findings, ...exposedFindings(files, settings)];
}

/** The image names the ports of the doors' defaults. */
function exposedFindings(files: DeployFiles, settings: ReadonlyMap<string, string>): string[] {
  const exposed = (/^EXPOSE (.*)$/m.exec(files.get('Dockerfile') ?? '')?.[1] ?? '').split(' ').map(Number);
  const open = [...listening(settings)].map(([name, address]) => [name, portOf(address)] as const);
  return [
    ...open
      .filter(([, port]) => !exposed.includes(port))
      .map(([name]) => `Dockerfile: EXPOSE lacks the port of ${name}`),
    ...exposed
      .filter((port) => !open.some(([, listened]) => listened === port))
      .map((port) => `Dockerfile: EXPOSE names ${port}, where nothing listens`),
  ];
}

export async function deployHolds(): Promise<string> {
  const files = readDeploy();
  const print = createPrint();
  const units = await unitFindings(files);
  const findings = [
    ...(await deployFindings(files, await allSettings(print), print)),
    ...(await schemaFindings(readKubernetes(files).manifests)),
    ...composeFindings(files),
    ...dockerfileFindings(files),
    ...(units ?? []),
  ];
  if (findings.length > 0) throw new CheckFailed([...new Set(findings)].join('\n'));
  const { manifests } = readKubernetes(files);
  return `${manifests.length} manifests${units === undefined ? ', units not verified: no systemd here' : ''}`;
}
