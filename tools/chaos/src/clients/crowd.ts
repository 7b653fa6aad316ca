import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { SessionHistory } from '../judge/history';
import type { ClientTraits } from './chaos-client';
import type { Count, Order, Report } from './messages';

export interface CrowdOptions {
  readonly doors: readonly string[];
  readonly guilds: ReadonlyMap<string, number>;
  readonly clients: readonly ClientTraits[];
  readonly workers: number;
  readonly seed: number;
  readonly events: number;
  readonly overMs: number;
}

export interface Lived {
  readonly sessions: readonly SessionHistory[];
  /** By event: the longest way to a client, in milliseconds. */
  readonly longestWay: Float32Array;
}

const loader = join(__dirname, '..', '..', '..', 'ts.cjs');

/** Clients in processes of their own, so that they do not hold up who publishes and who judges. */
export class Crowd {
  private constructor(
    private readonly workers: readonly ChildProcess[],
    private readonly events: number,
  ) {}

  static start({ workers, clients, seed, ...shared }: CrowdOptions): Crowd {
    const processes = Array.from({ length: workers }, (_, number) => {
      const worker = fork(join(__dirname, 'clients.worker.ts'), [], {
        execArgv: ['-r', loader],
        serialization: 'advanced',
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      const own = clients.filter((client) => client.number % workers === number);
      tell(worker, { kind: 'start', ...shared, clients: own, seed: seed + number });
      return worker;
    });
    return new Crowd(processes, shared.events);
  }

  async count(): Promise<Count> {
    const counts = await Promise.all(
      this.workers.map(async (worker) => {
        const answered = answer(worker, 'count');
        tell(worker, { kind: 'count' });
        return (await answered).count;
      }),
    );
    const sum = (of: (count: Count) => number): number =>
      counts.reduce((total, count) => total + of(count), 0);
    return {
      live: sum(({ live }) => live),
      guilds: sum(({ guilds }) => guilds),
      events: sum(({ events }) => events),
      banned: counts.flatMap(({ banned }) => banned),
    };
  }

  /** All leave, and say what they lived through. */
  async finish(): Promise<Lived> {
    const sessions: SessionHistory[] = [];
    const longestWay = new Float32Array(this.events);
    await Promise.all(
      this.workers.map(async (worker) => {
        worker.on('message', (report: Report) => {
          if (report.kind === 'history') sessions.push(report.session);
        });
        const finished = answer(worker, 'finished');
        tell(worker, { kind: 'finish' });
        (await finished).longestWay.forEach((way, event) => {
          longestWay[event] = Math.max(longestWay[event] as number, way);
        });
        worker.disconnect();
      }),
    );
    return { sessions, longestWay };
  }

  kill(): void {
    for (const worker of this.workers) worker.kill('SIGKILL');
  }
}

function tell(worker: ChildProcess, order: Order): void {
  worker.send(order);
}

/** The next report of a kind. @throws Error when the process ends first */
function answer<K extends Report['kind']>(
  worker: ChildProcess,
  kind: K,
): Promise<Extract<Report, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const hear = (report: Report): void => {
      if (report.kind !== kind) return;
      worker.off('message', hear);
      worker.off('exit', ended);
      resolve(report as Extract<Report, { kind: K }>);
    };
    const ended = (code: number | null): void =>
      reject(new Error(`a process of clients ended with ${code ?? 'a signal'}`));
    worker.on('message', hear);
    worker.once('exit', ended);
    if (worker.exitCode !== null) ended(worker.exitCode);
  });
}
