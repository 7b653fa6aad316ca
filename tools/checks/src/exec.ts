import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

export const root = resolve(__dirname, '../../..');

/** A check that did not hold. Its message says what to do. */
export class CheckFailed extends Error {}

export interface Outcome {
  readonly code: number;
  readonly output: string;
}

interface RunOptions {
  /** Show the output while it comes (it is collected in any case). */
  readonly show?: boolean;
}

/** Runs a program of node_modules/.bin or of the system, from the root of the workspace. */
export function run(
  command: string,
  args: readonly string[],
  { show = false }: RunOptions = {},
): Promise<Outcome> {
  return new Promise((done, failed) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        PATH: `${root}/node_modules/.bin:${process.env['PATH'] ?? ''}`,
        NX_DAEMON: 'false',
        NX_NO_CLOUD: 'true',
      },
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (show) process.stdout.write(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (show) process.stderr.write(chunk);
    });
    child.on('error', failed);
    child.on('close', (code) => done({ code: code ?? 1, output }));
  });
}

/** Runs a program that has to succeed; its output is shown only when it does not. */
export async function must(command: string, args: readonly string[], why: string): Promise<string> {
  const { code, output } = await run(command, args);
  if (code !== 0) throw new CheckFailed(`${why}\n${output.trimEnd()}`);
  return output;
}
