import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startApp } from '@derailed/testing';
import { type Instruction, DockerfileParser } from 'dockerfile-ast';
import { CheckFailed, must, root } from './exec';

/** What deploy/Dockerfile says, as far as it can be done without an engine. */
export interface ImageSteps {
  /** Commands of the build stage, in order. */
  readonly build: readonly string[];
  /** From the build stage into the image. */
  readonly copies: readonly { readonly from: string; readonly to: string }[];
  readonly user: string;
  /** What the process is started with, without arguments of a caller. */
  readonly command: readonly string[];
}

const wordsOf = (instruction: Instruction): string[] =>
  instruction.getArguments().map((argument) => argument.getValue());
const jsonOf = (instruction: Instruction): string[] =>
  JSON.parse(instruction.getArgumentsContent() ?? '[]') as string[];

/** @throws CheckFailed for an instruction that this reading does not follow */
export function readDockerfile(text: string): ImageSteps {
  const build: string[] = [];
  const copies: { from: string; to: string }[] = [];
  const last = new Map<string, Instruction>();
  let stage = 0;
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const keyword = instruction.getKeyword();
    if (keyword === 'FROM') stage++;
    else if (keyword === 'RUN' && stage === 1) build.push(instruction.getArgumentsContent() ?? '');
    else if (keyword === 'COPY' && stage === 2) {
      const [from = '', to = '', ...more] = wordsOf(instruction);
      const fromBuild = instruction.toString().includes(' --from=build ');
      if (!fromBuild || more.length > 0)
        throw new CheckFailed(`only COPY --from=build A B is known: ${instruction.toString()}`);
      copies.push({ from, to });
    } else if (stage === 2 && ['USER', 'ENTRYPOINT', 'CMD'].includes(keyword)) last.set(keyword, instruction);
    else if (stage === 2 && ['RUN', 'ADD'].includes(keyword))
      throw new CheckFailed(`the image gets its files from the build stage alone: ${instruction.toString()}`);
  }
  if (stage !== 2)
    throw new CheckFailed(`a build stage and an image are expected, there are ${stage} stages`);
  const [entry, command, user] = ['ENTRYPOINT', 'CMD', 'USER'].map((keyword) => last.get(keyword));
  return {
    build,
    copies,
    user: user?.getArgumentsContent() ?? 'root',
    command: [entry, command].flatMap((instruction) =>
      instruction === undefined ? [] : jsonOf(instruction),
    ),
  };
}

/** The files that an engine would send as context: those of the working tree that git does not ignore. */
async function copyContext(target: string): Promise<void> {
  const listed = await must(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    'git could not list the files of the checkout',
  );
  for (const file of listed.split('\0').filter((name) => name !== '' && existsSync(join(root, name))))
    cpSync(join(root, file), join(target, file));
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(join(folder, file)).isFile())
    .sort();

/** Packages that stand in the image as they are, as `NAME`. */
const packagesIn = (files: readonly string[]): string[] => [
  ...new Set(files.flatMap((file) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [])),
];

function developmentPackages(): ReadonlySet<string> {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  return new Set(
    Object.entries(packages).flatMap(([folder, { dev }]) =>
      dev ? [folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length)] : [],
    ),
  );
}

/** Starts the image's own command as the image's user, in the files that were made, and asks who it is. */
async function runsAs(steps: ImageSteps, files: string): Promise<string> {
  const [uid, gid] = steps.user.split(':').map(Number);
  if (!uid || !gid)
    throw new CheckFailed(`the image's user must be UID:GID and not root, not "${steps.user}"`);
  const [program, main = '', ...args] = steps.command;
  if (program !== 'node') throw new CheckFailed(`the image should start node, not ${String(program)}`);
  const asUser =
    process.getuid?.() === 0 ? ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'] : [];
  const command = [...asUser, process.execPath, join(files, main), ...args];
  const app = await startApp('gateway', { command, cwd: files, args: ['--roles', 'presence-node'] });
  const real = /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${app.pid}/status`, 'utf8'))?.[1];
  const { status } = await fetch(`http://${app.door('admin')}/readyz`);
  const code = await app.stop();
  if (status !== 200 || code !== 0)
    throw new CheckFailed(`the image's command: readyz ${status}, exit ${code}`);
  if (asUser.length > 0 && real !== String(uid)) throw new CheckFailed(`the process ran as ${String(real)}`);
  return `user ${String(real)}`;
}

/**
 * Does what the Dockerfile does in an empty folder, without an engine, and looks at what the image would hold: what its
 * script makes is what it copies, nothing in it is for development, and its process is not root.
 */
export async function imageHolds(): Promise<string> {
  const steps = readDockerfile(readFileSync(join(root, 'deploy/Dockerfile'), 'utf8'));
  const scratch = mkdtempSync(join(tmpdir(), 'derailed-image-'));
  try {
    execFileSync('chmod', ['755', scratch]);
    const source = join(scratch, 'src');
    await copyContext(source);
    const place = (text: string): string => text.replaceAll(/(^|\s)\/out\b/g, `$1${join(scratch, 'out')}`);
    for (const line of steps.build) await must('sh', ['-c', `cd ${source} && ${place(line)}`], line);
    const made = filesIn(join(scratch, 'out'));
    const image = join(scratch, 'image');
    for (const { from, to } of steps.copies) cpSync(place(from), join(image, to), { recursive: true });
    const home = join(image, dirname(join(steps.copies[0]?.to ?? '/', 'x')));
    const held = filesIn(home);
    const lost = made.filter((file) => !held.includes(file));
    if (lost.length > 0) throw new CheckFailed(`made, and not copied into the image:\n${lost.join('\n')}`);
    const development = developmentPackages();
    const wrong = packagesIn(held).filter((name) => development.has(name));
    if (wrong.length > 0) throw new CheckFailed(`for development, and in the image: ${wrong.join(', ')}`);
    const bytes = held.reduce((sum, file) => sum + statSync(join(home, file)).size, 0);
    return `${held.length} files, ${(bytes / 1e6).toFixed(0)} MB, ${await runsAs(steps, home)}`;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
