import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { AppProcess } from '@derailed/testing';
import { WebSocket } from 'ws';

/** The V8 inspector of a process that was started with --inspect. */
export class Inspector {
  private last = 0;

  private constructor(private readonly socket: WebSocket) {}

  static async of(app: AppProcess): Promise<Inspector> {
    const at = /ws:\/\/\S+/.exec(app.log())?.[0];
    if (at === undefined) throw new Error('the process has no inspector');
    const socket = new WebSocket(at, { perMessageDeflate: false, maxPayload: 1 << 30 });
    await once(socket, 'open');
    return new Inspector(socket);
  }

  /** Collects all garbage, weak references and what they set free included. */
  async collectGarbage(): Promise<void> {
    for (let pass = 0; pass < 3; pass++) await this.ask('HeapProfiler.collectGarbage');
  }

  /** Of the process' heap, in bytes: what is alive, and what is outside of it in buffers. */
  async memory(): Promise<{ heapUsed: number; external: number }> {
    const answer = await this.ask('Runtime.evaluate', {
      expression: 'process.memoryUsage()',
      returnByValue: true,
    });
    return (answer as { result: { value: { heapUsed: number; external: number } } }).result.value;
  }

  async startProfile(): Promise<void> {
    await this.ask('Profiler.enable');
    await this.ask('Profiler.setSamplingInterval', { interval: 200 });
    await this.ask('Profiler.start');
  }

  /** Writes what was sampled since startProfile, for any viewer of .cpuprofile files. */
  async stopProfile(file: string): Promise<void> {
    const { profile } = (await this.ask('Profiler.stop')) as { profile: unknown };
    writeFileSync(file, JSON.stringify(profile));
  }

  close(): void {
    this.socket.close();
  }

  private ask(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      const onMessage = (data: Buffer): void => {
        const answer = JSON.parse(data.toString()) as {
          id?: number;
          result?: unknown;
          error?: { message: string };
        };
        if (answer.id !== id) return;
        this.socket.off('message', onMessage);
        if (answer.error) reject(new Error(`${method}: ${answer.error.message}`));
        else resolve(answer.result);
      };
      this.socket.on('message', onMessage);
      this.socket.send(JSON.stringify({ id, method, params }));
    });
  }
}
