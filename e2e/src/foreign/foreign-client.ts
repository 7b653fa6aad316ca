import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A dispatch as the library read it; hikari does not say its number. */
export interface Dispatch {
  readonly t: string;
  readonly s?: number;
  readonly d: Record<string, unknown>;
}

/** What a client printed. */
type Line = Dispatch | { readonly ready: Readonly<Record<string, string>> } | { readonly saw: string };

/** Milliseconds after which a client that does not get on has failed; some rest for seconds between two tries. */
const patienceMs = 40_000;

/** A client library in a process of its own, and what it received. */
export class ForeignClient {
  readonly dispatches: Dispatch[] = [];
  /** The names of the guilds that it has cached, by id, once it is ready. */
  ready: Readonly<Record<string, string>> | undefined;
  /** Messages that it told its user of. */
  readonly saw: string[] = [];
  private readonly child: ChildProcess;
  private readonly waiting = new Set<() => void>();
  private readonly exited: Promise<unknown>;
  private ended = false;
  private errors = '';
  private failure: Error | undefined;

  constructor([program = '', ...args]: readonly string[], env: Readonly<Record<string, string>>) {
    this.child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.exited = once(this.child, 'close');
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    if (this.child.stdout)
      createInterface(this.child.stdout).on('line', (line) => {
        if (line.startsWith('{')) this.take(JSON.parse(line) as Line);
        // Libraries log there too.
        else this.errors += `${line}\n`;
      });
    this.child.on('close', () => {
      this.ended = true;
      this.wake();
    });
  }

  named(name: string): Dispatch[] {
    return this.dispatches.filter(({ t }) => t === name);
  }

  messages(): string[] {
    return this.named('MESSAGE_CREATE').map(({ d }) => String(d['content']));
  }

  /** Waits until it has got that far. One that does not is remembered, and asked nothing more. */
  async reaches(what: string, enough: () => boolean): Promise<void> {
    if (this.failure) return;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.wake();
    }, patienceMs);
    while (!enough() && !late && !this.ended) await new Promise<void>((resolve) => this.waiting.add(resolve));
    clearTimeout(timer);
    if (enough()) return;
    const got = this.dispatches.map(({ t, s }) => `${t} ${s}`).join(', ');
    const why = this.ended ? 'ended' : 'waited in vain';
    this.failure = new Error(`it ${why} before it had ${what}; it got: ${got}\n${this.errors}`);
  }

  /** @throws Error when it did not get as far as it should */
  check(): void {
    if (this.failure) throw this.failure;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  private take(line: Line): void {
    if ('ready' in line) this.ready = line.ready;
    else if ('saw' in line) this.saw.push(line.saw);
    else this.dispatches.push(line);
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }
}
