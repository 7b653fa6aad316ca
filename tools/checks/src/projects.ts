import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProjectGraphAsync, type ProjectGraphProjectNode } from '@nx/devkit';
import { CheckFailed, must, root } from './exec';
import { filesUnder } from './files';

const kinds = ['scope', 'type'] as const;

async function projects(): Promise<ProjectGraphProjectNode[]> {
  const graph = await createProjectGraphAsync({ exitOnError: false });
  return Object.values(graph.nodes);
}

/** Tags, targets and aliases are complete: a project without tags would escape the boundary rule. */
export async function everyProjectIsDeclared(): Promise<void> {
  const wrong: string[] = [];
  const all = await projects();
  for (const { name, data } of all) {
    for (const kind of kinds) {
      const tags = (data.tags ?? []).filter((tag) => tag.startsWith(`${kind}:`));
      if (tags.length !== 1) wrong.push(`${name} needs exactly one ${kind}: tag and has ${tags.length}`);
    }
    const targets = data.root.startsWith('apps/') ? ['lint', 'test', 'build', 'serve'] : ['lint', 'test'];
    for (const target of targets) {
      if (data.targets?.[target] === undefined) wrong.push(`${name} has no target "${target}"`);
    }
    if (!existsSync(join(root, data.root, 'jest.config.cjs'))) wrong.push(`${name} has no jest.config.cjs`);
  }

  const roots = all.map(({ data }) => data.root);
  for (const file of ['apps', 'libs', 'tools', 'e2e'].flatMap((dir) => filesUnder(dir, '.ts'))) {
    if (!roots.some((dir) => file.startsWith(`${dir}/`))) wrong.push(`${file} belongs to no project`);
  }

  const paths = aliases();
  const expected = roots.filter((dir) => dir.startsWith('libs/'));
  for (const dir of expected) {
    const alias = dir.replace('libs/', '@derailed/');
    const target = `./${dir}/src/index.ts`;
    if (paths.get(alias) !== target)
      wrong.push(`tsconfig.base.json: the alias ${alias} should lead to ${target}`);
  }
  if (paths.size !== expected.length) wrong.push('tsconfig.base.json has aliases that lead to no lib');
  if (wrong.length > 0) throw new CheckFailed(wrong.join('\n'));
}

/** Alias -> file, as tsconfig.base.json has it. */
function aliases(): Map<string, string | undefined> {
  const config = JSON.parse(readFileSync(join(root, 'tsconfig.base.json'), 'utf8')) as {
    compilerOptions: { paths: Record<string, string[]> };
  };
  return new Map(Object.entries(config.compilerOptions.paths).map(([alias, files]) => [alias, files[0]]));
}

/**
 * No circles among libs. The boundary rule lets pass what leads through @derailed/testing, because
 * specs of what testing uses may use testing; here specs do not count, so nothing else may pass.
 */
export function noCircles(): Promise<void> {
  const edges = new Map<string, Set<string>>();
  for (const file of filesUnder('libs', '.ts')) {
    if (/\.(spec|fixture)\.ts$/.test(file)) continue;
    const from = [...aliases().keys()].find((alias) =>
      file.startsWith(`${alias.replace('@derailed/', 'libs/')}/`),
    );
    if (from === undefined) continue;
    const targets = edges.get(from) ?? new Set();
    edges.set(from, targets);
    const text = readFileSync(join(root, file), 'utf8');
    for (const match of text.matchAll(/(?:from|import|import\(|require\()\s*['"](@derailed\/[^'"]+)['"]/g)) {
      if (match[1] !== undefined && match[1] !== from) targets.add(match[1]);
    }
  }
  const done = new Set<string>();
  const visit = (alias: string, path: readonly string[]): void => {
    const at = path.indexOf(alias);
    if (at >= 0) throw new CheckFailed(`libs in a circle: ${[...path.slice(at), alias].join(' -> ')}`);
    if (done.has(alias)) return;
    for (const target of edges.get(alias) ?? []) visit(target, [...path, alias]);
    done.add(alias);
  };
  for (const alias of edges.keys()) visit(alias, []);
  return Promise.resolve();
}

const changed = 'libs/guild/core/src/index.ts';
const touched = ['guild-core', 'guild-feature', 'guild-node', 'gateway'];
const untouched = ['presence-core', 'presence-feature', 'presence-node'];

/** A change in one core leads to the tests of its own apps and leaves the others alone. */
export async function affectedIsNarrow(): Promise<void> {
  const output = await must(
    'nx',
    ['show', 'projects', '--affected', `--files=${changed}`, '--withTarget=test', '--json'],
    'nx could not tell what is affected',
  );
  const affected = JSON.parse(output.slice(output.indexOf('['), output.lastIndexOf(']') + 1)) as string[];
  const wrong = [
    ...touched.filter((name) => !affected.includes(name)).map((name) => `does not reach ${name}`),
    ...untouched.filter((name) => affected.includes(name)).map((name) => `reaches ${name}`),
  ];
  if (wrong.length > 0)
    throw new CheckFailed(wrong.map((what) => `a change in ${changed} ${what}`).join('\n'));
}
