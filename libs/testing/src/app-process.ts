import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';

/** Where built apps are; tests run after the build. */
const dist = join(__dirname, '..', '..', '..', 'dist', 'apps');

/** A built app running as its own process, like an operator starts it. */
export interface AppProcess {
  readonly pid: number;
  /** The start's lines on standard output, up to and with its notes. */
  readonly banner: readonly string[];
  /** The address a door was announced at, without its scheme: HOST:PORT. */
  door(name: string): string;
  /** All of standard error so far: the log. */
  log(): string;
  /** The exit code once it has ended, whoever ended it; null after a signal. */
  readonly ended: Promise<number | null>;
  /** SIGSTOP: its connections stay, and it does nothing. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** SIGTERM, and waits for the end. Answers the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
}

export interface AppOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Another copy of the app than dist/apps/NAME. */
  readonly main?: string;
  /** The Node that runs it; absent: the one that runs the test, or the single binary where that is tested. */
  readonly node?: string;
  /** What runs in place of Node and the app's main.js: a program and its first arguments. */
  readonly command?: readonly string[];
  readonly cwd?: string;
}

/** Ports are free ones unless `env` says otherwise; logs are quiet unless it says otherwise. */
const quietly = { ADMIN_LISTEN: '127.0.0.1:0', LOG_LEVEL: 'warn' };

/** Milliseconds that a start may take on a busy machine. */
const startWithin = 20_000;

/** What an app did that ended before it was ready. */
export interface FailedStart {
  readonly code: number | null;
  readonly stderr: string;
  readonly stdout: string;
}

function launch(name: string, { env = {}, args = [], main, node, command, cwd }: AppOptions): ChildProcess {
  const asBinary = name === 'gateway' && main === undefined && node === undefined;
  const binary = asBinary ? process.env['DERAILED_BINARY'] : undefined;
  const onNode = [node ?? process.execPath, main ?? join(dist, name, 'main.js')];
  const [program = '', ...first] = command ?? (binary === undefined ? onNode : [binary]);
  return spawn(program, [...first, ...args], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...quietly, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd && { cwd }),
  });
}

/** Starts an app and waits until it says that it is ready. @throws Error with its output when it ends first */
export async function startApp(name: string, options: AppOptions = {}): Promise<AppProcess> {
  const child = launch(name, options);
  const ended = once(child, 'exit');
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  const banner: string[] = [];
  const ready = new Promise<void>((resolve) => {
    if (child.stdout === null) return;
    createInterface(child.stdout).on('line', (line) => {
      banner.push(line);
      if (/^ {2}admin\s/.test(line)) resolve();
    });
  });
  const first = await Promise.race([ready, ended]);
  if (first !== undefined)
    throw new Error(
      `${name} ended with ${String(first[0])} before it was ready:\n${banner.join('\n')}\n${log}`,
    );
  const exitCode = ended.then(([code]) => code as number | null);
  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    // One that is paused hears no SIGTERM.
    child.kill('SIGCONT');
    child.kill(signal);
    return exitCode;
  };
  return {
    pid: child.pid ?? 0,
    banner,
    door: (door) => {
      const line = banner.find((text) => text.startsWith(`  ${door} `));
      const found = /(?:\w+:\/\/)?([^\s/]+:\d+)/.exec(line?.slice(door.length + 2) ?? '')?.[1];
      if (found === undefined) throw new Error(`${name} announced no door ${door}:\n${banner.join('\n')}`);
      return found;
    },
    log: () => log,
    ended: exitCode,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL');
    },
  };
}

/** Runs an app to its end, for starts that must fail. One that gets ready all the same, or never ends, is killed: its code is null. */
export async function runApp(name: string, options: AppOptions = {}): Promise<FailedStart> {
  const child = launch(name, options);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (stdout.includes(' is ready.\n')) child.kill('SIGKILL');
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const limit = setTimeout(() => child.kill('SIGKILL'), startWithin);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(limit);
  return { code, stdout, stderr };
}
