import { CheckFailed, must, run } from './exec';
import { deployHolds } from './deploy/check';
import { guidesHold } from './guides';
import { imageHolds } from './image';
import { lint, rulesAreAwake } from './lint';
import { affectedIsNarrow, everyProjectIsDeclared, noCircles } from './projects';
import { bufBreaking, bufLint, generate, generatedIsFresh } from './proto';
import { referencesAreFresh, writeReferences } from './references';
import { printSummary } from './summary';

process.env['NX_DAEMON'] = 'false';

type Check = readonly [name: string, check: () => Promise<string | undefined | void>];

const boundaries: readonly Check[] = [
  ['projects are tagged and declared', everyProjectIsDeclared],
  ['lint rules for imports are awake', rulesAreAwake],
  ['no circles among libs', noCircles],
  ['affected is narrow', affectedIsNarrow],
];

const proto: readonly Check[] = [
  ['buf lint', bufLint],
  ['buf breaking', bufBreaking],
  ['generated code is fresh', generatedIsFresh],
];

const references: readonly Check[] = [['references are fresh', referencesAreFresh]];

const deploy: Check = ['deploy/ fits the apps and the schemas', deployHolds];
const guides: Check = ['guides name what is there', guidesHold];
const image: Check = ['the image, without an engine', imageHolds];

const types: Check = [
  'types',
  async () => {
    await must('tsc', ['--noEmit', '-p', 'tsconfig.json'], 'tsc found problems');
  },
];

const tests: Check = [
  'tests',
  async () => {
    const { code } = await run('npm', ['test', '--silent'], { show: true });
    if (code !== 0) throw new CheckFailed('tests failed');
  },
];

/** Runs all of them, also after one has failed. */
async function runChecks(checks: readonly Check[]): Promise<void> {
  for (const [name, check] of checks) {
    try {
      const note = await check();
      console.log(`ok      ${name}${note ? ` (${note})` : ''}`);
    } catch (error) {
      process.exitCode = 1;
      if (!(error instanceof CheckFailed)) throw error;
      console.error(`FAILED  ${name}\n${error.message.replace(/^/gm, '        ')}`);
    }
  }
}

const commands: Record<string, (args: readonly string[]) => Promise<void>> = {
  lint: (args) => runChecks([['lint', () => lint(args)]]),
  boundaries: () => runChecks(boundaries),
  proto: () => runChecks(proto),
  references: () => runChecks(references),
  deploy: () => runChecks([deploy]),
  guides: () => runChecks([guides]),
  image: () => runChecks([image]),
  generate: async () => {
    await generate();
    await writeReferences();
  },
  summary: ([file = 'tmp/jest.json']) => Promise.resolve(printSummary(file)),
  all: () =>
    runChecks([
      ['lint', () => lint([])],
      types,
      ...boundaries,
      ...proto,
      ...references,
      deploy,
      guides,
      tests,
    ]),
};

async function main(name: string | undefined, args: readonly string[]): Promise<void> {
  const command = Object.hasOwn(commands, name ?? '') ? commands[name ?? ''] : undefined;
  if (command === undefined) throw new CheckFailed(`usage: main.ts ${Object.keys(commands).join('|')}`);
  await command(args);
}

main(process.argv[2], process.argv.slice(3)).catch((error: unknown) => {
  console.error(error instanceof CheckFailed ? error.message : error);
  process.exitCode = 1;
});
