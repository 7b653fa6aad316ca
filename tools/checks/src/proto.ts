import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CheckFailed, must, root, run } from './exec';
import { filesUnder } from './files';

const generated = 'libs/shared/contract/src/generated';
const scratch = 'tmp/proto';

/** Generates the contract below `base` ('.' is the workspace itself). */
async function generateInto(base: string): Promise<void> {
  await must('buf', ['generate', '-o', base], 'buf could not generate the contract');
  const binary = `${base}/${generated}/descriptors.binpb`;
  await must(
    'buf',
    ['build', '--as-file-descriptor-set', '--exclude-source-info', '-o', binary],
    'buf could not build the descriptor set',
  );
  const base64 = readFileSync(join(root, binary)).toString('base64');
  const lines = (base64.match(/.{1,100}/g) ?? []).map((line) => `  '${line}',`);
  writeFileSync(
    join(root, base, generated, 'descriptors.ts'),
    [
      '// Generated from descriptors.binpb by `npm run generate`. DO NOT EDIT.',
      '/* eslint-disable */',
      '',
      '/** The google.protobuf.FileDescriptorSet of all of proto/, in its binary form. */',
      'export const descriptorSet: Buffer = Buffer.from([',
      ...lines,
      "].join(''), 'base64');",
      '',
    ].join('\n'),
  );
}

export async function generate(): Promise<void> {
  await generateInto('.');
}

/** What is committed is what `npm run generate` would make. */
export async function generatedIsFresh(): Promise<void> {
  rmSync(join(root, scratch), { recursive: true, force: true });
  await generateInto(scratch);
  const fresh = filesUnder(`${scratch}/${generated}`, '').map((file) => file.slice(scratch.length + 1));
  const present = filesUnder(generated, '');
  const differing = [...new Set([...fresh, ...present])].filter((file) => {
    if (!fresh.includes(file) || !present.includes(file)) return true;
    return !readFileSync(join(root, scratch, file)).equals(readFileSync(join(root, file)));
  });
  rmSync(join(root, scratch), { recursive: true, force: true });
  if (differing.length > 0) {
    throw new CheckFailed(`not what \`npm run generate\` makes of proto/:\n${differing.join('\n')}`);
  }
}

export async function bufLint(): Promise<void> {
  await must('buf', ['lint'], 'buf lint objects to proto/');
}

async function commit(name: string): Promise<string | undefined> {
  const { code, output } = await run('git', ['rev-parse', '--verify', '--quiet', `${name}^{commit}`]);
  return code === 0 ? output.trim() : undefined;
}

/** The commit that the protos are held against: the last one of main, or the one before it on main itself. */
async function baseline(): Promise<string | undefined> {
  const main = (await commit('main')) ?? (await commit('origin/main'));
  const head = await commit('HEAD');
  const clean = (await run('git', ['diff', '--quiet', 'HEAD', '--', 'proto'])).code === 0;
  return main !== undefined && main === head && clean ? commit('HEAD~1') : main;
}

/** The protos break no client of the last commit. Answers with a sentence when there is nothing to hold them against. */
export async function bufBreaking(): Promise<string | undefined> {
  const base = await baseline();
  if (base === undefined) return 'skipped: git has no earlier commit to hold the protos against';
  const { output } = await run('git', ['ls-tree', '-r', '--name-only', base, 'proto', 'buf.yaml']);
  if (!output.includes('.proto') || !output.includes('buf.yaml'))
    return 'skipped: the earlier commit has no protos';
  const dir = join(root, scratch, 'before');
  rmSync(join(root, scratch), { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const archive = join(root, scratch, 'before.tar');
  await must(
    'git',
    ['archive', '-o', archive, base, 'proto', 'buf.yaml'],
    'git could not read the earlier protos',
  );
  await must('tar', ['-xf', archive, '-C', dir], 'tar could not unpack the earlier protos');
  await must('buf', ['breaking', '--against', dir], `proto/ breaks what was there in ${base.slice(0, 10)}`);
  rmSync(join(root, scratch), { recursive: true, force: true });
  return undefined;
}
