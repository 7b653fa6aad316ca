import { spawn } from 'node:child_process';
import { bundle } from './bundle';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Builds an app and runs it: its arguments, signals and exit code pass through. */
async function serve(app: string | undefined, args: readonly string[]): Promise<void> {
  if (app === undefined) throw new Error('usage: serve.ts APP [ARGUMENT...]');
  const { main: file } = await bundle(app);
  const child = spawn(process.execPath, ['--enable-source-maps', file, ...args], { stdio: 'inherit' });
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exit(code ?? (signal === null ? 1 : 130));
  });
}

const [app, ...args] = process.argv.slice(2);
serve(app, args).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
