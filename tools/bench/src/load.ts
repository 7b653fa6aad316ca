import type { Crowd } from './crowd';
import type { Message } from './message';
import { cpuSeconds } from './process-cpu';
import type { Server } from './server';

/** Events that receivers may be behind: where the server acks before they have read, its sockets must not fill. */
const mostBehind = 1024;

/** What came out of a stretch of load. */
export interface Run {
  readonly events: number;
  /** Frames that receivers got. */
  readonly deliveries: number;
  readonly seconds: number;
  /** Of the server's process. */
  readonly cpuSeconds: number;
  /** On the receivers' sockets. */
  readonly bytes: number;
}

/** Deliveries per second of server CPU: what servers are compared by. */
export const perCpuSecond = (run: Run): number => run.deliveries / run.cpuSeconds;
export const perSecond = (run: Run): number => run.deliveries / run.seconds;

export interface Load {
  readonly server: Server;
  readonly crowd: Crowd;
  readonly message: Message;
  readonly seconds: number;
}

/** Keeps `inFlight` events published and not acked. Ends when every receiver has every event. */
export async function saturate({ server, crowd, message, seconds }: Load, inFlight: number): Promise<Run> {
  const { publisher, pid } = server;
  return measure(pid, crowd, async (end) => {
    const until = performance.now() + seconds * 1000;
    let published = 0;
    let acked = 0;
    await Promise.race([
      publisher.failed,
      new Promise<void>((resolve) => {
        const fill = (): void => {
          if (performance.now() >= until) {
            if (acked === published) resolve();
            return;
          }
          while (
            published - acked < inFlight &&
            published * crowd.size - crowd.frames < mostBehind * crowd.size
          ) {
            published++;
            publisher.publish(message, () => {
              acked++;
              fill();
            });
          }
          // The receivers are too far behind, and no ack will come to try again.
          if (acked === published) setImmediate(fill);
        };
        fill();
      }),
    ]);
    await end(published);
    return published;
  });
}

/** The next event is published when the last one is acked and every receiver has it. */
export function oneAtATime({ server, crowd, message, seconds }: Load, onPublish?: () => void): Promise<Run> {
  const { publisher, pid } = server;
  return measure(pid, crowd, async (end) => {
    const until = performance.now() + seconds * 1000;
    let published = 0;
    while (performance.now() < until) {
      published++;
      const acked = new Promise<void>((resolve) => {
        onPublish?.();
        publisher.publish(message, resolve);
      });
      await Promise.race([publisher.failed, acked]);
      await end(published);
    }
    return published;
  });
}

/** Publishes `rate` events a second, whatever the server says. */
export function atRate(
  { server, crowd, message, seconds }: Load,
  rate: number,
  onPublish?: () => void,
): Promise<Run> {
  const { publisher, pid } = server;
  return measure(pid, crowd, async (end) => {
    const start = performance.now();
    const planned = Math.floor(rate * seconds);
    let published = 0;
    let acked = 0;
    await Promise.race([
      publisher.failed,
      new Promise<void>((resolve) => {
        const publishDue = (): void => {
          const due = Math.min(planned, Math.floor(((performance.now() - start) / 1000) * rate) + 1);
          while (published < due) {
            published++;
            onPublish?.();
            publisher.publish(message, () => {
              if (++acked === planned) resolve();
            });
          }
          if (published < planned) setTimeout(publishDue, 1);
        };
        publishDue();
      }),
    ]);
    await end(published);
    return published;
  });
}

async function measure(
  pid: number,
  crowd: Crowd,
  load: (end: (published: number) => Promise<void>) => Promise<number>,
): Promise<Run> {
  crowd.mark();
  const cpu = cpuSeconds(pid);
  const start = performance.now();
  const events = await load((published) => crowd.until(published * crowd.size));
  const seconds = (performance.now() - start) / 1000;
  const used = cpuSeconds(pid) - cpu;
  crowd.expectEach(events);
  return { events, deliveries: crowd.frames, seconds, cpuSeconds: used, bytes: crowd.bytes };
}
