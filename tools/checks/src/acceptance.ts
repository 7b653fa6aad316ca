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
function proofsIn(file: string): Proof[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(root, file), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
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

function proofs(): Proof[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .flatMap((name) => proofsIn(`${folder}/${name}`));
}

/** What to give jest so that all of them run: specs, and one for the suites that it collects. */
function specsOf(all: readonly Proof[]): string {
  const specs = all.map(({ file }) => (file.endsWith('.spec.ts') ? file : `${folder}/acceptance`));
  return [...new Set(specs)].join(' ');
}

/**
 * docs/reference/acceptance.md
 * @throws CheckFailed naming lines without a test
 */
export function renderAcceptance(): string {
  const all = proofs();
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
