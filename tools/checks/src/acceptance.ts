import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { contractLines } from '@derailed/testing';
import ts from 'typescript';
import { CheckFailed, root } from './exec';

/** A test and the lines of the client contract that it proves. */
interface Proof {
  readonly lines: readonly string[];
  readonly title: string;
  readonly file: string;
}

const folder = 'e2e/src';
const provers: ReadonlySet<string> = new Set(['proves', 'provesEach']);

/** Titles are read from where they stand, so a test that is renamed or removed changes the table. */
export function proofsIn(file: string, text: string): Proof[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const proofs: Proof[] = [];
  const describes: string[] = [];
  const visit = (node: ts.Node): void => {
    const call = ts.isCallExpression(node) && ts.isIdentifier(node.expression) ? node : undefined;
    const name = call?.expression.getText() ?? '';
    const [first, second] = call?.arguments ?? [];
    const title = name === 'describe' ? first : second;
    if (call && provers.has(name) && first && second) {
      proofs.push({ lines: literalsOf(first), title: [...describes, textOf(second)].join(' '), file });
    }
    const nested = name === 'describe' && title !== undefined;
    if (nested) describes.push(textOf(title));
    ts.forEachChild(node, visit);
    if (nested) describes.pop();
  };
  visit(source);
  return proofs;
}

function literalsOf(list: ts.Expression): string[] {
  return ts.isArrayLiteralExpression(list) ? list.elements.map(textOf) : [];
}

/** The text of a literal; of a template what stands in the source. */
function textOf(expression: ts.Expression): string {
  return ts.isStringLiteralLike(expression) ? expression.text : expression.getText().slice(1, -1);
}

/** A spec that has all of its tests in both wirings. */
const inBothWirings = /^describe\.each\((stages|wirings)\)/m;

/** Sources of e2e by their path. */
export type Sources = ReadonlyMap<string, string>;

function sourcesOfTests(): Sources {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => name.endsWith('.ts')).map((name) => `${folder}/${name}`);
  return new Map(files.sort().map((file) => [file, readFileSync(join(root, file), 'utf8')]));
}

/** Whether a spec runs the tests of that file in both wirings: the file itself, or one that imports it. */
function isRunInBoth(file: string, sources: Sources): boolean {
  const imported = `./${file.slice(folder.length + 1).replace(/\.ts$/, '')}'`;
  return [...sources].some(
    ([spec, text]) =>
      spec.endsWith('.spec.ts') && inBothWirings.test(text) && (spec === file || text.includes(imported)),
  );
}

/** What to give jest so that all of them run: specs, and one for the suites that it collects. */
function specsOf(all: readonly Proof[]): string {
  const specs = all.map(({ file }) => (file.endsWith('.spec.ts') ? file : `${folder}/acceptance`));
  return [...new Set(specs)].join(' ');
}

/**
 * docs/reference/acceptance.md
 * @throws CheckFailed naming lines without a test, and files whose tests do not run in both wirings
 */
export function renderAcceptance(sources: Sources = sourcesOfTests()): string {
  const all = [...sources].flatMap(([file, text]) => proofsIn(file, text));
  const stray = [...new Set(all.map(({ file }) => file))].filter((file) => !isRunInBoth(file, sources));
  if (stray.length > 0)
    throw new CheckFailed(
      `tests of the client contract that do not run in both wirings:\n${stray.join('\n')}`,
    );
  const missing = Object.keys(contractLines).filter((key) => !all.some(({ lines }) => lines.includes(key)));
  if (missing.length > 0)
    throw new CheckFailed(
      `no test of ${folder} proves these lines of the client contract:\n${missing.join('\n')}`,
    );
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = Object.entries(contractLines).map(([key, line]) => {
    const tests = all
      .filter(({ lines }) => lines.includes(key))
      .map(({ title, file }) => `${cell(title)} ([${file.split('/').at(-1) ?? ''}](../../${file}))`);
    return `| \`${key}\` | ${cell(line)} | ${tests.join('<br>')} |`;
  });
  return `# The client contract and its tests

Generated from libs/testing/src/client-contract and the tests of ${folder} that name its lines: suites in \`acceptance\` with
a client by hand, and specs with client libraries. Each test runs against all roles in one process and against eight
processes: \`npx jest ${specsOf(all)}\`, after \`npm run build\`.
A line without a test stops \`npm run check\`.

| key | line | tests |
| --- | --- | --- |
${rows.join('\n')}
`;
}
