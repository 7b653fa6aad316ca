import type { AppProcess, ClusterApp, RunningCluster } from '@derailed/testing';
import type { Incident, Violation } from '../judge/history';
import { type Fault, type Target, isSurrounding, recovery } from '../plan/faults';
import { machineTime, sleep } from '../time';
import type { Surroundings } from './surroundings';

export interface Place {
  readonly role: ClusterApp;
  readonly nth: number;
}

/** A node that is told to end has this long. */
const drainDeadline = 60_000;
/** A service manager starts what has ended by itself after this pause. */
const restartPause = 1_000;
/** A start that failed, because of what is going on, is tried again. */
const startAttempts = 5;

/** The nodes of a cluster under a service manager: what ends is started again. Does faults to them. */
export class Nodes {
  readonly incidents: Incident[] = [];
  readonly violations: Violation[] = [];
  /** Nodes that a fault is being done to: their end is no surprise. */
  private readonly busy = new Map<string, Promise<void>>();
  /** Of each role that something was done to: it has recovered from that. */
  private readonly freeAgain = new Map<Target, Promise<unknown>>();
  private over = false;

  constructor(
    private readonly cluster: RunningCluster,
    private readonly places: readonly Place[],
    private readonly surroundings: Surroundings,
    private readonly leaseMs: number,
    private readonly say: (text: string) => void,
  ) {
    for (const place of places) this.watch(place, this.processOf(place));
  }

  /** HOST:PORT of each node's door of that name. */
  doors(role: ClusterApp, door: string): readonly string[] {
    return this.places.flatMap((place) => (place.role === role ? [this.processOf(place).door(door)] : []));
  }

  /** Ends when something may be done to the role, or to what all depend on: only one node of a role is to be away at a time. */
  async free(role: Target): Promise<void> {
    const before = [...this.freeAgain].flatMap(([target, free]) =>
      target === role || isSurrounding(target) || isSurrounding(role) ? free : [],
    );
    await Promise.all(before);
  }

  /** Ends when the node, or what all of them depend on, is in service again. */
  async do(fault: Fault): Promise<void> {
    const done = this.perform(fault);
    this.freeAgain.set(
      fault.role,
      done.then(() => sleep(recovery)),
    );
    await done;
  }

  private async perform(fault: Fault): Promise<void> {
    if (isSurrounding(fault.role)) {
      this.incidents.push(await this.surroundings.do({ ...fault, role: fault.role }));
      return;
    }
    const place = this.places.find(({ role, nth }) => role === fault.role && nth === fault.nth);
    if (place === undefined) throw new Error(`there is no ${fault.role} ${fault.nth}`);
    const key = keyOf(place);
    // One that has just ended by itself comes back first.
    const done = (this.busy.get(key) ?? Promise.resolve()).then(() => this.performOn(place, fault));
    this.busy.set(key, done);
    await done.finally(() => {
      if (this.busy.get(key) === done) this.busy.delete(key);
    });
  }

  /** Every node is in service. */
  async settled(): Promise<void> {
    while (this.busy.size > 0) await Promise.all(this.busy.values());
  }

  /** From here on ends are no surprise. */
  close(): void {
    this.over = true;
  }

  private async performOn(place: Place, { action, downFor }: Fault): Promise<void> {
    const { role, nth } = place;
    const process = this.processOf(place);
    const sessions = role === 'session-node' ? await sessionsOf(process) : undefined;
    const at = machineTime();
    this.say(`${action} ${role} ${nth}${sessions === undefined ? '' : ` (${sessions} sessions)`}`);
    switch (action) {
      case 'kill':
        await process.kill();
        await sleep(downFor);
        await this.start(place);
        break;
      case 'stop':
        await this.pause(place, process, downFor);
        break;
      case 'drain':
        await this.drain(place, process);
        await this.start(place);
        break;
    }
    const until = action === 'stop' ? at + downFor : machineTime();
    this.incidents.push({ action, role, nth, at, until, ...(sessions !== undefined && { sessions }) });
    this.say(`${role} ${nth} is back after ${Math.round(machineTime() - at)} ms`);
  }

  /** One that slept through its lease ends when it wakes, and is started again. */
  private async pause(place: Place, process: AppProcess, downFor: number): Promise<void> {
    process.pause();
    await sleep(downFor);
    process.resume();
    const code = await Promise.race([
      process.ended.then((ended) => ended ?? 'a signal'),
      sleep(this.leaseMs / 2),
    ]);
    if (code === undefined) return;
    if (downFor < this.leaseMs / 2) this.died(place, process, code);
    await sleep(restartPause);
    await this.start(place);
  }

  private async drain({ role, nth }: Place, process: AppProcess): Promise<void> {
    const at = machineTime();
    const code = await Promise.race([process.stop(), sleep(drainDeadline).then(() => 'late' as const)]);
    if (code === 0) return;
    const how =
      code === 'late' ? `had not ended after ${drainDeadline} ms` : `ended with ${code ?? 'a signal'}`;
    const what = `${role} ${nth} was told to end and ${how}${tail(process)}`;
    this.violations.push({ kind: 'node', at, what });
    if (code === 'late') await process.kill();
  }

  private async start(place: Place): Promise<void> {
    if (this.over) return;
    for (let attempt = 1; ; attempt++) {
      try {
        this.watch(place, await this.cluster.restart(place.role, place.nth));
        return;
      } catch (error) {
        if (attempt === startAttempts) throw error;
        this.say(`${place.role} ${place.nth} did not start: ${error instanceof Error ? error.message : ''}`);
        await sleep(restartPause);
      }
    }
  }

  private watch(place: Place, process: AppProcess): void {
    void process.ended.then((code) => {
      const key = keyOf(place);
      if (this.over || this.busy.has(key) || process !== this.processOf(place)) return;
      this.died(place, process, code ?? 'a signal');
      const back = sleep(restartPause).then(() => this.start(place));
      this.busy.set(key, back);
      void back.finally(() => {
        if (this.busy.get(key) === back) this.busy.delete(key);
      });
    });
  }

  private died({ role, nth }: Place, process: AppProcess, code: number | string): void {
    const at = machineTime();
    const what = `${role} ${nth} ended by itself with ${code}${tail(process)}`;
    this.say(what);
    this.incidents.push({ action: 'exit', role, nth, at, until: at + restartPause });
    this.violations.push({ kind: 'node', at, what });
  }

  private processOf({ role, nth }: Place): AppProcess {
    return this.cluster.app(role, nth);
  }
}

function keyOf({ role, nth }: Place): string {
  return `${role} ${nth}`;
}

function tail(process: AppProcess): string {
  const lines = process.log().trim().split('\n').slice(-3).join('\n  ');
  return lines === '' ? '' : `; its log ends with\n  ${lines}`;
}

/** Sessions of a session-node, detached ones included; undefined when it does not say. */
async function sessionsOf(process: AppProcess): Promise<number | undefined> {
  try {
    const answer = await fetch(`http://${process.door('admin')}/metrics`, {
      signal: AbortSignal.timeout(2_000),
    });
    const found = /^derailed_session_sessions(?:\{[^}]*\})? (\d+)/m.exec(await answer.text())?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}
